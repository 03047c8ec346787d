"""Sentences of the check, and what of people's texts they quote."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.checks.messages import TEXT_SHOWN, WORDS_SHOWN, question, result_line
from bot.checks.model import AskedCheck, CheckAnswer, CheckKind
from bot.slack.content import section
from bot.slack.words import word_count

CHANGE = "When a review waits a day, I will take it."
PROMISE = AskedCheck(kind=CheckKind.PROMISE, text=CHANGE)
#: Of "Did this happen?", and of "Did the promise happen?".
OWN_WORDS, LEAST = 3, 4
texts = st.text(st.sampled_from("ab& <>*_\n"), max_size=400)


@given(texts, st.integers(0, 40))
def test_text_that_is_too_long_is_quoted_within_the_words(text: str, words: int) -> None:
    shown = question(replace(PROMISE, text=text), words=words)

    assert word_count([section(shown)]) <= max(OWN_WORDS + min(words, WORDS_SHOWN), LEAST)


@pytest.mark.parametrize("text", ["x" * 1_000, "& " * 1_000, "<!channel> " * 100])
def test_text_that_is_too_long_is_quoted_within_the_characters(text: str) -> None:
    shown = question(replace(PROMISE, text=text))

    assert len(shown) <= TEXT_SHOWN + len("Did this happen? “”")
    assert "<!channel>" not in shown


def test_text_that_is_deleted_or_does_not_fit_is_left_out() -> None:
    assert question(PROMISE) == f"Did this happen? “{CHANGE}”"
    assert question(PROMISE, words=5) == "Did this happen? “When a review waits a…”"
    assert question(PROMISE, words=2) == "Did the promise happen?"
    assert question(replace(PROMISE, text="")) == "Did the promise happen?"
    protected = AskedCheck(kind=CheckKind.PROTECTED, text="Weekends,\n1:1s.")
    assert question(protected) == "Was this protected? “Weekends, 1:1s.”"


def test_result_is_one_line_with_the_median_word_and_nothing_without_one() -> None:
    recovery = AskedCheck(kind=CheckKind.RECOVERY, outcome=CheckAnswer.PARTLY)

    assert result_line(recovery) == "Is there room to recover? *Partly*, said the team."
    assert result_line(replace(recovery, outcome=None)) is None
