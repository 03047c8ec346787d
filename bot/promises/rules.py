"""The rules for one promise a week, for when the team is asked about it, and for records. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.promises.model import OpenedRound, Promise, PromiseOutcome, Reply

#: A promise made under the results of one round is checked in the second round after it.
CHECKED_AFTER_ROUNDS = 2


def due_for_check(
    promises: Iterable[Promise], opened: Sequence[OpenedRound], opening_number: int
) -> Promise | None:
    """Return the promise that the round with this number should ask about; None: there is none.

    `opened` are the phase's earlier rounds. It is the oldest change whose second round has come and
    that has no outcome; reasons for changing nothing are not checked, and deleted texts neither.
    """
    due = (
        promise
        for promise in promises
        if promise.is_change
        and promise.text
        and promise.outcome is None
        and opening_number - number_made_in(promise, opened) >= CHECKED_AFTER_ROUNDS
    )
    return min(due, key=lambda promise: (promise.made_at, promise.promise_id), default=None)


def edited_by(
    reply: Reply, round_id: str | None, promises: Iterable[Promise], opened: Sequence[OpenedRound]
) -> Promise | None:
    """Return the stored reply that this one replaces; None: it is the first of its week.

    `round_id` is the round whose results it replies to; None: it is made in a decision. A week
    begins when a round opens. There is one reply to a round's results, and one change a week,
    whether promised under results or in a decision.
    """
    made = tuple(promises)
    to_same = next((each for each in made if round_id and each.round_id == round_id), None)
    if to_same or not reply.is_change:
        return to_same
    numbers = [each.number for each in opened if round_id in (None, each.round_id)]
    week = max(numbers, default=0)
    changes = (each for each in made if each.is_change)
    return next((each for each in changes if number_made_in(each, opened) == week), None)


def may_edit(promise: Promise, *, was_asked_about: bool) -> bool:
    """Return whether a promise may still be changed: not once a round asks the team about it."""
    return promise.outcome is None and not was_asked_about


def number_made_in(promise: Promise, opened: Iterable[OpenedRound]) -> int:
    """Return the number of the round it was made under; 0: made before the first one.

    A promise made in a decision counts as made under the round that had opened last by then.
    """
    numbers = (
        each.number
        for each in opened
        if (
            each.opened_at <= promise.made_at
            if promise.round_id is None
            else each.round_id == promise.round_id
        )
    )
    return max(numbers, default=0)


def count_outcomes(promises: Iterable[Promise]) -> Counter[PromiseOutcome | None]:
    """Return the numbers of promised changes by what became of them; None: not checked (yet)."""
    return Counter(promise.outcome for promise in promises if promise.is_change)
