"""Texts that are cut to fit: never too long, never between characters that are drawn as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.mrkdwn import length, quote, quote_lines, quote_within, truncated

JOINER, SKIN, ACCENT, WOMAN, GIRL = "\u200d", "\U0001f3fd", "\u0301", "\U0001f469", "\U0001f467"
FAMILY = JOINER.join((WOMAN, WOMAN, GIRL))
CHARACTERS = st.sampled_from(["a", "b", " ", "&", "<", "*", JOINER, SKIN, ACCENT, WOMAN, GIRL])
TEXTS = st.text(CHARACTERS, max_size=30)


def unquoted(text: str) -> str:
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, char)
    return text.replace("\u2060", "")


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        (FAMILY, 8, FAMILY),
        (FAMILY, 7, f"{WOMAN}{JOINER}{WOMAN}…"),  # nothing of it fits whole
        (FAMILY, 6, f"{WOMAN}{JOINER}{WOMAN}…"),
        (FAMILY, 5, f"{WOMAN}…"),
        (FAMILY, 4, f"{WOMAN}…"),  # a joiner that joins nothing is left out
        (f"to {FAMILY}", 9, "to…"),
        (f"ab{WOMAN}{SKIN}", 5, "ab…"),
        (f"abe{ACCENT}", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("abcd", 3, "ab…"),
        ("abc", 3, "abc"),
    ],
)
def test_a_cut_falls_between_whole_characters(text: str, limit: int, cut: str) -> None:
    assert truncated(text, limit) == cut
    assert length(cut) <= limit


@given(TEXTS, st.integers(3, 30))
def test_a_cut_text_is_a_beginning_that_fits(text: str, limit: int) -> None:
    cut = truncated(text, limit)

    assert length(cut) <= limit
    if length(text) <= limit:
        assert cut == text
        return
    kept = cut.removesuffix("…")
    assert cut != kept
    assert text.startswith(kept)
    assert not kept.endswith((" ", JOINER))


@given(TEXTS, st.integers(20, 60))
def test_a_quotation_keeps_every_word_in_lines_that_fit(text: str, limit: int) -> None:
    lines = quote_lines(text, limit)

    assert all(line.startswith(">") and length(line) <= limit for line in lines)
    assert unquoted("".join(line[1:] for line in lines)) == text


@given(TEXTS, st.integers(20, 60))
def test_a_fitted_text_is_a_quoted_beginning_that_fits(text: str, limit: int) -> None:
    shown = quote_within(text, limit)

    assert length(shown) <= limit
    assert text.startswith(unquoted(shown).removesuffix("…"))
    if length(quote(text)) <= limit:
        assert shown == quote(text)
