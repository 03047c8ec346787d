"""Arguments of `/imbalance start`, and the end dates that are refused."""

from datetime import date, timedelta

import pytest

from bot.phases.rules import PhaseKind, PhaseLimits
from bot.start.command_args import Arguments, UnreadableDate, parse, refusal_of_end

TODAY = date(2026, 11, 24)  # a Tuesday
SPRINT, TRUST = PhaseKind.RESULTS_SPRINT, PhaseKind.TRUST_BUILDING


@pytest.mark.parametrize(
    ("typed", "kind", "ends_on", "milestone"),
    [
        ("", None, None, ""),
        ("results", SPRINT, None, ""),
        ("Results-Sprint", SPRINT, None, ""),
        ("SPRINT", SPRINT, None, ""),
        ("trust", TRUST, None, ""),
        ("trust-building", TRUST, None, ""),
        ("results 2w Ship the beta", SPRINT, TODAY + timedelta(days=14), "Ship the beta"),
        ("results 2W", SPRINT, TODAY + timedelta(days=14), ""),
        ("results 5d", SPRINT, TODAY + timedelta(days=5), ""),  # a Sunday, taken literally
        ("results 5D x", SPRINT, TODAY + timedelta(days=5), "x"),
        ("3w Ship", None, TODAY + timedelta(days=21), "Ship"),
        ("until 2026-12-18 Ship", None, date(2026, 12, 18), "Ship"),
        ("trust Until 2026-12-18", TRUST, date(2026, 12, 18), ""),
        ("results Ship 2w", SPRINT, None, "Ship 2w"),
        ("results 2weeks", SPRINT, None, "2weeks"),
        ("results 1000d", SPRINT, None, "1000d"),
        ("Ship results", None, None, "Ship results"),
    ],
)
def test_arguments_are_read_as_kind_end_and_milestone_in_this_order(
    typed: str, kind: PhaseKind | None, ends_on: date | None, milestone: str
) -> None:
    arguments = parse(typed.split(), TODAY)

    assert arguments == Arguments(kind=kind, ends_on=ends_on, milestone=milestone)


@pytest.mark.parametrize(("typed", "word"), [("until", ""), ("results until soon", "soon")])
def test_unreadable_date_is_named_in_the_error(typed: str, word: str) -> None:
    with pytest.raises(UnreadableDate) as unreadable:
        parse(typed.split(), TODAY)
    assert unreadable.value.typed == word


@pytest.mark.parametrize(
    ("kind", "days", "message"),
    [
        (SPRINT, -1, "isn't after today"),
        (SPRINT, 0, "isn't after today"),
        (SPRINT, 1, None),
        (SPRINT, 42, None),
        (SPRINT, 43, "at most 6 weeks"),
        (TRUST, 84, None),
        (TRUST, 85, "at most 12 weeks"),
        (None, 84, None),  # trust-building may still be chosen
        (None, 85, "12 weeks"),
    ],
)
def test_typed_end_must_be_after_today_and_within_the_longest_phase(
    kind: PhaseKind | None, days: int, message: str | None
) -> None:
    arguments = Arguments(kind=kind, ends_on=TODAY + timedelta(days=days))
    refusal = refusal_of_end(arguments, TODAY, PhaseLimits())

    assert (refusal is None) is (message is None)
    assert message is None or message in str(refusal)
    assert refusal_of_end(Arguments(kind=kind), TODAY, PhaseLimits()) is None
