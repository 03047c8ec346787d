"""Coarsening of answers, so that they show the team and nobody in it. Pure.

Below eight answers: the mean to the nearest half and how many chose 4 or 5. From eight on: three
bands, a band of one merged with its neighbour, beside the same mean. Never shown are a count for
each level, a lowest, a highest, or anything below the minimum.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

BANDS_FROM = 8
#: Levels of the three bands: first and last.
LOW, MIDDLE, HIGH = (1, 2), (3, 3), (4, 5)
#: A difference of one person between two rounds would show that person's answer.
IDENTIFYING_DIFFERENCE = 1

#: The meaning of each level, from 1 to 5 in halves, by question.
WORDS = {
    "clarity": (
        "Unclear",
        "Hardly clear",
        "Mostly unclear",
        "Less than half clear",
        "Half clear",
        "More than half clear",
        "Mostly clear",
        "Nearly all clear",
        "Clear and set up",
    ),
    "trust": (
        "Trust pushed aside",
        "Trust hardly ever first",
        "Trust often pushed aside",
        "Trust first now and then",
        "Trust first sometimes",
        "Trust first more often than not",
        "Trust mostly first",
        "Trust nearly always first",
        "Trust first when needed",
    ),
    "ego": (
        "No room for mistakes",
        "Hardly any room for mistakes",
        "Little room for mistakes",
        "Rather little room for mistakes",
        "Some room for mistakes",
        "Fair room for mistakes",
        "Mostly room for mistakes",
        "Nearly always room for mistakes",
        "Room for mistakes",
    ),
}

#: Numbers of answers at each level from 1 to 5.
Counts = Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Band:
    """Neighbouring levels taken together."""

    first: int
    last: int
    answers: int


@dataclass(frozen=True, kw_only=True)
class QuestionFigures:
    """The figures that may be shown of one question in one round."""

    key: str
    answers: int
    level: float  # the mean to the nearest half, 1 to 5
    high_count: int | None = None  # answers of 4 and 5; None from eight answers on
    bands: tuple[Band, ...] | None = None  # None below eight answers

    @property
    def words(self) -> str:
        """The level in words and as a number: "Mostly clear (4 of 5)"."""
        return f"{level_words(self.key, self.level)} ({self.level:g} of 5)"


def question_figures(key: str, counts: Counts, minimum: int) -> QuestionFigures | None:
    """Return the figures of one question; None where too few answered it with a level.

    "Can't say" and Skip are no answers.
    """
    answers = sum(counts)
    if answers < minimum:
        return None
    level = _mean_to_half(counts)
    if answers < BANDS_FROM:
        return QuestionFigures(
            key=key, answers=answers, level=level, high_count=counts[3] + counts[4]
        )
    return QuestionFigures(key=key, answers=answers, level=level, bands=_bands(counts))


def change(
    now: QuestionFigures,
    before: QuestionFigures | None,
    asked: Collection[str],
    asked_before: Collection[str],
) -> float | None:
    """Return the levels gained or lost since the round before; None where it may not be shown.

    It is shown where both rounds reach their minimum on the question, and the people asked are the
    same or differ by two or more.
    """
    if before is None or not comparable(asked, asked_before):
        return None
    return now.level - before.level


def comparable(asked: Collection[str], asked_before: Collection[str]) -> bool:
    """Return whether a difference between two rounds cannot be one person's answer."""
    return len(set(asked) ^ set(asked_before)) != IDENTIFYING_DIFFERENCE


def perception_gap(
    reflections: Sequence[Mapping[str, int | None]], figures: Sequence[QuestionFigures]
) -> dict[str, float]:
    """Return reflection minus team, per question; co-leads averaged, blanks left out."""
    gaps = {}
    for figure in figures:
        levels = [
            level for reflection in reflections if (level := reflection.get(figure.key)) is not None
        ]
        if levels:
            gaps[figure.key] = sum(levels) / len(levels) - figure.level
    return gaps


def level_words(key: str, level: float) -> str:
    """Return the meaning of a level, in halves from 1 to 5."""
    return WORDS[key][round(level * 2) - 2]


def _mean_to_half(counts: Counts) -> float:
    total = sum(level * count for level, count in enumerate(counts, start=1))
    doubled = Fraction(2 * total, sum(counts))
    return int(doubled + Fraction(1, 2)) / 2


def _bands(counts: Counts) -> tuple[Band, ...]:
    bands = [
        Band(first=first, last=last, answers=sum(counts[first - 1 : last]))
        for first, last in (LOW, MIDDLE, HIGH)
    ]
    while (
        lone := next((index for index, band in enumerate(bands) if band.answers == 1), None)
    ) is not None:
        bands = _merged(bands, lone)
    return tuple(bands)


def _merged(bands: list[Band], lone: int) -> list[Band]:
    """Merge a band of one with its lower neighbour, or the lowest band with the upper one."""
    low = max(lone - 1, 0)
    lower, upper = bands[low], bands[low + 1]
    merged = Band(first=lower.first, last=upper.last, answers=lower.answers + upper.answers)
    return [*bands[:low], merged, *bands[low + 2 :]]
