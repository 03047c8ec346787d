"""The rule for which promise a round asks the team about. Pure."""

from collections.abc import Iterable, Sequence

from bot.promises.model import OpenedRound, Promise

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
