"""Promises in the reference model: at most one change a week, asked about two rounds later."""

from tests.model.facts import Phase, Promise, Round

OUTCOMES = {"yes": "kept", "partly": "partly", "no": "not", None: "unknown"}


def promise_to_check(phase: Phase, number: int) -> Promise | None:
    """Return the oldest change whose second round has come and that nobody was asked about."""
    being_asked = [one.checked for one in phase.rounds if one.is_open]
    due = [
        promise
        for promise in phase.promises
        if promise.is_change
        and promise.outcome is None
        and promise not in being_asked
        and number - number_of(phase, promise) >= 2
    ]
    return min(due, key=lambda promise: (promise.made_at, promise.promise_id), default=None)


def number_of(phase: Phase, promise: Promise) -> int:
    """Return the number of the round it was made under; one in a decision, under the last one."""
    return max(
        (
            number
            for number, one in phase.opened
            if (one is promise.one if promise.one is not None else one.opened_at <= promise.made_at)
        ),
        default=0,
    )


def replaced_by(phase: Phase, one: Round | None, *, is_change: bool) -> Promise | None:
    """Return the reply to the same results or, for a change, the one of the same week."""
    to_same = [promise for promise in phase.promises if one and promise.one is one]
    if to_same or not is_change:
        return next(iter(to_same), None)
    week = max((number for number, each in phase.opened if one in (None, each)), default=0)
    changes = [promise for promise in phase.promises if promise.is_change]
    return next((one for one in changes if number_of(phase, one) == week), None)


def may_promise(phase: Phase, one: Round | None, by: str, *, is_change: bool) -> bool:
    """Return whether a lead may promise this, or replace their own promise of the week."""
    earlier = replaced_by(phase, one, is_change=is_change)
    if earlier is None:
        return True
    was_asked_about = any(each.checked is earlier for _, each in phase.opened)
    return earlier.by == by and earlier.outcome is None and not was_asked_about


def may_reply(one: Round) -> bool:
    """Return whether these results, the newest ones, may be replied to, or the reply changed."""
    if any(promise.one is one for promise in one.phase.promises):
        return one.shown_at is None
    closed = [each for _, each in one.phase.opened if not each.is_open]
    return closed[-1] is one
