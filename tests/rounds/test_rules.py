"""When the questions come, to whom, and from how many answers on anything is shown."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.slots import is_working_day
from bot.phases.privacy import minimum_for
from bot.rounds.questions import QUESTIONS, for_member, reworded
from bot.rounds.rules import (
    APART,
    Candidate,
    RoundKind,
    closes_at,
    may_open,
    membership_diff,
    plan,
    poll_free_from,
    remind_at,
    who_is_asked,
)

STARTS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
LENGTHS = st.integers(1, 84)
WORKDAYS = st.integers(0, 4)


@given(STARTS, LENGTHS, WORKDAYS)
def test_rounds_are_at_least_five_days_apart_on_working_days(
    start: date, length: int, weekday: int
) -> None:
    rounds = plan(start, start + timedelta(days=length), weekday)

    days = [each.on for each in rounds]
    assert days == sorted(days)
    assert all(later - earlier >= APART for earlier, later in pairwise(days))
    assert all(map(is_working_day, days))


@given(STARTS, LENGTHS, WORKDAYS)
def test_a_phase_has_one_first_round_and_at_most_one_closing(
    start: date, length: int, weekday: int
) -> None:
    end = start + timedelta(days=length)
    kinds = [each.kind for each in plan(start, end, weekday)]

    assert kinds[0] is RoundKind.FIRST
    assert kinds.count(RoundKind.FIRST) == 1
    assert kinds.count(RoundKind.CLOSING) <= 1
    assert kinds.count(RoundKind.AFTER) == (2 if length > 21 else 1)


@given(STARTS, st.integers(12, 84), WORKDAYS)
def test_the_closing_round_is_near_the_end(start: date, length: int, weekday: int) -> None:
    end = start + timedelta(days=length)
    closing = [each.on for each in plan(start, end, weekday) if each.kind is RoundKind.CLOSING]

    assert len(closing) == 1
    assert timedelta(0) <= end - closing[0] <= APART


def test_two_weeks_from_a_monday_with_tuesdays() -> None:
    rounds = plan(date(2026, 11, 23), date(2026, 12, 7), weekday=1)

    assert [(each.kind.value, each.on) for each in rounds] == [
        ("first", date(2026, 11, 24)),
        ("weekly", date(2026, 12, 1)),
        ("closing", date(2026, 12, 7)),
        ("after", date(2026, 12, 21)),
    ]


@pytest.mark.parametrize(
    ("team", "minimum"),
    [(0, None), (3, None), (4, 4), (7, 4), (8, 5), (100, 5)],
)
def test_the_minimum_follows_the_team(team: int, minimum: int | None) -> None:
    assert minimum_for(team) == minimum


@given(st.integers(4, 200), st.integers(0, 50), st.integers(0, 50))
def test_a_workspace_raises_the_minimum_and_never_lowers_it(
    team: int, small: int, large: int
) -> None:
    ours, theirs = minimum_for(team), minimum_for(team, small, large)

    assert ours is not None
    raised = max(ours, small if team < 8 else large)
    assert theirs == (raised if raised <= team else None)  # else they would be asked in vain


def test_leads_guests_and_who_opted_out_are_not_asked() -> None:
    def candidate(user_id: str, **more: bool) -> Candidate:
        plain = {"is_full_member": True, "is_lead": False, "has_opted_out": False}
        return Candidate(user_id=user_id, **{**plain, **more})

    asked = who_is_asked(
        [
            candidate("member"),
            candidate("lead", is_lead=True),
            candidate("guest", is_full_member=False),
            candidate("quiet", has_opted_out=True),
            candidate("gone", has_left=True),
        ]
    )

    assert asked == ("member",)


def test_a_round_closes_two_days_after_the_last_slot() -> None:
    early = datetime(2026, 11, 24, 1, tzinfo=UTC)
    late = datetime(2026, 11, 24, 15, tzinfo=UTC)

    assert closes_at([late, early]) == datetime(2026, 11, 26, 15, tzinfo=UTC)


def test_a_reminder_waits_for_the_working_morning() -> None:
    friday = datetime(2026, 11, 27, 10, tzinfo=UTC)

    assert remind_at(friday, "Europe/London") == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_a_poll_waits_five_days() -> None:
    opened = datetime(2026, 11, 24, 10, tzinfo=UTC)

    assert poll_free_from(opened) == opened + APART
    assert poll_free_from(None) is None
    assert not may_open(opened + timedelta(days=4), opened)
    assert may_open(opened + timedelta(days=5), opened)


def test_questions_name_one_lead_and_speak_of_several() -> None:
    one = for_member(["Ana"])
    several = for_member(["Ana", "Ben"])

    assert one[0].to_member.startswith("Does Ana say plainly")
    assert several[0].to_member.startswith("Do our leads say plainly")
    assert "does Ana drop ego" in one[2].to_member
    assert not any("{" in question.to_member for question in (*one, *several))


def test_a_workspace_rewords_but_drops_nothing() -> None:
    ours = reworded({"clarity": {"label": "Klar?", "to_member": ""}, "unknown": {"label": "x"}})

    assert [question.key for question in ours] == [question.key for question in QUESTIONS]
    assert ours[0].label == "Klar?"
    assert ours[0].to_member == QUESTIONS[0].to_member


def test_the_team_follows_who_is_in_the_channel() -> None:
    found = membership_diff(
        team={"stays": True, "goes": True, "is back": False, "is away": False},
        there={"stays", "is back", "new", "guest", "onlooker"},
        strangers={"new", "guest"},
        colleagues={"stays", "is back", "new"},
    )

    assert (found.gone, found.back, found.new) == (("goes",), ("is back",), ("new",))
    assert found.are_any


def test_where_everybody_is_as_before_nobody_came_or_went() -> None:
    found = membership_diff(
        {"stays": True, "is away": False}, {"stays", "onlooker"}, set(), {"stays"}
    )

    assert not found.are_any
