"""Arguments of `/imbalance start`, and the end dates that are refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS
from bot.phases.rules import PhaseKind, PhaseLimits
from bot.start.command_args import Arguments, correct, parse, refusal_of_end

TODAY = date(2026, 11, 24)  # a Tuesday
#: Words that may be read as kind or end, and so leave the milestone.
NEVER_IN_A_MILESTONE = {
    *("results", "sprint", "trust", "building", "until", "for", "by", "in", "a", "two", "-"),
    *("2w", "3", "weeks", "10", "days", "18", "Dec", "2026", "next", "Friday", "tomorrow", "of"),
}
WORDS = sorted(NEVER_IN_A_MILESTONE | {"Ship", "it", "soon", "31", "0000"})
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
        ("results 2weeks", SPRINT, TODAY + timedelta(days=14), ""),
        ("results 3 weeks Ship it", SPRINT, TODAY + timedelta(days=21), "Ship it"),
        ("for 3w Ship", None, TODAY + timedelta(days=21), "Ship"),
        ("10 days", None, TODAY + timedelta(days=10), ""),
        ("10-day sprint", SPRINT, TODAY + timedelta(days=10), ""),
        ("2w results Ship", SPRINT, TODAY + timedelta(days=14), "Ship"),
        ("results sprint 2w: Ship", SPRINT, TODAY + timedelta(days=14), "Ship"),
        ("trust building for two weeks - Listen", TRUST, TODAY + timedelta(days=14), "Listen"),
        ("for a month", None, date(2026, 12, 24), ""),
        ("results Ship it for 3 weeks", SPRINT, TODAY + timedelta(days=21), "Ship it"),
        ("results Ship it until 18 Dec", SPRINT, date(2026, 12, 18), "Ship it"),
        ("until 18 Dec Ship", None, date(2026, 12, 18), "Ship"),
        ("until Dec 18th, 2026 Ship", None, date(2026, 12, 18), "Ship"),
        ("by 18th of December Ship", None, date(2026, 12, 18), "Ship"),
        ("until 18 Jan Ship", None, date(2027, 1, 18), "Ship"),
        ("until Friday Ship", None, date(2026, 11, 27), "Ship"),
        ("until tue", None, date(2026, 12, 1), ""),
        ("until next Friday", None, date(2026, 12, 4), ""),
        ("until tomorrow", None, date(2026, 11, 25), ""),
        ("results 1000d", SPRINT, TODAY + timedelta(days=1000), ""),
        ("results 99999 days", SPRINT, None, "99999 days"),
        ("2w until 18 Dec", None, TODAY + timedelta(days=14), "until 18 Dec"),
        ("results 10 days of quiet", SPRINT, None, "10 days of quiet"),
        ("Cut the lead time to 2 days", None, None, "Cut the lead time to 2 days"),
        ("by popular demand", None, None, "by popular demand"),
        ("for Acme", None, None, "for Acme"),
        ("Ship for", None, None, "Ship for"),
        ("Ship results", None, None, "Ship results"),
    ],
)
def test_arguments_mean_what_they_say_in_any_usual_order(
    typed: str, kind: PhaseKind | None, ends_on: date | None, milestone: str
) -> None:
    arguments = parse(typed.split(), TODAY, WEEKDAYS)

    assert arguments == Arguments(kind=kind, ends_on=ends_on, milestone=milestone)


@pytest.mark.parametrize(
    ("typed", "unread", "milestone"),
    [
        ("until", "", ""),
        ("results until soon", "soon", ""),
        ("until soon Ship", "soon", "Ship"),
        ("until 31 Feb Ship", "31 Feb", "Ship"),
        ("until 31-12 Ship", "31-12", "Ship"),
        ("until 18 Dec 0000", None, "0000"),
    ],
)
def test_end_that_cannot_be_read_is_kept_apart(
    typed: str, unread: str | None, milestone: str
) -> None:
    arguments = parse(typed.split(), TODAY, WEEKDAYS)

    assert (arguments.unread_end, arguments.milestone) == (unread, milestone)


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_every_word_is_read_or_shown(words: list[str], today: date) -> None:
    arguments = parse(words, today, WEEKDAYS)
    shown = [*arguments.milestone.split(), *(arguments.unread_end or "").split()]
    read = [word for word in words if word not in shown]

    assert set(shown) <= set(words)
    # "31 weeks" and "0000 days" are ends, which are refused later.
    assert set(read) <= NEVER_IN_A_MILESTONE | {"31", "0000"}


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("resluts Ship it", "results Ship it"),
        ("truts-building 2w", "trust-building 2w"),
        ("results 10 dyas", "results 10 days"),
        ("results 2weks Ship", "results 2 weeks Ship"),
        ("results Ship it untl 18 Dec", "results Ship it until 18 Dec"),
        ("results until nxet Friday", "results until next Friday"),
        ("resluts 2 wekks", "results 2 weeks"),
    ],
)
def test_typo_is_corrected_where_that_makes_more_understood(typed: str, corrected: str) -> None:
    correction = correct(typed.split(), TODAY, WEEKDAYS)

    assert correction is not None
    assert " ".join(correction.words) == corrected


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "results 2w Ship the beta",
        "Ship the beta",
        "banana",
        "results until soon",
        "results 5G rollout",
        "results Restart the march to May",
        "trust Trusted releases",  # the kind is there: the rest is the milestone
    ],
)
def test_words_of_a_milestone_are_no_typos(typed: str) -> None:
    assert correct(typed.split(), TODAY, WEEKDAYS) is None


@given(st.lists(st.sampled_from([*WORDS, "resluts", "wekks", "untl", "2x"]), max_size=8))
def test_corrected_words_need_no_further_correction(words: list[str]) -> None:
    correction = correct(words, TODAY, WEEKDAYS)

    assert correction is None or correct(correction.words, TODAY, WEEKDAYS) is None


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
