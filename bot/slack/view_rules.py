"""Slack's rules for views that slack_sdk's models do not check. Pure.

Limits: https://docs.slack.dev/reference/views and .../reference/block-kit. Lengths are counted in
UTF-16 units, the strictest way in which Slack may count. A broken rule is reported with its place,
never with the content there: what people typed is not logged.
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
MAX_MENU_OPTIONS = 100
#: Keys of texts whose limit differs from that of other texts.
MAX_TEXT_LENGTHS = {
    **{"title": 24, "submit": 24, "close": 24, "placeholder": 150},
    **{"label": 2_000, "hint": 2_000, "description": 75},
}
PARSERS: dict[str, Callable[[str], object]] = {
    "initial_date": date.fromisoformat,
    "initial_time": time.fromisoformat,
}

Json = Mapping[str, Any]


def broken_rules(view: Json) -> list[str]:
    """Return every rule that the view breaks, with JSON pointers; empty if Slack accepts it."""
    return [
        *_check_view(view),
        *(rule for path, block in _numbered(view) for rule in _check_block(block, path)),
    ]


def _numbered(view: Json) -> Iterator[tuple[str, Json]]:
    for number, block in enumerate(view.get("blocks") or ()):
        yield f"/blocks/{number}", block


def _check_view(view: Json) -> Iterator[str]:
    if len(json.dumps(view)) > LARGEST_VIEW:
        yield "view too large"
    for key in ("title", "submit", "close"):
        if key in view:
            yield from _check_text(view[key], f"/{key}", MAX_TEXT_LENGTHS[key])
    if view.get("type") == "modal" and "title" not in view:
        yield "title missing"
    kinds = [block.get("type") for _, block in _numbered(view)]
    if view.get("type") == "modal" and "input" in kinds and "submit" not in view:
        yield "submit missing"
    yield from _check_unique([block for _, block in _numbered(view)], "block_id", "/blocks")


def _check_block(block: Json, path: str) -> Iterator[str]:
    for key, limit in (
        ("text", LONGEST_TEXT),
        ("label", MAX_TEXT_LENGTHS["label"]),
        ("hint", MAX_TEXT_LENGTHS["hint"]),
    ):
        if key in block:
            longest = 150 if block.get("type") == "header" else limit
            yield from _check_text(block[key], f"{path}/{key}", longest)
    for number, field in enumerate(block.get("fields") or ()):
        yield from _check_text(field, f"{path}/fields/{number}", LONGEST_FIELD)
    elements = block.get("elements") or ()
    yield from _check_unique(elements, "action_id", f"{path}/elements")
    for number, element in enumerate(elements):
        yield from _check_element(element, f"{path}/elements/{number}")
    for key in ("element", "accessory"):
        if key in block:
            yield from _check_element(block[key], f"{path}/{key}")


def _check_unique(parts: Any, key: str, path: str) -> Iterator[str]:
    counted = Counter(part[key] for part in parts if part.get(key))
    if any(count > 1 for count in counted.values()):
        yield f"{key} repeated in {path}"


def _check_text(text: Json, path: str, longest: int) -> Iterator[str]:
    """Check a text object. slack_sdk leaves an empty text out."""
    if not text.get("text"):
        yield f"empty text at {path}"
    elif length(text["text"]) > longest:
        yield f"more than {longest} characters at {path}"


def _check_element(element: Json, path: str) -> Iterator[str]:
    kind = element.get("type")
    if kind in ("plain_text", "mrkdwn"):
        yield from _check_text(element, path, LONGEST_TEXT)
        return
    if "text" in element:
        yield from _check_text(element["text"], f"{path}/text", 75)
    if "placeholder" in element:
        yield from _check_text(
            element["placeholder"], f"{path}/placeholder", MAX_TEXT_LENGTHS["placeholder"]
        )
    if kind == "plain_text_input":
        yield from _check_text_input(element, path)
    elif kind == "number_input":
        yield from _check_number(element, path)
    yield from _check_options(element, path)
    yield from _check_initial(element, path)


def _check_text_input(element: Json, path: str) -> Iterator[str]:
    least, most = element.get("min_length", 0), element.get("max_length", LONGEST_TEXT)
    if not (1 <= most <= LONGEST_TEXT and 0 <= least <= most):
        yield f"max_length or min_length out of range at {path}"
    value = element.get("initial_value")
    if value is not None and not least <= length(value) <= most:
        yield f"initial_value does not fit max_length or min_length at {path}"


def _check_number(element: Json, path: str) -> Iterator[str]:
    if "initial_value" not in element:
        return
    try:
        value = float(element["initial_value"])
    except ValueError:
        yield f"initial_value is no number at {path}"
        return
    low, high = float(element.get("min_value", -inf)), float(element.get("max_value", inf))
    if not low <= value <= high:
        yield f"initial_value does not fit min_value or max_value at {path}"


def _check_options(element: Json, path: str) -> Iterator[str]:
    if "options" not in element:
        return
    options = element["options"]
    if not 1 <= len(options) <= MOST_OPTIONS.get(str(element.get("type")), MAX_MENU_OPTIONS):
        yield f"too many options at {path}"
    for number, option in enumerate(options):
        for key in ("text", "description"):
            if key in option:
                yield from _check_text(option[key], f"{path}/options/{number}/{key}", 75)
    chosen = [*(element.get("initial_options") or ()), element.get("initial_option")]
    if any(option not in options for option in chosen if option is not None):
        yield f"initial option not offered at {path}"


def _check_initial(element: Json, path: str) -> Iterator[str]:
    most = element.get("max_selected_items")
    for key, value in element.items():
        if isinstance(value, list) and key.startswith("initial_") and len(value) > (most or inf):
            yield f"{key} more than max_selected_items at {path}"
    for key, read in PARSERS.items():
        try:
            read(element[key]) if key in element else None
        except ValueError:
            yield f"invalid {key} at {path}"
