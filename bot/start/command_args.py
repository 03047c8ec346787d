"""Arguments of `/imbalance start`: kind, end and milestone, each optional. Pure.

Kind and end come first, in either order; the end may also come last, after "for" or "until". What
is not understood is the milestone, which the form shows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from bot.agenda.work_calendar import WorkCalendar
from bot.phases import rules
from bot.phases.rules import PhaseKind, PhaseLimits, default_end

#: Longer names first.
KINDS = {
    ("results", "sprint"): PhaseKind.RESULTS_SPRINT,
    ("trust", "building"): PhaseKind.TRUST_BUILDING,
    ("results",): PhaseKind.RESULTS_SPRINT,
    ("results-sprint",): PhaseKind.RESULTS_SPRINT,
    ("sprint",): PhaseKind.RESULTS_SPRINT,
    ("trust",): PhaseKind.TRUST_BUILDING,
    ("trust-building",): PhaseKind.TRUST_BUILDING,
}
FOR, UNTIL = {"for", "in"}, {"until", "till", "by"}
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMBERS = ("a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
UNITS = ("days", "weeks", "months")
_UNIT = r"(d|days?|w|wks?|weeks?|months?)"
_DURATION = re.compile(rf"(\d{{1,4}})[ -]?{_UNIT}")
_SPELLED_DURATION = re.compile(rf"(an?|one|{'|'.join(NUMBERS[1:])}) {_UNIT}")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_ENDING = ".,:;"
_SEPARATORS = {"-", "–", "—", ":"}
_SHORTEST_NAME = 3  # letters of a month or weekday
_LONGEST_END = 4  # words: 18th of December 2026
#: How alike a mistyped word must be to one of ours, from 0 to 1.
_ALIKE = 0.75
#: Every word that says something to us; a milestone's words say nothing.
_OUR_WORDS = tuple(
    dict.fromkeys(
        (
            *(word for names in KINDS for word in names),
            *("until", "till", "for", "tomorrow", "next"),
            *("day", "week", "month", *UNITS, *MONTHS, *WEEKDAYS),
        )
    )
)
_GLUED = re.compile(r"(\d{1,4})([a-z]+)")
#: Words looked at for typos: nobody hides an end behind a longer milestone.
_CHECKED = 30


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments typed. None and empty stand for those left out."""

    kind: PhaseKind | None = None
    ends_on: date | None = None
    milestone: str = ""
    #: What follows "until" and is no day; empty: nothing followed; None: every day was read.
    unread_end: str | None = None


