"""Leads, members and dates that a phase derives from its rows."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.phases.model import Participant, Phase
from tests.announcement.phases import SPRINT, participant
from tests.harness import ANA, BEN, CHIARA, DEV


def with_people(*people: Participant) -> Phase:
    return replace(SPRINT, people=people)


def test_leads_are_those_who_have_not_left_with_the_starter_first() -> None:
    phase = with_people(
        participant(BEN, is_lead=True, is_reachable=False),
        participant(ANA),
        participant(CHIARA, is_lead=True, has_left=True),
        participant(DEV),
    )

    assert phase.lead_ids == (ANA, BEN)
    assert phase.lead_names == ("Ana", "Ben")
    assert [lead.user_id for lead in phase.reachable_leads] == [ANA]
    assert phase.member_ids == (DEV,)
    assert [phase.is_led_by(user_id) for user_id in (ANA, BEN, CHIARA, DEV)] == [
        True,
        True,
        False,
        False,
    ]
    assert [phase.has_participant(user_id) for user_id in (ANA, BEN, CHIARA, DEV)] == [
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("people", "names"),
    [
        ((participant(ANA, has_left=True), participant(BEN)), ("Ana",)),
        ((participant(ANA, has_left=True), participant(BEN, is_lead=True)), ("Ben",)),
        ((participant(BEN),), (ANA,)),  # the starter is not stored: only the id is known
    ],
)
def test_where_no_lead_is_left_the_starter_is_named(
    people: tuple[Participant, ...], names: tuple[str, ...]
) -> None:
    assert with_people(*people).lead_names == names


def test_members_who_left_are_neither_asked_nor_counted_for_the_minimum() -> None:
    ids = (BEN, CHIARA, DEV, "U0EMI")
    team = tuple(participant(user_id) for user_id in ids)
    lead = participant(ANA)

    assert with_people(lead, *team).minimum_answers == 4
    assert with_people(lead, *team[:-1], replace(team[-1], has_left=True)).minimum_answers is None


@pytest.mark.parametrize(
    ("ended_at", "ended_on", "weeks"),
    [
        (None, date(2026, 12, 18), 2),
        (datetime(2026, 12, 10, 23, 30, tzinfo=UTC), date(2026, 12, 11), 1),  # in Rome
        (datetime(2026, 12, 20, 12, tzinfo=UTC), date(2026, 12, 18), 2),  # ended late
    ],
)
def test_a_phase_ends_on_the_day_in_its_own_zone_and_never_after_its_date(
    ended_at: datetime | None, ended_on: date, weeks: float
) -> None:
    phase = replace(SPRINT, zone="Europe/Rome", ended_at=ended_at)

    assert phase.ended_on == ended_on
    assert phase.weeks == weeks
    assert phase.ends_at == datetime(2026, 12, 18, 16, tzinfo=UTC)
