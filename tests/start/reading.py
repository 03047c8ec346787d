"""Counts of the words to read and the inputs to fill in on a form."""

import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.views import View

#: A word, a number, or a mention of a channel or person.
WORD = re.compile(r"<[^>]+>|[^\W_]+(?:[’'.:,/-][^\W_]+)*")


def word_count(text: str) -> int:
    return len(WORD.findall(text))


def words_to_read(view: View) -> int:
    """Return the words shown in a form, titles, buttons and examples in empty fields included.

    Not counted are the choices of a closed menu, and what is filled in.
    """
    return sum(map(word_count, _shown(view.to_dict())))


def input_count(view: View) -> int:
    """Return the number of inputs; a checkbox outside of an input block is one."""
    blocks = view.to_dict()["blocks"]
    kinds = [block["type"] for block in blocks]
    elements = [element for block in blocks for element in block.get("elements", [])]
    return kinds.count("input") + sum(element["type"] == "checkboxes" for element in elements)


def _shown(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _shown(item)
    elif isinstance(part, dict):
        kind = part.get("type")
        if kind in ("plain_text", "mrkdwn"):
            yield part["text"]
        elif kind in ("static_select", "users_select", "plain_text_input", "datepicker"):
            is_filled = any(key.startswith("initial_") for key in part)
            yield "" if is_filled else part["placeholder"]["text"]
        else:
            for key, value in part.items():
                if not key.startswith("initial_"):
                    yield from _shown(value)
