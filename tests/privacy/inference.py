"""Conclusions of a reader who knows how people usually answer, and reasons without a mistake."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import eq

from bot.phases.privacy import Rounding, differ_by_one, joiners_to_ask, rounding_for
from tests.privacy.answers import (
    LEVELS,
    LOW,
    Distribution,
    Histogram,
    chance,
    histograms,
    low_answers,
    with_answer,
)
from tests.privacy.shown import Shown, next_round, one_round

LIKELY = 0.8

#: A possible case: its chance, what the reader sees, and the fact they would like to know.
Case = tuple[float, Hashable, int]


@dataclass(frozen=True, kw_only=True)
class Conclusions:
    """How often a reader can conclude something, as shares of all rounds from 0 to 1."""

    certain: float
    likely: float  # at least 80 % likely, certain included


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How often something about one person's answer follows from what is shown."""

    level: Conclusions  # which of the five levels it is
    low: Conclusions  # that it is 1 or 2


def lone_low(people: int, distribution: Distribution) -> Conclusions:
    """Return how often a reader of one round can tell that exactly one person was low."""
    cases = (
        (chance(answers, distribution), one_round(answers, people), low_answers(answers))
        for answers in histograms(people)
    )
    return conclusions(by_sight(cases), lambda fact: fact == 1)


def joiner(people: int, distribution: Distribution) -> Exposure:
    """Return what follows about one person who joined a roster of `people`, nobody else changing.

    The reader has a round before and every round after; those after are alike until the team
    changes again.
    """
    if not joiners_to_ask(people, ["joiner"]):
        return _exposure(_one_more(people, distribution, lambda _: None))
    before, after = _names(people), _names(people + 1)
    rounding = rounding_for(after, [before])
    return _exposure(
        _one_more(people, distribution, lambda answers: one_round(answers, people + 1, rounding))
    )


def leaver(people: int, distribution: Distribution) -> Exposure:
    """Return what follows about one of `people` who leaves, nobody else changing."""
    rounding = rounding_for(_names(people - 1), [_names(people)])
    return _one_less(people, distribution, rounding)


def absentee(people: int, distribution: Distribution) -> Exposure:
    """Return what follows about one of `people` known to skip a round, nobody else changing."""
    return _one_less(people, distribution, rounding_for(_names(people), [_names(people)]))


def two_channels(people: int, distribution: Distribution) -> Exposure:
    """Return what follows about the one person more in a second, overlapping phase of a lead."""
    is_withheld = differ_by_one(_names(people), _names(people + 1))
    return _exposure(
        _one_more(
            people,
            distribution,
            lambda answers: None if is_withheld else one_round(answers, people + 1),
        )
    )


def colluders(people: int, distribution: Distribution) -> Exposure:
    """Return what follows about one person's answer where all the others share theirs."""
    cases = (
        (probability, (others, one_round(with_answer(others, level), people)), level)
        for probability, others, level in _others_and_one(people - 1, distribution)
    )
    return _exposure(cases)


def _names(people: int) -> list[str]:
    return [f"U{number}" for number in range(people)]


def _one_less(people: int, distribution: Distribution, rounding: Rounding) -> Exposure:
    """Return what follows about one person who answers the first of two rounds only."""

    def cases() -> Iterator[Case]:
        for probability, others, level in _others_and_one(people - 1, distribution):
            before = one_round(with_answer(others, level), people)
            now = one_round(others, people, rounding)
            yield probability, (before, next_round(before, now)), level

    return _exposure(cases())


def _one_more(
    people: int, distribution: Distribution, after: Callable[[Histogram], Shown | None]
) -> Iterator[Case]:
    """Yield the cases of a round of `people`, and then one with one person more."""
    for probability, others, level in _others_and_one(people, distribution):
        before = one_round(others, people)
        now = after(with_answer(others, level))
        yield probability, (before, now), level


def _others_and_one(
    people: int, distribution: Distribution
) -> Iterator[tuple[float, Histogram, int]]:
    for others in histograms(people):
        probability = chance(others, distribution)
        for level, share in zip(LEVELS, distribution, strict=True):
            yield probability * share, others, level


def by_sight(cases: Iterable[Case]) -> Collection[dict[int, float]]:
    """Return, for each thing that can be seen, how likely each fact is together with it."""
    seen: dict[Hashable, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for probability, sight, fact in cases:
        if probability:
            seen[sight][fact] += probability
    return seen.values()


def _exposure(cases: Iterable[Case]) -> Exposure:
    seen = by_sight(cases)
    levels = [conclusions(seen, partial(eq, level)) for level in LEVELS]
    return Exposure(
        level=Conclusions(
            certain=sum(found.certain for found in levels),
            likely=sum(found.likely for found in levels),
        ),
        low=conclusions(seen, lambda fact: fact in LOW),
    )


def conclusions(seen: Iterable[dict[int, float]], is_true: Callable[[int], bool]) -> Conclusions:
    certain = likely = 0.0
    for facts in seen:
        total = sum(facts.values())
        true = sum(probability for fact, probability in facts.items() if is_true(fact))
        if all(map(is_true, facts)):
            certain += total
        if true >= LIKELY * total:
            likely += total
    return Conclusions(certain=certain, likely=likely)
