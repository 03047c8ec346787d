"""Coarsening of answers, so that they show the team and nobody in it. Pure.

One shape, whatever the answers: each question's level, rounded. From eight answers on also one of
five fixed phrases for the share of 4 and 5, and the change since the round before. Never a count, a
lowest, a highest, or bands: which bands are merged tells who stands alone. `make privacy` prints
the conclusions that remain possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from bot.phases.privacy import Rounding

#: Answers from which a phrase, a change and the participation are shown.
PHRASES_FROM = 8
HIGH_LEVELS = slice(3, 5)  # 4 and 5, in counts that begin with level 1


class Share(StrEnum):
    """The share of 4 and 5 among the answers, as a phrase."""

    NEARLY_ALL = "nearly_all"
    MOST = "most"
    ABOUT_HALF = "about_half"
    SOME = "some"
    FEW = "few"


class Participation(StrEnum):
    """The share of the people asked who answered, as a word."""

    MOST = "most"
    ABOUT_HALF = "about_half"
    FEWER = "fewer"


#: From which percentage on; below the last one: few, fewer.
SHARE_FROM = {Share.NEARLY_ALL: 80, Share.MOST: 60, Share.ABOUT_HALF: 40, Share.SOME: 20}
PARTICIPATION_FROM = {Participation.MOST: 60, Participation.ABOUT_HALF: 40}

#: Numbers of answers at each level from 1 to 5.
Counts = Sequence[int]


@dataclass(frozen=True, kw_only=True)
class QuestionFigures:
    """The figures that may be shown of one question in one round."""

    key: str
    level: float  # the rounded mean, 1 to 5
    share: Share | None = None  # None below eight answers, and where levels are whole


def question_figures(
    key: str, counts: Counts, minimum: int, rounding: Rounding = Rounding.HALF
) -> QuestionFigures | None:
    """Return the figures of one question; None where too few answered it with a level.

    A blank answer is none.
    """
    answers = sum(counts)
    if answers < minimum:
        return None
    level = _rounded_mean(counts, rounding)
    shows_share = rounding is Rounding.HALF and answers >= PHRASES_FROM
    return QuestionFigures(key=key, level=level, share=_share(counts) if shows_share else None)


def change(now: QuestionFigures, before: QuestionFigures | None) -> float | None:
    """Return the levels gained or lost since `before`; None where no change is shown.

    It is shown where a phrase is. The caller passes no `before` whose levels are whole.
    """
    if before is None or now.share is None:
        return None
    return now.level - before.level


def participation(answered: int, asked: int, rounding: Rounding) -> Participation | None:
    """Return how many of the people asked answered, as a word; None below eight answers."""
    if answered < PHRASES_FROM or rounding is not Rounding.HALF:
        return None
    percent = Fraction(100 * answered, asked)
    return next(
        (word for word, least in PARTICIPATION_FROM.items() if percent >= least),
        Participation.FEWER,
    )


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


def _rounded_mean(counts: Counts, rounding: Rounding) -> float:
    """Return the mean to the nearest step; in the middle between two, the higher one."""
    total = sum(level * count for level, count in enumerate(counts, start=1))
    steps = Fraction(total * rounding.steps, sum(counts))
    return int(steps + Fraction(1, 2)) / rounding.steps


def _share(counts: Counts) -> Share:
    percent = Fraction(100 * sum(counts[HIGH_LEVELS]), sum(counts))
    return next((share for share, least in SHARE_FROM.items() if percent >= least), Share.FEW)
