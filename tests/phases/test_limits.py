"""Boundary values of the rules for starting, extending and ending a phase."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.agenda.work_calendar import WEEKDAYS
from bot.phases.budget import Span, compute_budget, earliest_start
from bot.phases.rules import (
    Actor,
    PhaseDates,
    PhaseKind,
    PhaseLimits,
    Proposal,
    Refusal,
    SetAside,
    SprintHistory,
    SprintPromise,
    TrustPromise,
    default_end,
    end_warning_day,
    latest_extension,
    needs_justification,
    recovery_until,
    refusal_to_extend,
    refusal_to_manage,
    refusal_to_start_any,
    warnings,
)
from tests.phases.test_rules import LIMITS, TODAY, history, refusal_text, refused, sprint, trust

WINDOW_ENDS = sprint().ends_on
OLDEST_DAY = WINDOW_ENDS - timedelta(days=89)


def days_from(start: date, days: int) -> Span:
    return Span(starts_on=start, ends_on=start + timedelta(days=days - 1))


@pytest.mark.parametrize(
    ("before", "spent"),
    [
        (days_from(OLDEST_DAY, 1), 16),
        (days_from(OLDEST_DAY - timedelta(days=1), 1), 15),
        (days_from(OLDEST_DAY - timedelta(days=5), 7), 17),
        (days_from(TODAY - timedelta(days=2), 4), 17),  # two days overlap with the proposal
        (days_from(WINDOW_ENDS, 9), 15),
    ],
)
def test_budget_counts_the_ninety_days_up_to_the_proposals_end(before: Span, spent: int) -> None:
    found = compute_budget([before], TODAY, sprint().span)

    assert (found.spent, found.window) == (spent, 90)
    assert found.sentence == f"With this one: {spent} of 90 days in results sprints."


def test_budget_window_ends_today_without_a_proposal() -> None:
    sprints = [days_from(TODAY - timedelta(days=89), 1), days_from(TODAY - timedelta(days=90), 1)]

    found = compute_budget([*sprints, days_from(TODAY, 5)], TODAY)

    assert found.sentence == "2 of the last 90 days in results sprints."


@pytest.mark.parametrize(("days", "is_over"), [(30, False), (31, True)])
def test_budget_allows_a_third_of_the_window_and_not_a_day_more(days: int, is_over: bool) -> None:
    assert compute_budget([], TODAY, days_from(TODAY, days)).is_over is is_over
    assert not compute_budget([], TODAY, days_from(TODAY, days), allowed=0.5).is_over


def test_free_from_is_the_earliest_day_that_fits_the_budget() -> None:
    """Twenty days are spent: ten more fit now, eleven once the oldest day leaves the window."""
    before = [days_from(TODAY - timedelta(days=60), 20)]

    assert earliest_start(before, TODAY, 10) == TODAY
    assert earliest_start(before, TODAY, 11) == TODAY + timedelta(days=20)
    assert earliest_start(before, TODAY, 20) == TODAY + timedelta(days=20)
    assert earliest_start(before, TODAY, 20, allowed=0.5) == TODAY
    assert earliest_start([], TODAY, 31) == TODAY + timedelta(days=90)


TEXTS = [
    ("milestone", sprint(milestone="x" * 3_001)),
    ("justification", sprint(justification="x" * 3_001)),
    ("set_aside", sprint(set_aside=(SetAside(text="x" * 3_001, owner_id="UBEN"),))),
    *(
        (name, sprint(promise=replace(SprintPromise(stakes="S"), **{name: "x" * 3_001})))
        for name in ("stakes", "ask", "protected", "why_you", "give_up")
    ),
    *(
        (name, trust(promise=replace(TrustPromise(purpose="P"), **{name: "x" * 3_001})))
        for name in ("purpose", "mistakes_fine", "mistakes_not", "listening", "yours_to_shape")
    ),
]


@pytest.mark.parametrize(("field", "proposal"), TEXTS, ids=[name for name, _ in TEXTS])
def test_every_text_field_has_the_same_limit(field: str, proposal: Proposal) -> None:
    assert list(refused(proposal)) == [field]


def test_all_refusals_are_returned_together() -> None:
    empty = sprint(milestone="", set_aside=(), member_ids=(), promise=SprintPromise(stakes=""))

    assert set(refused(empty)) == {"milestone", "set_aside", "members", "stakes"}


def test_leads_and_co_leads_alone_do_not_make_a_team() -> None:
    assert "members" in refused(sprint(co_lead_ids=("UBEN",), member_ids=("UANA", "UBEN")))
    assert refused(sprint(co_lead_ids=("UBEN",), member_ids=("UBEN", "UCHI"))) == {}


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (sprint(ends_on=TODAY + timedelta(days=1)), None),
        (sprint(ends_on=TODAY - timedelta(days=1)), "isn't after today"),
        (sprint(ends_on=TODAY + timedelta(days=43)), "6 weeks"),
        (trust(ends_on=TODAY + timedelta(days=85)), "12 weeks"),
    ],
)
def test_end_must_be_after_today_and_within_the_maximum_length(
    proposal: Proposal, reason: str | None
) -> None:
    assert (reason or "") in refused(proposal).get("ends_on", "")
    assert ("ends_on" in refused(proposal)) is (reason is not None)


@pytest.mark.parametrize(("days", "warned"), [(28, False), (29, True)])
def test_long_sprint_warning_starts_the_day_after_four_weeks(days: int, warned: bool) -> None:
    assert bool(warnings(sprint(ends_on=TODAY + timedelta(days=days)), LIMITS)) is warned


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (history(recovery_until=TODAY), "recovery until"),
        (history(recovery_until=TODAY - timedelta(days=1)), None),
        # twelve days long, so the next may begin twelve days after it ended
        (history(days_from(TODAY - timedelta(days=23), 12)), None),
        (
            history(days_from(TODAY - timedelta(days=22), 12)),
            "less time has passed since than it lasted",
        ),
        (
            SprintHistory(
                budget=compute_budget([days_from(date(2026, 9, 15), 15)], TODAY, sprint().span)
            ),
            None,
        ),
        (
            SprintHistory(
                budget=compute_budget([days_from(date(2026, 9, 15), 16)], TODAY, sprint().span)
            ),
            "31 of",
        ),
    ],
)
def test_justification_boundaries_for_recovery_spacing_and_budget(
    before: SprintHistory, reason: str | None
) -> None:
    found = needs_justification(sprint(), before)

    assert (found is None) is (reason is None)
    assert (reason or "") in (found or "")


@pytest.mark.parametrize(
    ("kind", "days", "more"),
    [
        (PhaseKind.RESULTS_SPRINT, 14, 7),
        (PhaseKind.RESULTS_SPRINT, 15, 7),
        (PhaseKind.RESULTS_SPRINT, 1, 1),
        (PhaseKind.RESULTS_SPRINT, 3, 1),
        (PhaseKind.RESULTS_SPRINT, 4, 2),
        (PhaseKind.RESULTS_SPRINT, 28, 14),
        (PhaseKind.RESULTS_SPRINT, 35, 7),  # capped by the maximum of six weeks
        (PhaseKind.RESULTS_SPRINT, 42, 0),
        (PhaseKind.TRUST_BUILDING, 35, 17),
        (PhaseKind.TRUST_BUILDING, 84, 0),
    ],
)
def test_extension_is_limited_to_half_the_length_or_the_maximum(
    kind: PhaseKind, days: int, more: int
) -> None:
    end = TODAY + timedelta(days=days)
    dates = PhaseDates(kind=kind, starts_on=TODAY, ends_on=end, original_ends_on=end)
    latest = end + timedelta(days=more)

    assert latest_extension(dates, LIMITS) == latest
    too_long = refusal_to_extend(dates, latest + timedelta(days=1), TODAY, LIMITS)
    assert too_long is not None
    assert too_long.field == "ends_on"
    for not_later in (end, end - timedelta(days=1)):
        assert isinstance(refusal_to_extend(dates, not_later, TODAY, LIMITS), Refusal)


def test_only_named_starters_can_start_and_guests_never_can() -> None:
    named = PhaseLimits(starters=("UBEN",))
    ben = Actor(user_id="UBEN", is_full_member=True)

    assert refusal_to_start_any(ben, named, "") is None
    for guest in (
        replace(ben, is_full_member=False),
        replace(ben, is_full_member=False, is_admin=True),
    ):
        assert "Guests" in refusal_text(refusal_to_start_any(guest, named, ""))
        assert "Guests" in refusal_text(refusal_to_manage(guest, ["UBEN"], ""))
    nobody = refusal_to_start_any(ben, PhaseLimits(starters=()), "")
    assert refusal_text(nobody).startswith("In this workspace, only admins start phases.")


def test_recovery_default_end_and_warning_dates() -> None:
    assert recovery_until(days_from(TODAY, 14)) == TODAY + timedelta(days=13 + 14)
    assert default_end(TODAY, 2, WEEKDAYS) == date(2026, 12, 7)
    assert default_end(date(2026, 11, 28), 1, WEEKDAYS) == date(2026, 12, 7)  # from a Saturday
    assert end_warning_day(date(2026, 12, 8), WEEKDAYS) == date(2026, 12, 4)
