"""The rules for which check a round asks, and for what of its answers is shown. Pure."""

from collections.abc import Iterator, Sequence

from bot.checks.model import LEVELS, Check, CheckAnswer, CheckCounts, CheckFacts, CheckKind
from bot.promises.model import PromiseOutcome

#: Half way is the weekly round nearest to the middle: none is further than this many days away.
NEAR_THE_MIDDLE = 3
#: Rounds in a row with a low level, after which the team is asked whether to go on.
LOW_ROUNDS = 2
#: Answers that count, in their order: the median is one of them.
IN_ORDER = (CheckAnswer.YES, CheckAnswer.PARTLY, CheckAnswer.NO)
#: What the median says of a promise.
PROMISE_OUTCOMES = {
    CheckAnswer.YES: PromiseOutcome.KEPT,
    CheckAnswer.PARTLY: PromiseOutcome.PARTLY,
    CheckAnswer.NO: PromiseOutcome.NOT,
    None: PromiseOutcome.UNKNOWN,
}


def choose_check(facts: CheckFacts) -> Check | None:
    """Return the check of the round that opens, in the order of need; None: it asks none.

    A phase's first round asks none, as there is nothing to look back on yet. No question is asked
    again where the team is the one that answered it before but for one person: two medians would
    show what that person answered.
    """
    if not facts.is_enabled or not facts.earlier:
        return None
    comparable = {earlier.check for earlier in facts.earlier if earlier.differs_by_one}
    needed = _after_end(facts) if facts.is_after_end else _before_end(facts)
    return next((check for check in needed if check.promise or check.kind not in comparable), None)


def median_word(counts: CheckCounts, minimum: int) -> CheckAnswer | None:
    """Return the median of the answers; None where fewer than `minimum` count.

    "Can't say" does not count. Where the two in the middle differ, it is "partly", so that a
    single answer never decides between the two ends.
    """
    ordered = [answer for answer in IN_ORDER for _ in range(counts.get(answer, 0))]
    if len(ordered) < max(minimum, 1):
        return None
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return lower if lower is upper else CheckAnswer.PARTLY


def counts_of(levels: Sequence[int]) -> CheckCounts:
    """Return how many gave each answer, given how many have each level from 1 on."""
    return {answer: levels[level - 1] for answer, level in LEVELS.items() if level is not None}


def _before_end(facts: CheckFacts) -> Iterator[Check]:
    yield from _promise(facts)
    if not facts.is_closing and (_is_half_way(facts) or _is_low_again(facts)):
        yield Check(kind=CheckKind.CONTINUE)
    kinds = [CheckKind.PROTECTED] if facts.has_protected else []
    for kind in _longest_ago_first(facts, [*kinds, CheckKind.SLIPPED]):
        yield Check(kind=kind)


def _after_end(facts: CheckFacts) -> Iterator[Check]:
    """Yield room to recover first: there may be no other round to ask about it."""
    if facts.books_recovery and not facts.has_asked_since_end:
        yield Check(kind=CheckKind.RECOVERY)
    yield from _promise(facts)


def _promise(facts: CheckFacts) -> Iterator[Check]:
    if facts.due_promise is not None:
        yield Check(kind=CheckKind.PROMISE, promise=facts.due_promise)


def _is_half_way(facts: CheckFacts) -> bool:
    """Return whether half of the phase has passed, and nobody has been asked about the rest yet."""
    asked_before = any(earlier.check is CheckKind.CONTINUE for earlier in facts.earlier)
    return not asked_before and 2 * (facts.day + NEAR_THE_MIDDLE) >= facts.planned_days


def _is_low_again(facts: CheckFacts) -> bool:
    """Return whether the last rounds were low, and the last one did not ask about that."""
    last = facts.earlier[-LOW_ROUNDS:]
    was_asked = last[-1].check is CheckKind.CONTINUE
    return len(last) == LOW_ROUNDS and all(earlier.is_low for earlier in last) and not was_asked


def _longest_ago_first(facts: CheckFacts, kinds: Sequence[CheckKind]) -> list[CheckKind]:
    """Return the kinds in turn: the one asked last comes last, of new ones the first one first."""
    asked = [earlier.check for earlier in facts.earlier]
    return sorted(kinds, key=lambda kind: max(_places(asked, kind), default=-1))


def _places(asked: Sequence[CheckKind | None], kind: CheckKind) -> list[int]:
    return [place for place, before in enumerate(asked) if before is kind]
