"""The roster is fixed by the first round, and joined only by people who can answer."""

from typing import Any

import pytest

from bot.rounds.rules import Candidate, roster_of

PLACED = ("ben", "chiara", "dev", "emi")


def candidate(user_id: str, **changed: Any) -> Candidate:
    known = {"is_full_member": True, "is_lead": False, "has_opted_out": False}
    return Candidate(user_id=user_id, **{**known, **changed})


def joiner(user_id: str, **changed: Any) -> Candidate:
    return candidate(user_id, is_on_roster=False, **changed)


@pytest.mark.parametrize(
    "second", [{"is_full_member": False}, {"has_left": True}, {"is_lead": True}]
)
def test_joiner_waits_though_somebody_who_cannot_answer_joined_too(second: dict[str, bool]) -> None:
    team = [candidate(user_id) for user_id in PLACED]
    joined = [joiner("olivia"), joiner("second", **second)]

    roster = roster_of([*team, *joined], is_first=False)

    assert tuple(person.user_id for person in roster) == PLACED


def test_two_joiners_who_can_answer_get_a_place_even_if_one_opted_out() -> None:
    team = [candidate(user_id) for user_id in PLACED]
    joined = [joiner("olivia"), joiner("finn", has_opted_out=True)]

    roster = roster_of([*team, *joined], is_first=False)

    assert {person.user_id for person in roster} == {*PLACED, "olivia", "finn"}


def test_nobody_loses_their_place_and_only_the_first_round_leaves_people_out() -> None:
    changed = [candidate("ben", has_left=True), candidate("chiara", is_full_member=False)]
    team = [*changed, candidate("dev"), candidate("ana", is_lead=True)]

    first, later = (roster_of(team, is_first=is_first) for is_first in (True, False))

    assert [person.user_id for person in first] == ["dev"]
    assert [person.user_id for person in later] == ["ben", "chiara", "dev"]
