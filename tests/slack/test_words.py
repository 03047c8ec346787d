"""Counting and cutting the words that a person reads."""

import pytest

from bot.slack.content import actions, button, context, section
from bot.slack.words import cut_to_words, word_count


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("Does Ana keep what's critical clear?", 6),
        ("*1 not at all* · 5 fully", 6),
        ("In <#C0LAUNCH>, <@U0ANA> waits", 4),
        ("Until <!date^1795712400^{date_long_pretty} at {time}|Thu 26 Nov 17:00 UTC>.", 6),
        (">One\n>two – three ✓", 3),
        ("&lt;b&gt; &amp; c", 3),
    ],
)
def test_words_are_what_a_person_reads(text: str, words: int) -> None:
    blocks = [section(text), context(text)] if text else []

    assert word_count(blocks) == 2 * words


def test_numbers_on_buttons_are_no_words_and_ids_are_not_read() -> None:
    buttons = actions(
        button("1", "tap.one.two", "an id"), button("Skip This Week", "skip"), block_id="a b c"
    )

    assert word_count([buttons]) == 3


@pytest.mark.parametrize(
    ("most", "cut"), [(-1, ""), (0, ""), (1, "One…"), (2, "One\ntwo…"), (3, "One\ntwo three")]
)
def test_text_is_cut_after_so_many_words(most: int, cut: str) -> None:
    assert cut_to_words("One\ntwo three", most) == cut
