"""All ways in which a team can answer one question, and how likely each of them is.

The check has three answers that count: they are levels 1 to 3 here, yes, partly and no.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from math import factorial, prod

LEVELS = range(1, 6)
#: Levels that make a person "low".
LOW = (1, 2)

#: Numbers of people who chose 1, 2, 3, 4 and 5.
Histogram = tuple[int, ...]
#: Chances of 1, 2, 3, 4 and 5.
Distribution = tuple[float, ...]

DISTRIBUTIONS: Mapping[str, Distribution] = {
    "typical": (0.06, 0.12, 0.25, 0.37, 0.20),
    "happy": (0.01, 0.04, 0.10, 0.45, 0.40),
    "split": (0.25, 0.15, 0.10, 0.15, 0.35),
}


@cache
def histograms(people: int, levels: int = len(LEVELS)) -> tuple[Histogram, ...]:
    """Return every histogram of that many answers."""
    return tuple(_histograms(people, levels))


def _histograms(people: int, levels: int) -> Iterator[Histogram]:
    if levels == 1:
        yield (people,)
        return
    for first in range(people + 1):
        for others in _histograms(people - first, levels - 1):
            yield (first, *others)


def chance(histogram: Histogram, distribution: Distribution) -> float:
    """Return the chance of a histogram, where people answer independently of each other."""
    orders = factorial(sum(histogram)) // prod(factorial(count) for count in histogram)
    return orders * prod(share**count for share, count in zip(distribution, histogram, strict=True))


def with_answer(histogram: Histogram, level: int) -> Histogram:
    """Return the histogram with one more answer."""
    return tuple(count + (place == level) for place, count in enumerate(histogram, start=1))


def low_answers(histogram: Histogram) -> int:
    """Return how many people were low."""
    return sum(histogram[level - 1] for level in LOW)
