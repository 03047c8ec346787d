"""Rules for starting, extending and ending a phase, with the text of each refusal."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS
from bot.phases.budget import WINDOW_DAYS, Span, compute_budget, earliest_start
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
    refusals_to_start,
    warnings,
)

TODAY = date(2026, 11, 23)
LIMITS = PhaseLimits()
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
SPANS = st.builds(
    lambda start, length: Span(starts_on=start, ends_on=start + timedelta(days=length)),
    st.dates(date(2026, 6, 1), date(2026, 12, 31)),
    st.integers(0, 60),
)


def sprint(**changed: Any) -> Proposal:
    proposal = Proposal(
        kind=PhaseKind.RESULTS_SPRINT,
        channel_id="C1",
        lead_id="UANA",
        member_ids=("UBEN", "UCHI"),
        milestone="Ship the beta",
        starts_on=TODAY,
        ends_on=date(2026, 12, 7),
        zone="Europe/Lisbon",
        promise=SprintPromise(stakes="Two customers decide."),
        set_aside=(SetAside(text="Dark mode", owner_id="UBEN"),),
    )
    return replace(proposal, **changed)


def trust(**changed: Any) -> Proposal:
    promise = TrustPromise(purpose="Decide together.")
    proposal = sprint(kind=PhaseKind.TRUST_BUILDING, milestone="", set_aside=(), promise=promise)
    return replace(proposal, **changed)


def history(*sprints: Span, **more: Any) -> SprintHistory:
    spent = compute_budget(sprints, TODAY, sprint().span)
    return SprintHistory(budget=spent, last_sprint=sprints[-1] if sprints else None, **more)


def refused(proposal: Proposal, before: SprintHistory | None = None) -> dict[str | None, str]:
    found = refusals_to_start(proposal, before or history(), LIMITS, TODAY)
    return {refusal.field: refusal.text for refusal in found}


def test_complete_sprint_and_trust_proposals_may_start() -> None:
    assert refused(sprint()) == {}
    assert refused(trust()) == {}


@pytest.mark.parametrize(
    ("proposal", "field", "text"),
    [
        (sprint(ends_on=TODAY), "ends_on", "Mon 23 Nov isn't after today"),
        (sprint(ends_on=date(2027, 1, 5)), "ends_on", "Pick a date by Mon 4 Jan 2027"),
        (trust(ends_on=date(2027, 2, 16)), "ends_on", "12 weeks"),
        (sprint(milestone=""), "milestone", "Name the one thing that can't slip"),
        (sprint(promise=SprintPromise(stakes="")), "stakes", "what happens if you miss it"),
        (sprint(set_aside=()), "set_aside", "it's just more pressure"),
        (trust(promise=TrustPromise(purpose="")), "purpose", "able to do together"),
        (sprint(member_ids=("UANA",)), "members", "Nobody is on the team"),
        (sprint(milestone="x" * 3_001), "milestone", "3,001 characters, but only 3,000 fit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusal_names_its_field_and_reason(proposal: Proposal, field: str, text: str) -> None:
    found = refused(proposal)

    assert list(found) == [field]
    assert text in found[field]


def test_texts_and_phases_of_maximum_length_are_allowed() -> None:
    assert refused(sprint(milestone="x" * 3_000)) == {}
    assert refused(sprint(ends_on=TODAY + timedelta(weeks=6))) == {}
    assert refused(trust(ends_on=TODAY + timedelta(weeks=12))) == {}


def test_sprint_over_four_weeks_gives_a_warning() -> None:
    long = sprint(ends_on=TODAY + timedelta(weeks=5))

    assert warnings(long, LIMITS)
    assert not warnings(sprint(ends_on=TODAY + timedelta(weeks=4)), LIMITS)
    assert not warnings(trust(ends_on=TODAY + timedelta(weeks=5)), LIMITS)


RECENT = Span(starts_on=date(2026, 11, 2), ends_on=date(2026, 11, 13))
LONG_AGO = Span(starts_on=date(2026, 9, 10), ends_on=date(2026, 10, 5))


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (history(RECENT), "less time has passed since than it lasted"),
        (history(LONG_AGO), "41 of 90 days"),
        (history(recovery_until=date(2026, 11, 30)), "recovery until Mon 30 Nov"),
        (history(was_extended=True), "already extended"),
    ],
)
def test_start_too_soon_over_budget_or_in_recovery_needs_justification(
    before: SprintHistory, reason: str
) -> None:
    text = refused(sprint(), before)["justification"]

    assert reason in text
    assert refused(sprint(justification="The only window this year."), before) == {}


def test_trust_building_needs_no_justification_for_a_past_sprint() -> None:
    assert needs_justification(trust(), history(RECENT)) is None
    assert needs_justification(trust(), history(LONG_AGO)) is None


@given(st.lists(SPANS, max_size=5), SPANS)
def test_budget_share_is_within_bounds_and_counts_each_day_once(
    sprints: list[Span], proposed: Span
) -> None:
    found = compute_budget(sprints, TODAY, proposed)

    assert 0 <= found.share <= 1
    assert found.spent >= min(proposed.days, WINDOW_DAYS)
    assert compute_budget([*sprints, *sprints], TODAY, proposed).spent == found.spent


@given(st.lists(SPANS, max_size=5), st.integers(1, 30))
def test_sprint_starting_on_the_free_day_fits_the_budget(sprints: list[Span], length: int) -> None:
    start = earliest_start(sprints, TODAY, length)

    proposed = Span(starts_on=start, ends_on=start + timedelta(days=length - 1))
    assert start >= TODAY
    if start < TODAY + timedelta(days=WINDOW_DAYS):
        assert not compute_budget(sprints, TODAY, proposed).is_over


@given(DAYS, st.integers(1, 83), st.sampled_from(PhaseKind))
def test_extension_is_at_most_half_the_length_and_within_the_maximum(
    start: date, length: int, kind: PhaseKind
) -> None:
    first_end = start + timedelta(days=length)
    dates = PhaseDates(kind=kind, starts_on=start, ends_on=first_end, original_ends_on=first_end)
    latest = latest_extension(dates, LIMITS)

    assert latest <= start + timedelta(weeks=LIMITS.max_weeks(kind))
    assert latest - first_end <= max(timedelta(days=1), (first_end - start) / 2)
    if latest > first_end:
        assert refusal_to_extend(dates, latest, start, LIMITS) is None
    assert isinstance(refusal_to_extend(dates, latest + timedelta(days=1), start, LIMITS), Refusal)


@pytest.mark.parametrize(
    ("new_end", "today", "says"),
    [
        (date(2026, 11, 20), TODAY, "Fri 20 Nov isn't after the current end, Mon 7 Dec."),
        (date(2025, 12, 9), TODAY, "Tue 9 Dec 2025 isn't after the current end, Mon 7 Dec."),
        (date(2026, 12, 9), date(2026, 12, 9), "Wed 9 Dec isn't after today."),  # after downtime
        (date(2028, 12, 9), TODAY, "a phase can be extended by half its original length"),
        (date(2028, 12, 9), TODAY, "Pick a day up to Mon 14 Dec."),
        (date(2026, 12, 1), date(2027, 1, 4), "up to Mon 14 Dec 2026."),
    ],
)
def test_refused_extension_names_the_day_with_its_year_and_what_is_possible(
    new_end: date, today: date, says: str
) -> None:
    refusal = refusal_to_extend(dates_of(14), new_end, today, LIMITS)

    assert says in refusal_text(refusal)


@given(DAYS, st.integers(1, 12))
def test_default_end_is_a_weekday(today: date, weeks: int) -> None:
    end = default_end(today, weeks, WEEKDAYS)

    assert end.weekday() < 5
    assert timedelta(weeks=weeks) <= end - today <= timedelta(weeks=weeks, days=2)


@given(SPANS)
def test_recovery_is_at_least_as_long_as_the_sprint(span: Span) -> None:
    assert (recovery_until(span) - span.ends_on).days >= span.days


def test_end_warning_comes_two_working_days_before_the_end() -> None:
    assert end_warning_day(date(2026, 12, 7), WEEKDAYS) == date(2026, 12, 3)


def dates_of(length: int) -> PhaseDates:
    first = TODAY + timedelta(days=length)
    kind = PhaseKind.RESULTS_SPRINT
    return PhaseDates(kind=kind, starts_on=TODAY, ends_on=first, original_ends_on=first)


@pytest.mark.parametrize(
    ("warn", "days", "warned"), [(6, 42, False), (5, 35, False), (5, 36, True), (4, 29, True)]
)
def test_long_sprint_warning_uses_the_configured_weeks(warn: int, days: int, warned: bool) -> None:
    limits = PhaseLimits(sprint_warn_weeks=warn)

    found = warnings(sprint(ends_on=TODAY + timedelta(days=days)), limits)

    assert bool(found) is warned
    assert not warned or f"{warn} weeks" in found[0]


def test_members_leads_and_admins_may_act_and_guests_may_not() -> None:
    member, guest = (
        Actor(user_id="UBEN", is_full_member=True),
        Actor(user_id="UGST", is_full_member=False),
    )
    admin = Actor(user_id="UOWN", is_full_member=True, is_admin=True)
    named = PhaseLimits(starters=("UANA",))

    assert refusal_to_start_any(member, LIMITS, "") is None
    assert refusal_to_start_any(admin, named, "") is None
    assert "started by Ana" in refusal_text(refusal_to_start_any(member, named, "Ana"))
    assert "Guests" in refusal_text(refusal_to_start_any(guest, LIMITS, ""))
    assert refusal_to_manage(member, ["UBEN"], "Ben") is None
    assert refusal_to_manage(admin, ["UBEN"], "Ben") is None
    assert "Talk to Ana." in refusal_text(refusal_to_manage(member, ["UANA"], "Ana"))
    assert "Talk to Ana, who can." in refusal_text(refusal_to_manage(guest, ["UANA"], "Ana"))
    lead_no_more = refusal_text(refusal_to_manage(guest, ["UGST"], "Greta"))
    assert lead_no_more.endswith("Ask a workspace admin to do it.")
    assert "has no lead any more" in refusal_text(refusal_to_manage(member, [], "nobody"))


def refusal_text(refusal: Refusal | None) -> str:
    assert refusal is not None
    return refusal.text


@pytest.mark.parametrize("ends_on", [date.min, date.max])
def test_budget_of_a_sprint_with_an_extreme_end_date_is_computed(ends_on: date) -> None:
    today = date(2026, 11, 23)
    span = Span(starts_on=today, ends_on=ends_on)

    assert compute_budget([], today, span).spent == (0 if ends_on < today else 90)
