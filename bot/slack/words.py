"""Counting the words that a person reads in a message or a view."""

import re
from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import Block

#: Slack's markup, of which a person reads the part after the bar, or a name of one word.
_LABELLED, _MARKUP = re.compile(r"<[^<>|]*\|([^<>]*)>"), re.compile(r"<[^<>]*>")
_LETTER = re.compile(r"[^\W\d_]")
_ID_FIELDS = frozenset(("block_id", "action_id", "value", "type", "style", "callback_id"))


def word_count(blocks: Iterable[Block | dict[str, Any]]) -> int:
    """Return the number of words in the blocks' texts; the numbers on buttons are none."""
    return sum(_count(block if isinstance(block, dict) else block.to_dict()) for block in blocks)


def cut_to_words(text: str, most: int) -> str:
    """Return the text, cut with an ellipsis after so many words; empty if none is left."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    if len(ends) <= most:
        return text
    return f"{text[: ends[most - 1]]}…" if most > 0 else ""


def _count(value: Any) -> int:
    if isinstance(value, str):
        readable = _MARKUP.sub("name", _LABELLED.sub(r"\1", value))
        return sum(any(map(str.isalnum, word)) for word in readable.split())
    if isinstance(value, list):
        return sum(map(_count, value))
    if not isinstance(value, dict):
        return 0
    if value.get("type") == "button" and not _LETTER.search(value["text"]["text"]):
        return 0
    return sum(_count(part) for name, part in value.items() if name not in _ID_FIELDS)
