"""The rule for which promise a round asks about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.promises.model import OpenedRound, Promise, PromiseOutcome
from bot.promises.rules import due_for_check, number_made_in
from tests.harness import ANA

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
ROUNDS = tuple(
    OpenedRound(round_id=f"r{number}", number=number, opened_at=NOW + number * WEEK)
    for number in range(1, 7)
)
PROMISE = Promise(
    promise_id="p1",
    phase_id="phase1",
    round_id="r1",
    made_by=ANA,
    name="Ana",
    made_at=NOW + WEEK + timedelta(days=2),
    heard=None,
    text="When a review waits a day, I will take it.",
    is_change=True,
    outcome=None,
)


@st.composite
def promises(draw: st.DrawFn) -> Promise:
    number = draw(st.integers(1, 6))
    return replace(
        PROMISE,
        promise_id=f"p{draw(st.integers(0, 99))}",
        round_id=draw(st.sampled_from([f"r{number}", None])),
        made_at=NOW + number * WEEK + timedelta(days=draw(st.integers(2, 5))),
        text=draw(st.sampled_from(["Something", ""])),
        is_change=draw(st.booleans()),
        outcome=draw(st.sampled_from([None, *PromiseOutcome])),
    )


@given(st.lists(promises(), max_size=6), st.integers(1, 8))
def test_only_unchecked_changes_are_due_and_not_before_the_second_round(
    made: list[Promise], opening: int
) -> None:
    due = due_for_check(made, ROUNDS[: opening - 1], opening)
    ready = [
        each
        for each in made
        if each.is_change
        and each.text
        and each.outcome is None
        and number_made_in(each, ROUNDS[: opening - 1]) <= opening - 2
    ]
    assert due == min(ready, key=lambda each: (each.made_at, each.promise_id), default=None)


def test_promise_under_the_results_of_a_round_is_due_in_the_second_round_after_it() -> None:
    assert due_for_check([PROMISE], ROUNDS[:1], 2) is None
    assert due_for_check([PROMISE], ROUNDS[:2], 3) is PROMISE


def test_promise_in_a_decision_counts_as_made_under_the_round_that_opened_last() -> None:
    decided = replace(PROMISE, round_id=None)
    assert due_for_check([decided], ROUNDS[:1], 2) is None
    assert due_for_check([decided], ROUNDS[:2], 3) is decided


def test_reason_for_changing_nothing_is_never_checked() -> None:
    assert due_for_check([replace(PROMISE, is_change=False)], ROUNDS, 7) is None
