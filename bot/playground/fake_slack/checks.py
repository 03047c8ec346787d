"""Slack's rules for blocks, views and metadata, with violations as JSON pointers.

Limits: https://docs.slack.dev/reference/block-kit/blocks and .../reference/views. An empty list
means that Slack accepts it. Tests apply these rules to every snapshot, the fake Slack to every
call.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from bot.playground.fake_slack.elements import check_element, check_image
from bot.playground.fake_slack.json_pointer import Check, Node, Problem, Surface

__all__ = ["Problem", "check_blocks", "check_metadata", "check_view", "name_of"]

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
LARGEST_VIEW = 250_000
#: Limits of a whole message, which Slack does not document. Measured: 13,297 characters in a single
#: block, 125 fewer with an additional divider (https://github.com/slackapi/bolt-js/issues/2509); a
#: message of many small blocks was refused at 11,341 (.../issues/2867). So blocks count as well.
LARGEST_MESSAGE, COST_OF_A_BLOCK = 13_200, 125
TOO_LONG = f"a message must be less than {LARGEST_MESSAGE + 1} characters over all blocks"
_EVERYWHERE = {
    *("section", "divider", "header", "image", "context", "actions"),
    *("input", "rich_text", "video"),
}
_ALSO = {
    "message": {
        *("markdown", "table", "plan", "task_card", "context_actions", "data_table"),
        *("data_visualization", "card", "carousel", "container"),
    },
    "modal": {"alert"},
    "home": {"card", "carousel", "container"},
}
_SINGLE_MENUS = {
    *("static_select", "external_select", "users_select"),
    *("conversations_select", "channels_select"),
}
_MENUS = _SINGLE_MENUS | {f"multi_{menu}" for menu in _SINGLE_MENUS}
_CHOICES = {"radio_buttons", "checkboxes", "datepicker", "timepicker"}
_IN_ACTIONS = _SINGLE_MENUS | _CHOICES | {"button", "overflow", "datetimepicker"}
_IN_SECTION = _MENUS | _CHOICES | {"button", "overflow", "image"}
_IN_INPUT = (
    _MENUS
    | _CHOICES
    | {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
    | {"rich_text_input", "datetimepicker", "file_input"}
)
_VIEW_KEYS = (
    *("blocks", "private_metadata", "callback_id", "external_id"),
    *("clear_on_close", "notify_on_close", "submit_disabled"),
)
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]*")


def check_blocks(
    blocks: Any, surface: Surface, *, has_file: Callable[[str], bool] | None = None
) -> list[Problem]:
    """Return what Slack would refuse in these blocks on that surface."""
    check = Check(surface=surface, has_file=has_file)
    spot = Node(check, blocks, "/blocks")
    _blocks(spot)
    if surface == "message":
        _sum_of_message(spot)
    return check.problems


def name_of(problems: list[Problem]) -> str:
    """Return Slack's error for the problems with the blocks of a message."""
    too_long = all(problem.message == TOO_LONG for problem in problems)
    return "msg_blocks_too_long" if too_long else "invalid_blocks"


def check_view(view: Any, *, has_file: Callable[[str], bool] | None = None) -> list[Problem]:
    """Return what Slack would refuse in a modal or an App Home."""
    kind = view.get("type") if isinstance(view, dict) else None
    check = Check(surface="home" if kind == "home" else "modal", has_file=has_file)
    spot = Node(check, view, "/view")
    if kind not in ("modal", "home"):
        spot.wrong("type must be modal or home")
        return check.problems
    own = () if kind == "home" else ("title", "submit", "close")
    spot.keys(("blocks", "title") if kind == "modal" else ("blocks",), (*_VIEW_KEYS, *own))
    spot.texts(title=24, submit=24, close=24)
    spot.booleans("clear_on_close", "notify_on_close", "submit_disabled")
    _view_strings(spot)
    if spot.has("blocks"):
        _blocks(spot.at("blocks"))
        _submit(spot)
    if len(json.dumps(view).encode()) > LARGEST_VIEW:
        spot.wrong("view is too large")
    return check.problems


def check_metadata(metadata: Any) -> list[Problem]:
    """Return what Slack would refuse in a message's metadata."""
    check = Check(surface="message")
    spot = Node(check, metadata, "/metadata")
    if not spot.keys(("event_type", "event_payload"), ("entities",)):
        return check.problems
    if not _EVENT_TYPE.fullmatch(str(metadata["event_type"])):
        spot.at("event_type").wrong("must be lower case words joined by underscores")
    if not isinstance(metadata["event_payload"], dict):
        spot.at("event_payload").wrong("must be an object")
    return check.problems


def _view_strings(spot: Node) -> None:
    for key, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if spot.has(key):
            spot.at(key).string(most, least=0)


