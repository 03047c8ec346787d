"""A lead's record of promises, in words."""

from dataclasses import replace

import pytest

from bot.promises.messages import OWN_SHOWN, own_lines, record
from bot.promises.model import PromiseOutcome
from tests.promises.test_rules import PROMISE

KEPT, PARTLY, NOT, UNKNOWN = PromiseOutcome


@pytest.mark.parametrize(
    ("outcomes", "shown"),
    [
        ([], None),
        ([KEPT, KEPT, NOT], "2 of 3"),
        ([NOT], "0 of 1"),
        ([KEPT, PARTLY, None], "1 of 3 (1 partly kept, 1 not checked)"),
        ([UNKNOWN, UNKNOWN], "0 of 2 (2 too few answers to say)"),
    ],
)
def test_record_counts_kept_promises_and_says_what_else_became_of_them(
    outcomes: list[PromiseOutcome | None], shown: str | None
) -> None:
    reason = replace(PROMISE, is_change=False)

    assert record([reason, *(replace(PROMISE, outcome=outcome) for outcome in outcomes)]) == shown


def test_lead_reads_their_newest_promises_first_on_one_line_each() -> None:
    made = [
        replace(PROMISE, text=f"Change {number}.\nIn detail.", outcome=None if number > 1 else KEPT)
        for number in range(OWN_SHOWN + 2)
    ]

    assert own_lines(made) == [
        "*What you promised* · kept 2 of 5 (3 not checked)",
        "• Change 4. In detail. · not checked yet",
        "• Change 3. In detail. · not checked yet",
        "• Change 2. In detail. · not checked yet",
    ]


def test_promise_that_was_just_made_is_shown_without_a_record() -> None:
    assert own_lines([PROMISE]) == [
        "*What you promised*",
        "• When a review waits a day, I will take it. · not checked yet",
    ]


def test_lead_who_only_gave_reasons_has_no_record() -> None:
    assert own_lines([replace(PROMISE, is_change=False)]) == []


def test_deleted_texts_are_left_out_and_still_counted() -> None:
    assert own_lines([replace(PROMISE, text="", outcome=KEPT)]) == [
        "*What you promised* · kept 1 of 1"
    ]
