"""Conclusions of a reader about the check, of which a round shows at most the median answer."""

from collections.abc import Iterator, Mapping
from functools import cache

from bot.checks.model import CheckAnswer
from bot.checks.rules import IN_ORDER, median_word
from bot.phases.privacy import minimum_for
from tests.privacy.answers import Distribution, Histogram, chance, histograms, with_answer
from tests.privacy.inference import Case, Conclusions, by_sight, conclusions

ANSWERS = len(IN_ORDER)
NO = IN_ORDER.index(CheckAnswer.NO)

#: Chances of yes, partly and no.
DISTRIBUTIONS: Mapping[str, Distribution] = {
    "typical": (0.5, 0.3, 0.2),
    "happy": (0.8, 0.15, 0.05),
    "split": (0.45, 0.1, 0.45),
}


@cache
def shown(answers: Histogram, roster: int) -> CheckAnswer | None:
    """Return what is shown of one round with a roster of that size; None: nothing."""
    minimum = minimum_for(roster)
    assert minimum is not None
    return median_word(dict(zip(IN_ORDER, answers, strict=True)), minimum)


def lone_no(people: int, distribution: Distribution) -> Conclusions:
    """Return how often a reader of one round can tell that exactly one person said no."""
    cases = (
        (chance(answers, distribution), shown(answers, people), answers[NO])
        for answers in histograms(people, ANSWERS)
    )
    return conclusions(by_sight(cases), lambda fact: fact == 1)


def absentee(people: int, distribution: Distribution) -> Conclusions:
    """Return how often the answer follows of one who is known to skip the next round.

    The same is asked again, and nobody else changes their answer.
    """
    return _which(
        (probability, (shown(with_answer(others, answer), people), shown(others, people)), answer)
        for probability, others, answer in _others_and_one(people - 1, distribution)
    )


def colluders(people: int, distribution: Distribution) -> Conclusions:
    """Return how often one person's answer follows where all the others share theirs."""
    return _which(
        (probability, (others, shown(with_answer(others, answer), people)), answer)
        for probability, others, answer in _others_and_one(people - 1, distribution)
    )


def _which(cases: Iterator[Case]) -> Conclusions:
    """Return how often it follows which of the answers it is."""
    seen = by_sight(cases)
    found = [conclusions(seen, answer.__eq__) for answer in range(1, ANSWERS + 1)]
    return Conclusions(
        certain=sum(each.certain for each in found), likely=sum(each.likely for each in found)
    )


def _others_and_one(
    people: int, distribution: Distribution
) -> Iterator[tuple[float, Histogram, int]]:
    for others in histograms(people, ANSWERS):
        probability = chance(others, distribution)
        for answer, share in enumerate(distribution, start=1):
            yield probability * share, others, answer