def parse(words: Sequence[str], today: date, calendar: WorkCalendar) -> Arguments:
    """Parse the words after `start`. Never fails."""
    rest = list(words)
    kind, ends_on, unread = None, None, None
    while rest:
        if kind is None and (found := _take_kind(rest)):
            kind = found
        elif ends_on is None and unread is None and (end := _take_end(rest, today, calendar)):
            ends_on = end
        elif ends_on is None and unread is None and rest[0].lower() in {"until", "till"}:
            count = 3 if rest[1:] and _DAY_OF_MONTH.fullmatch(rest[1]) else 2
            unread = " ".join(rest[1:count])
            del rest[:count]
        else:
            break
    if ends_on is None and unread is None:
        ends_on = _take_last(rest, today, calendar)
    if rest and rest[0] in _SEPARATORS:
        del rest[0]
    return Arguments(kind=kind, ends_on=ends_on, milestone=" ".join(rest), unread_end=unread)


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A likely typo among the words after a command."""

    typed: str
    words: tuple[str, ...]  # all of them, corrected


def correct(words: Sequence[str], today: date, calendar: WorkCalendar) -> Correction | None:
    """Return the words with a typo corrected; None: no correction makes more of them understood.

    Words of a milestone are left alone, unless one of ours in their place names a kind or an end.
    """
    understood = _understood(parse(words, today, calendar))
    for position, word in enumerate(words[:_CHECKED]):
        for nearest in _nearest(_plain(word)):
            corrected = (*words[:position], nearest, *words[position + 1 :])
            if _understood(parse(corrected, today, calendar)) > understood:
                further = correct(corrected, today, calendar)
                return Correction(typed=word, words=further.words if further else corrected)
    return None


def _understood(arguments: Arguments) -> int:
    return sum(value is not None for value in (arguments.kind, arguments.ends_on))


def _nearest(word: str) -> Sequence[str]:
    """Return our words that the mistyped one may stand for, the most alike first."""
    if word in _OUR_WORDS:
        return ()
    if glued := _GLUED.fullmatch(word):
        units = get_close_matches(glued[2], UNITS, n=2, cutoff=_ALIKE)
        return [f"{glued[1]} {unit}" for unit in units]
    return get_close_matches(word, _OUR_WORDS, n=3, cutoff=_ALIKE)


def refusal_of_end(arguments: Arguments, today: date, limits: PhaseLimits) -> str | None:
    """Return why the end that was typed is refused; None: it is not, or none was typed."""
    if arguments.ends_on is None:
        return None
    kind = arguments.kind or PhaseKind.TRUST_BUILDING  # the kind that may last longer
    refusal = rules.refusal_of_end(kind, arguments.ends_on, today, limits)
    return refusal.text if refusal else None


def _take_kind(rest: list[str]) -> PhaseKind | None:
    for names, kind in KINDS.items():
        if tuple(_plain(word) for word in rest[: len(names)]) == names:
            del rest[: len(names)]
            return kind
    return None


def _take_end(rest: list[str], today: date, calendar: WorkCalendar) -> date | None:
    """Remove the words about the end from the front of `rest`, and return the day they name."""
    first = rest[0].lower()
    is_led_in = first in FOR | UNTIL
    for length in range(_LONGEST_END, 0, -1):
        words = rest[is_led_in : is_led_in + length]
        following = rest[is_led_in + length :][:1]
        if len(words) < length or (following == ["of"] and not is_led_in):  # "10 days of quiet"
            continue
        if first in UNTIL:
            end = _day(words, today)
        else:
            end = _after(words, today, calendar, spelled=is_led_in)
        if end is not None:
            del rest[: is_led_in + length]
            return end
    return None


def _take_last(rest: list[str], today: date, calendar: WorkCalendar) -> date | None:
    """Remove "for …" or "until …" from the end of `rest`, and return the day it names."""
    for start in range(len(rest) - 1, max(len(rest) - _LONGEST_END - 2, 0), -1):
        last = rest[start:]
        if last[0].lower() not in FOR | UNTIL:
            continue
        end = _take_end(last, today, calendar)
        if end and not last:
            del rest[start:]
            return end
    return None


def _after(
    words: Sequence[str], today: date, calendar: WorkCalendar, *, spelled: bool
) -> date | None:
    """Return the day after a time such as "2w", "10 days" or, if `spelled`, "two weeks"."""
    typed = " ".join(map(_plain, words))
    if found := _DURATION.fullmatch(typed):
        count = int(found[1])
    elif spelled and (found := _SPELLED_DURATION.fullmatch(typed)):
        count = NUMBERS.index(found[1]) + 1 if found[1] in NUMBERS else 1
    else:
        return None
    if found[2].startswith("d"):
        return today + timedelta(days=count)
    if found[2].startswith("w"):
        return default_end(today, count, calendar)
    return _months_after(today, count)


def _months_after(today: date, count: int) -> date | None:
    years, month = divmod(today.month - 1 + count, 12)
    for last in range(today.day, 27, -1):
        if end := _date(today.year + years, month + 1, last):
            return end
    return _date(today.year + years, month + 1, today.day)


def _day(words: Sequence[str], today: date) -> date | None:
    """Return the day that the words name: 2026-12-18, 18 Dec, December 18th, Friday, tomorrow."""
    names = [_plain(word) for word in words if _plain(word) != "of"]
    if len(names) == 1:
        return _iso_day(names[0]) or _near_day(names[0], today)
    if len(names) == 2 and names[0] == "next" and _number(names[1], WEEKDAYS) is not None:
        monday = today + timedelta(days=7 - today.weekday())
        return monday + timedelta(days=_number(names[1], WEEKDAYS) or 0)
    return _day_in_month(names, today) if len(names) in (2, 3) else None


def _day_in_month(names: Sequence[str], today: date) -> date | None:
    """Return the day of "18 Dec" or "Dec 18", perhaps with its year; without, the next such day."""
    first, second, *years = names
    number, name = (second, first) if _number(first, MONTHS) is not None else (first, second)
    month, found = _number(name, MONTHS), _DAY_OF_MONTH.fullmatch(number)
    if month is None or found is None:
        return None
    if years:
        year = int(years[0]) if re.fullmatch(r"\d{4}", years[0]) else 0
        return _date(year, month + 1, int(found[1]))
    this_year = _date(today.year, month + 1, int(found[1]))
    if this_year is not None and this_year >= today:
        return this_year
    return _date(today.year + 1, month + 1, int(found[1]))


def _near_day(name: str, today: date) -> date | None:
    if name == "tomorrow":
        return today + timedelta(days=1)
    weekday = _number(name, WEEKDAYS)
    if weekday is None:
        return None
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _number(name: str, names: Sequence[str]) -> int | None:
    """Return the position of a month or weekday, written in full or by its first letters."""
    found = (number for number, full in enumerate(names) if full.startswith(name))
    return next(found, None) if len(name) >= _SHORTEST_NAME else None


def _iso_day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _plain(word: str) -> str:
    return word.lower().rstrip(_ENDING)
