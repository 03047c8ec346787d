"""Rules for round dates, people asked, reminders, polls and minimum numbers of answers."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS, WorkCalendar
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
from tests.agenda.calendars import CALENDARS

STARTS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
LENGTHS = st.integers(1, 84)
WORKDAYS = st.integers(0, 4)
TIMES = st.times(time(8), time(20))


@given(STARTS, LENGTHS, WORKDAYS, TIMES, CALENDARS)
def test_rounds_are_at_least_five_days_apart_within_the_hours_of_working_days(
    start: date, length: int, weekday: int, at: time, calendar: WorkCalendar
) -> None:
    rounds = plan(start, start + timedelta(days=length), weekday, at, calendar)

    days = [each.on for each in rounds]
    assert days == sorted(days)
    assert all(later - earlier >= MIN_APART for earlier, later in pairwise(days))
    assert all(map(calendar.is_working_day, days))
    assert all(calendar.is_working_day(day, at) for day in days[1:])


@given(STARTS, LENGTHS, WORKDAYS, CALENDARS)
def test_weekly_round_is_moved_by_a_holiday_and_by_nothing_else(
    start: date, length: int, weekday: int, calendar: WorkCalendar
) -> None:
    rounds = plan(start, start + timedelta(days=length), weekday, time(10), calendar)

    for each in rounds:
        if each.kind is RoundKind.WEEKLY:
            since = (each.on.weekday() - weekday) % 7
            skipped = [each.on - timedelta(days=back) for back in range(1, since + 1)]
            assert not any(map(calendar.is_working_day, skipped))


@given(STARTS, LENGTHS, WORKDAYS, TIMES, CALENDARS)
def test_phase_has_one_first_round_and_at_most_one_closing_round(
    start: date, length: int, weekday: int, at: time, calendar: WorkCalendar
) -> None:
    end = start + timedelta(days=length)
    kinds = [each.kind for each in plan(start, end, weekday, at, calendar)]

    assert kinds[0] is RoundKind.FIRST
    assert kinds.count(RoundKind.FIRST) == 1
    assert kinds.count(RoundKind.CLOSING) <= 1
    assert kinds.count(RoundKind.AFTER) == (2 if length > 21 else 1)


@given(STARTS, st.integers(12, 84), WORKDAYS)
def test_closing_round_is_within_five_days_of_the_end(
    start: date, length: int, weekday: int
) -> None:
    end = start + timedelta(days=length)
    rounds = plan(start, end, weekday, time(10), WEEKDAYS)
    closing = [each.on for each in rounds if each.kind is RoundKind.CLOSING]

    assert len(closing) == 1
    assert timedelta(0) <= end - closing[0] <= MIN_APART


def test_plan_of_a_two_week_phase_with_tuesday_rounds() -> None:
    rounds = plan(date(2026, 11, 23), date(2026, 12, 7), 1, time(10), WEEKDAYS)

    assert [(each.kind.value, each.on) for each in rounds] == [
        ("first", date(2026, 11, 24)),
        ("weekly", date(2026, 12, 1)),
        ("closing", date(2026, 12, 7)),
        ("after", date(2026, 12, 21)),
    ]


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (time(12), ["first 2026-12-18", "weekly 2026-12-24", "weekly 2026-12-31"]),
        (time(14), ["first 2026-12-18", "weekly 2026-12-25", "weekly 2027-01-01"]),
    ],
)
def test_afternoon_rounds_move_from_christmas_eve_and_new_years_eve(
    at: time, days: list[str]
) -> None:
    rounds = plan(date(2026, 12, 17), date(2027, 1, 31), 3, at, WEEKDAYS)

    assert [f"{each.kind} {each.on}" for each in rounds[:3]] == days


def test_weekly_round_that_a_holiday_moved_takes_the_place_of_one_too_near() -> None:
    """Thursday moves to Monday, four days before the next Thursday."""
    calendar = WorkCalendar(is_holiday=lambda day: day in (date(2026, 12, 3), date(2026, 12, 4)))
    rounds = plan(date(2026, 11, 18), date(2027, 1, 10), 3, time(10), calendar)

    assert [f"{each.on:%d %b}" for each in rounds[:4]] == ["19 Nov", "26 Nov", "07 Dec", "17 Dec"]


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

    assert reminder_time(friday, "Europe/London", WEEKDAYS) == datetime(2026, 11, 30, 8, tzinfo=UTC)


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
