"""Rules for round dates, people asked, reminders, polls and minimum numbers of answers."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.slots import is_working_day
from bot.phases.privacy import minimum_for
from bot.phases.rules import PhaseKind
from bot.rounds.questions import WORDINGS, about_leads, questions_for
from bot.rounds.rules import (
    MIN_APART,
    Candidate,
    RoundKind,
    closes_at,
    may_open,
    members_to_ask,
    membership_diff,
    next_poll_from,
    plan,
    reminder_time,
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
    assert all(later - earlier >= MIN_APART for earlier, later in pairwise(days))
    assert all(map(is_working_day, days))


@given(STARTS, LENGTHS, WORKDAYS)
def test_phase_has_one_first_round_and_at_most_one_closing_round(
    start: date, length: int, weekday: int
) -> None:
    end = start + timedelta(days=length)
    kinds = [each.kind for each in plan(start, end, weekday)]

    assert kinds[0] is RoundKind.FIRST
    assert kinds.count(RoundKind.FIRST) == 1
    assert kinds.count(RoundKind.CLOSING) <= 1
    assert kinds.count(RoundKind.AFTER) == (2 if length > 21 else 1)


@given(STARTS, st.integers(12, 84), WORKDAYS)
def test_closing_round_is_within_five_days_of_the_end(
    start: date, length: int, weekday: int
) -> None:
    end = start + timedelta(days=length)
    closing = [each.on for each in plan(start, end, weekday) if each.kind is RoundKind.CLOSING]

    assert len(closing) == 1
    assert timedelta(0) <= end - closing[0] <= MIN_APART


def test_plan_of_a_two_week_phase_with_tuesday_rounds() -> None:
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
def test_minimum_depends_on_team_size(team: int, minimum: int | None) -> None:
    assert minimum_for(team) == minimum


@given(st.integers(4, 200), st.integers(0, 50), st.integers(0, 50))
def test_workspace_can_raise_but_not_lower_the_minimum(team: int, small: int, large: int) -> None:
    default, configured = minimum_for(team), minimum_for(team, small, large)

    assert default is not None
    raised = max(default, small if team < 8 else large)
    assert configured == (raised if raised <= team else None)  # None: out of reach for the team


def test_leads_guests_leavers_and_opted_out_people_are_not_asked() -> None:
    def candidate(user_id: str, **more: bool) -> Candidate:
        defaults = {"is_full_member": True, "is_lead": False, "has_opted_out": False}
        return Candidate(user_id=user_id, **{**defaults, **more})

    asked = members_to_ask(
        [
            candidate("member"),
            candidate("lead", is_lead=True),
            candidate("guest", is_full_member=False),
            candidate("quiet", has_opted_out=True),
            candidate("gone", has_left=True),
        ]
    )

    assert asked == ("member",)


def test_round_closes_two_days_after_the_last_slot() -> None:
    early = datetime(2026, 11, 24, 1, tzinfo=UTC)
    late = datetime(2026, 11, 24, 15, tzinfo=UTC)

    assert closes_at([late, early]) == datetime(2026, 11, 26, 15, tzinfo=UTC)


def test_reminder_due_on_a_weekend_waits_for_monday_morning() -> None:
    friday = datetime(2026, 11, 27, 10, tzinfo=UTC)

    assert reminder_time(friday, "Europe/London") == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_poll_is_allowed_five_days_after_the_last_round() -> None:
    opened = datetime(2026, 11, 24, 10, tzinfo=UTC)

    assert next_poll_from(opened) == opened + MIN_APART
    assert next_poll_from(None) is None
    assert not may_open(opened + timedelta(days=4), opened)
    assert may_open(opened + timedelta(days=5), opened)


def test_questions_name_a_single_lead_and_say_our_leads_for_several() -> None:
    one = about_leads(["Ana"])
    several = about_leads(["Ana", "Ben"])

    assert one[0].to_member.startswith("Does Ana keep")
    assert several[0].to_member.startswith("Do our leads keep")
    assert "does Ana let mistakes happen" in one[2].to_member
    assert not any("{" in question.to_member for question in (*one, *several))


def test_workspace_can_reword_questions_but_not_remove_them() -> None:
    words = {"clarity": {"label": "Klar?", "to_member": ""}, "unknown": {"label": "x"}}
    questions = questions_for(PhaseKind.RESULTS_SPRINT, words)

    assert [question.key for question in questions] == ["clarity", "trust", "ego"]
    assert questions[0].label == "Klar?"
    assert questions[0].to_member == WORDINGS["clarity"].to_member


def test_question_about_trust_fits_the_kind_of_phase() -> None:
    labels = {kind: questions_for(kind)[1].label for kind in PhaseKind}

    assert labels == {
        PhaseKind.RESULTS_SPRINT: "Trust under pressure",
        PhaseKind.TRUST_BUILDING: "Trust first",
    }
    assert {question.key for kind in PhaseKind for question in questions_for(kind)} == {
        *("clarity", "trust", "ego")
    }


def test_membership_diff_finds_departed_returning_and_new_people() -> None:
    found = membership_diff(
        team={"stays": True, "goes": True, "is back": False, "is away": False},
        there={"stays", "is back", "new", "guest", "onlooker"},
        strangers={"new", "guest"},
        colleagues={"stays", "is back", "new"},
    )

    assert (found.departed, found.returned, found.new) == (("goes",), ("is back",), ("new",))
    assert found.has_changes


def test_membership_diff_is_empty_when_nobody_came_or_left() -> None:
    found = membership_diff(
        {"stays": True, "is away": False}, {"stays", "onlooker"}, set(), {"stays"}
    )

    assert not found.has_changes
