"""Slack's rules for views that slack_sdk's models do not check. Pure.

Limits: https://docs.slack.dev/reference/views and .../reference/block-kit. Lengths are counted in
UTF-16 units, the strictest way in which Slack may count. A rule is named together with the place
where it is broken, and never with what stands there: what people typed is not logged.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from math import inf
from typing import Any

from bot.slack.mrkdwn import length

LARGEST_VIEW = 250_000
LONGEST_TEXT, LONGEST_FIELD = 3_000, 2_000
MOST_OPTIONS = {"radio_buttons": 10, "checkboxes": 10}
MOST_IN_A_MENU = 100
#: Keys of texts and their limits, where the limit is not that of any text.
TEXTS = {
    **{"title": 24, "submit": 24, "close": 24, "placeholder": 150},
    **{"label": 2_000, "hint": 2_000, "description": 75},
}
READ_AS: dict[str, Callable[[str], object]] = {
    "initial_date": date.fromisoformat,
    "initial_time": time.fromisoformat,
}

Json = Mapping[str, Any]


def broken_rules(view: Json) -> list[str]:
    """Every rule that the view breaks, with JSON pointers; empty: Slack accepts it."""
    return [*_of_view(view), *(rule for at, b in _numbered(view) for rule in _of_block(b, at))]


def _numbered(view: Json) -> Iterator[tuple[str, Json]]:
    for number, block in enumerate(view.get("blocks") or ()):
        yield f"/blocks/{number}", block


def _of_view(view: Json) -> Iterator[str]:
    if len(json.dumps(view)) > LARGEST_VIEW:
        yield "view too large"
    for key in ("title", "submit", "close"):
        if key in view:
            yield from _of_text(view[key], f"/{key}", TEXTS[key])
    if view.get("type") == "modal" and "title" not in view:
        yield "title missing"
    kinds = [block.get("type") for _, block in _numbered(view)]
    if view.get("type") == "modal" and "input" in kinds and "submit" not in view:
        yield "submit missing"
    yield from _repeated([block for _, block in _numbered(view)], "block_id", "/blocks")


def _of_block(block: Json, at: str) -> Iterator[str]:
    for key, limit in (("text", LONGEST_TEXT), ("label", TEXTS["label"]), ("hint", TEXTS["hint"])):
        if key in block:
            longest = 150 if block.get("type") == "header" else limit
            yield from _of_text(block[key], f"{at}/{key}", longest)
    for number, field in enumerate(block.get("fields") or ()):
        yield from _of_text(field, f"{at}/fields/{number}", LONGEST_FIELD)
    elements = block.get("elements") or ()
    yield from _repeated(elements, "action_id", f"{at}/elements")
    for number, element in enumerate(elements):
        yield from _of_element(element, f"{at}/elements/{number}")
    for key in ("element", "accessory"):
        if key in block:
            yield from _of_element(block[key], f"{at}/{key}")


def _repeated(parts: Any, key: str, at: str) -> Iterator[str]:
    counted = Counter(part[key] for part in parts if part.get(key))
    if any(count > 1 for count in counted.values()):
        yield f"{key} repeated in {at}"


def _of_text(text: Json, at: str, longest: int) -> Iterator[str]:
    """A text object. slack_sdk leaves an empty text out."""
    if not text.get("text"):
        yield f"empty text at {at}"
    elif length(text["text"]) > longest:
        yield f"more than {longest} characters at {at}"


def _of_element(element: Json, at: str) -> Iterator[str]:
    kind = element.get("type")
    if kind in ("plain_text", "mrkdwn"):
        yield from _of_text(element, at, LONGEST_TEXT)
        return
    if "text" in element:
        yield from _of_text(element["text"], f"{at}/text", 75)
    if "placeholder" in element:
        yield from _of_text(element["placeholder"], f"{at}/placeholder", TEXTS["placeholder"])
    if kind == "plain_text_input":
        yield from _of_text_input(element, at)
    elif kind == "number_input":
        yield from _of_number(element, at)
    yield from _of_options(element, at)
    yield from _of_initial(element, at)


def _of_text_input(element: Json, at: str) -> Iterator[str]:
    least, most = element.get("min_length", 0), element.get("max_length", LONGEST_TEXT)
    if not (1 <= most <= LONGEST_TEXT and 0 <= least <= most):
        yield f"max_length or min_length out of range at {at}"
    written = element.get("initial_value")
    if written is not None and not least <= length(written) <= most:
        yield f"initial_value does not fit max_length or min_length at {at}"


def _of_number(element: Json, at: str) -> Iterator[str]:
    if "initial_value" not in element:
        return
    try:
        value = float(element["initial_value"])
    except ValueError:
        yield f"initial_value is no number at {at}"
        return
    low, high = float(element.get("min_value", -inf)), float(element.get("max_value", inf))
    if not low <= value <= high:
        yield f"initial_value does not fit min_value or max_value at {at}"


def _of_options(element: Json, at: str) -> Iterator[str]:
    if "options" not in element:
        return
    options = element["options"]
    if not 1 <= len(options) <= MOST_OPTIONS.get(str(element.get("type")), MOST_IN_A_MENU):
        yield f"too many options at {at}"
    for number, option in enumerate(options):
        for key in ("text", "description"):
            if key in option:
                yield from _of_text(option[key], f"{at}/options/{number}/{key}", 75)
    chosen = [*(element.get("initial_options") or ()), element.get("initial_option")]
    if any(option not in options for option in chosen if option is not None):
        yield f"initial option not offered at {at}"


def _of_initial(element: Json, at: str) -> Iterator[str]:
    most = element.get("max_selected_items")
    for key, value in element.items():
        if isinstance(value, list) and key.startswith("initial_") and len(value) > (most or inf):
            yield f"{key} more than max_selected_items at {at}"
    for key, read in READ_AS.items():
        try:
            read(element[key]) if key in element else None
        except ValueError:
            yield f"invalid {key} at {at}"
