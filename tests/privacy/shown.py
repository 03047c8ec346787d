"""Everything a reader is shown of one question, computed by the bot's own functions.

The reader is assumed to know more than the bot says: exactly how many people answered.
"""

from dataclasses import dataclass
from functools import cache

from bot.phases.privacy import Rounding, minimum_for
from bot.results import levels
from bot.results.levels import Participation, QuestionFigures
from tests.privacy.answers import Histogram

KEY = "clarity"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What results say about one question of a round."""

    figures: QuestionFigures | None  # None: not enough answers
    participation: Participation | None
    change: float | None = None


@cache
def one_round(answers: Histogram, roster: int, rounding: Rounding = Rounding.HALF) -> Shown:
    """Return what is shown of one round with a roster of that size."""
    minimum = minimum_for(roster)
    answered = sum(answers)
    figures = minimum and levels.question_figures(KEY, answers, minimum, rounding)
    if not figures:
        return Shown(figures=None, participation=None)
    participation = levels.participation(answered, roster, rounding)
    return Shown(figures=figures, participation=participation)


@cache
def next_round(before: Shown, now: Shown) -> Shown:
    """Return what is shown of a round after an earlier one with levels to the half."""
    if now.figures is None:
        return now
    return Shown(
        figures=now.figures,
        participation=now.participation,
        change=levels.change(now.figures, before.figures),
    )