def _submit(spot: Node) -> None:
    kinds = [block.get("type") for block in spot.listed("blocks") if isinstance(block, dict)]
    if spot.check.surface == "modal" and "input" in kinds and not spot.has("submit"):
        spot.wrong("missing required field: submit")


def _blocks(spot: Node) -> None:
    seen: set[str] = set()
    for block in spot.items(0, MOST_BLOCKS[spot.check.surface]):
        if _known(block):
            _block(block)
            _unrepeated(block, "block_id", seen)
    _sum_of_markdown(spot)
    _one_focus(spot)


def _known(block: Node) -> bool:
    if block.kind in _EVERYWHERE | _ALSO[block.check.surface]:
        return True
    block.wrong(f"unsupported type: {block.kind}")
    return False


def _unrepeated(spot: Node, key: str, seen: set[str]) -> None:
    value = spot.value.get(key)
    if not value or not isinstance(value, str):
        return
    if value in seen:
        spot.at(key).wrong(f"{key} must be unique: {value}")
    seen.add(value)


def _block(spot: Node) -> None:
    spot.strings(block_id=255)
    check = _BLOCKS.get(spot.value["type"])
    if check is not None:
        check(spot)


def _section(spot: Node) -> None:
    spot.keys((), ("block_id", "text", "fields", "accessory", "expand"))
    if not spot.has("text") and not spot.has("fields"):
        spot.wrong("missing required field: text or fields")
    if spot.has("text"):
        spot.at("text").text(3000, plain=False)
    if spot.has("fields"):
        for part in spot.at("fields").items(1, 10):
            part.text(2000, plain=False)
    if spot.has("accessory"):
        _element(spot.at("accessory"), _IN_SECTION)


def _element(spot: Node, allowed: set[str]) -> bool:
    if spot.kind not in allowed:
        spot.wrong(f"unsupported type: {spot.kind}")
        return False
    check_element(spot)
    return True


def _header(spot: Node) -> None:
    spot.keys(("text",), ("block_id",))
    spot.texts(text=150)


def _image(spot: Node) -> None:
    check_image(spot, "block_id", "title")
    spot.texts(title=2000)


def _context(spot: Node) -> None:
    if not spot.keys(("elements",), ("block_id",)):
        return
    for element in spot.at("elements").items(1, 10):
        if element.kind == "image":
            check_element(element)
        else:
            element.text(3000, plain=False)


def _actions(spot: Node) -> None:
    if not spot.keys(("elements",), ("block_id",)):
        return
    seen: set[str] = set()
    for element in spot.at("elements").items(1, 25):
        if _element(element, _IN_ACTIONS):
            _unrepeated(element, "action_id", seen)


def _input(spot: Node) -> None:
    optional = ("block_id", "hint", "optional", "dispatch_action")
    if spot.keys(("label", "element"), optional):
        spot.texts(label=2000, hint=2000)
        spot.booleans("optional", "dispatch_action")
        _element(spot.at("element"), _IN_INPUT)


def _divider(spot: Node) -> None:
    spot.keys((), ("block_id",))


def _rich_text(spot: Node) -> None:
    if spot.keys(("elements",), ("block_id",)):
        for element in spot.at("elements").items(1, 1000):
            kinds = ("rich_text_section", "rich_text_list", "rich_text_quote")
            if element.keys(("type", "elements"), element.value):
                element.at("type").one_of((*kinds, "rich_text_preformatted"))


def _alert(spot: Node) -> None:
    if spot.keys(("text",), ("block_id", "level")):
        spot.at("text").text(200, plain=False)


def _sum_of_markdown(spot: Node) -> None:
    if not isinstance(spot.value, list):
        return
    texts = [str(b.get("text", "")) for b in spot.value if isinstance(b, dict)]
    kinds = [b.get("type") for b in spot.value if isinstance(b, dict)]
    if sum(len(t) for t, kind in zip(texts, kinds, strict=True) if kind == "markdown") > 12_000:
        spot.wrong("markdown blocks must be less than 12001 characters together")


def _sum_of_message(spot: Node) -> None:
    if not isinstance(spot.value, list):
        return
    if _characters(spot.value) + COST_OF_A_BLOCK * len(spot.value) > LARGEST_MESSAGE:
        spot.wrong(TOO_LONG)


def _characters(value: Any) -> int:
    """Return the total length of all strings in it."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _one_focus(spot: Node) -> None:
    if json.dumps(spot.value).count('"focus_on_load": true') > 1:
        spot.wrong("only one element may have focus_on_load")


_BLOCKS: dict[str, Callable[[Node], None]] = {
    "section": _section,
    "header": _header,
    "image": _image,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "divider": _divider,
    "rich_text": _rich_text,
    "alert": _alert,
}
