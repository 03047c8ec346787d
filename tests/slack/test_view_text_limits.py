"""Slack's limits of a view, exactly: as much as the limit is accepted, one more is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.fake_slack.checks import check_view
from bot.slack.view_rules import broken_rules

Json = dict[str, Any]


def text(characters: int, kind: str = "plain_text") -> Json:
    return {"type": kind, "text": "x" * characters}


def modal(*blocks: Json, **changes: Json) -> Json:
    return {
        "type": "modal",
        "title": text(1),
        "submit": text(1),
        "blocks": list(blocks or [{"type": "divider"}]),
        **changes,
    }


def with_input(element: Json, **changes: Json) -> Json:
    block = {"type": "input", "block_id": "b", "label": text(1), "element": element, **changes}
    return modal(block)


def with_button(**changes: Json) -> Json:
    button = {"type": "button", "action_id": "a", "text": text(1), **changes}
    return modal({"type": "actions", "elements": [button]})


def options(count: int, **changes: Json) -> list[Json]:
    return [{"value": str(number), "text": text(1), **changes} for number in range(count)]


def with_options(kind: str, listed: list[Json]) -> Json:
    return with_input({"type": kind, "action_id": "a", "options": listed})


TYPED: Json = {"type": "plain_text_input", "action_id": "a"}
LIMITS: dict[str, tuple[int, Callable[[int], Json]]] = {
    "title": (24, lambda size: modal(title=text(size))),
    "submit": (24, lambda size: modal(submit=text(size))),
    "close": (24, lambda size: modal(close=text(size))),
    "label": (2_000, lambda size: with_input(TYPED, label=text(size))),
    "hint": (2_000, lambda size: with_input(TYPED, hint=text(size))),
    "placeholder": (150, lambda size: with_input({**TYPED, "placeholder": text(size)})),
    "typed": (3, lambda size: with_input({**TYPED, "max_length": 3, "initial_value": "x" * size})),
    "section": (3_000, lambda size: modal({"type": "section", "text": text(size, "mrkdwn")})),
    "field": (2_000, lambda size: modal({"type": "section", "fields": [text(size, "mrkdwn")]})),
    "header": (150, lambda size: modal({"type": "header", "text": text(size)})),
    "context": (3_000, lambda size: modal({"type": "context", "elements": [text(size, "mrkdwn")]})),
    "button": (75, lambda size: with_button(text=text(size))),
    "option": (75, lambda size: with_options("static_select", options(1, text=text(size)))),
    "description": (
        75,
        lambda size: with_options("checkboxes", options(1, description=text(size))),
    ),
    "menu": (100, lambda size: with_options("static_select", options(size))),
    "radio buttons": (10, lambda size: with_options("radio_buttons", options(size))),
    "checkboxes": (10, lambda size: with_options("checkboxes", options(size))),
}


@pytest.mark.parametrize("name", list(LIMITS))
def test_view_is_accepted_up_to_the_limit_and_refused_above_it(name: str) -> None:
    limit, build = LIMITS[name]

    for accepts in (broken_rules, check_view):
        assert list(accepts(build(limit))) == []
        assert list(accepts(build(limit + 1))) != []
