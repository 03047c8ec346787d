"""Slack's rules for block elements: buttons, menus, inputs, and their options.

Limits: https://docs.slack.dev/reference/block-kit/block-elements and .../composition-objects.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from math import inf
from urllib.parse import urlsplit

from bot.playground.fake_slack.json_pointer import Node

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_COMMON = ("action_id",)
_INITIAL_LISTS = (
    *("initial_options", "initial_users", "initial_conversations", "initial_channels"),
)
_ASKING = (*_COMMON, "placeholder", "focus_on_load", "confirm")


def check_element(spot: Node) -> None:
    """Check an element, whose type its block allows."""
    if "action_id" in spot.value:
        spot.at("action_id").string(255)
    if spot.has("confirm"):
        _confirm(spot.at("confirm"))
    spot.booleans("focus_on_load")
    spot.texts(placeholder=150)
    _CHECKS[spot.value["type"]](spot)


def check_image(spot: Node, *extra: str) -> None:
    """Check an image: exactly one source, and an alternative text."""
    spot.keys(("alt_text",), ("image_url", "slack_file", *extra))
    spot.strings(image_url=3000, alt_text=2000)
    if spot.has("image_url") == spot.has("slack_file"):
        spot.wrong("must have exactly one of image_url, slack_file")
    if spot.has("image_url"):
        _url(spot.at("image_url"))
    if spot.has("slack_file"):
        _slack_file(spot.at("slack_file"))


def _slack_file(spot: Node) -> None:
    if not spot.keys((), ("id", "url")):
        return
    if spot.has("id") == spot.has("url"):
        spot.wrong("must have exactly one of id, url")
    has_file = spot.check.has_file
    if has_file is not None and not has_file(spot.value.get("id") or spot.value.get("url") or ""):
        spot.wrong("invalid slack file")


def _url(spot: Node) -> None:
    if not isinstance(spot.value, str) or urlsplit(spot.value).scheme not in ("http", "https"):
        spot.wrong("must be a valid URL")


def _confirm(spot: Node) -> None:
    if spot.keys(("title", "text", "confirm", "deny"), ("style",)):
        spot.texts(title=100, confirm=30, deny=30)
        spot.at("text").text(300, plain=False)
        _style(spot)


def _style(spot: Node) -> None:
    if spot.has("style"):
        spot.at("style").one_of(("primary", "danger"))


def _button(spot: Node) -> None:
    optional = ("url", "value", "style", "confirm", "accessibility_label")
    spot.keys(("text",), (*_COMMON, *optional))
    spot.texts(text=75)
    spot.strings(value=2000, url=3000, accessibility_label=75)
    if spot.has("url"):
        _url(spot.at("url"))
    _style(spot)


def _option(spot: Node, *, plain: bool, urls: bool = False) -> None:
    if spot.keys(("text", "value"), ("description", "url") if urls else ("description",)):
        spot.at("text").text(75, plain=plain)
        spot.strings(value=150, url=3000)
        if spot.has("description"):
            spot.at("description").text(75, plain=plain)


def _options(spot: Node, most: int, *, least: int = 1, plain: bool = True) -> None:
    for option in spot.items(least, most):
        _option(option, plain=plain)


def _initial_options(spot: Node, offered: list[object]) -> None:
    if spot.has("initial_option") and spot.value["initial_option"] not in offered:
        spot.at("initial_option").wrong("must match one of the provided options")
    if not spot.has("initial_options"):
        return
    for option in spot.at("initial_options").items(1, len(offered)):
        if option.value not in offered:
            option.wrong("must match one of the provided options")


def _overflow(spot: Node) -> None:
    if spot.keys(("options",), (*_COMMON, "confirm")):
        for option in spot.at("options").items(1, 5):
            _option(option, plain=True, urls=True)


def _choices(spot: Node) -> None:
    """Check radio buttons or checkboxes."""
    initial = "initial_option" if spot.value["type"] == "radio_buttons" else "initial_options"
    if spot.keys(("options",), (*_COMMON, initial, "confirm", "focus_on_load")):
        _options(spot.at("options"), 10, plain=False)
        _initial_options(spot, spot.listed("options"))


def _static_select(spot: Node, *initial: str) -> None:
    spot.keys((), (*_ASKING, "options", "option_groups", *initial))
    if spot.has("options") == spot.has("option_groups"):
        spot.wrong("must have exactly one of options, option_groups")
        return
    offered: list[object] = []
    if spot.has("options"):
        _options(spot.at("options"), 100)
        offered = spot.listed("options")
    else:
        for group in spot.at("option_groups").items(1, 100):
            if group.keys(("label", "options")):
                group.texts(label=75)
                _options(group.at("options"), 100)
                offered = [*offered, *group.listed("options")]
    _initial_options(spot, offered)
    _most_selected(spot)


def _most_selected(spot: Node) -> None:
    if not spot.has("max_selected_items"):
        return
    spot.at("max_selected_items").whole(1, 1000)
    most = spot.value["max_selected_items"]
    for key in _INITIAL_LISTS:
        if isinstance(most, int) and len(spot.listed(key)) > most:
            spot.at(key).wrong(f"no more than {most} items allowed")


def _ids(spot: Node) -> None:
    """Check the initially selected ids."""
    for key in _INITIAL_LISTS[1:]:
        if spot.has(key):
            for item in spot.at(key).items(1, 1000):
                item.string(255)


def _external_select(spot: Node, *initial: str) -> None:
    spot.keys((), (*_ASKING, "min_query_length", *initial))
    _most_selected(spot)


def _picking(spot: Node, *initial: str) -> None:
    """Check a menu of people, channels or conversations."""
    spot.keys((), (*_ASKING, *initial))
    _ids(spot)
    _most_selected(spot)
    if spot.has("response_url_enabled") and spot.check.surface != "modal":
        spot.wrong("response_url_enabled is for modals only")


def _plain_input(spot: Node) -> None:
    specific = ("initial_value", "multiline", "min_length", "max_length", "dispatch_action_config")
    spot.keys((), (*_ASKING, *specific))
    spot.booleans("multiline")
    if spot.has("min_length"):
        spot.at("min_length").whole(0, 3000)
    if spot.has("max_length"):
        spot.at("max_length").whole(1, 3000)
    most, least = spot.value.get("max_length"), spot.value.get("min_length")
    most = most if isinstance(most, int) else 3000
    least = least if isinstance(least, int) else 0
    if least > most:
        spot.wrong("min_length must not be more than max_length")
    if spot.has("initial_value"):
        spot.at("initial_value").string(most, least)


def _number_input(spot: Node) -> None:
    numbers = ("initial_value", "min_value", "max_value")
    specific = (*_ASKING, *numbers, "dispatch_action_config")
    if not spot.keys(("is_decimal_allowed",), specific):
        return
    for key in numbers:
        if spot.has(key) and not isinstance(spot.value[key], str):
            spot.at(key).wrong("must be a string")
            return
        if spot.has(key) and not _NUMBER.fullmatch(spot.value[key]):
            spot.at(key).wrong("must be a number")
            return
    if spot.has("initial_value"):
        low, high = spot.value.get("min_value") or -inf, spot.value.get("max_value") or inf
        if not float(low) <= float(spot.value["initial_value"]) <= float(high):
            spot.at("initial_value").wrong("must be between min_value and max_value")


def _address_input(spot: Node) -> None:
    spot.keys((), (*_ASKING, "initial_value", "dispatch_action_config"))
    spot.strings(initial_value=3000)


def _rich_input(spot: Node) -> None:
    specific = ("initial_value", "dispatch_action_config", "min_lines", "max_lines")
    spot.keys((), (*_ASKING, *specific))


def _matching(spot: Node, key: str, pattern: re.Pattern[str], *extra: str) -> None:
    spot.keys((), (*_ASKING, key, *extra))
    if spot.has(key) and not pattern.fullmatch(str(spot.value[key])):
        spot.at(key).wrong("has an invalid format")
    elif spot.has(key) and key == "initial_date" and not _is_day(str(spot.value[key])):
        spot.at(key).wrong("is no day of the calendar")


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _moment(spot: Node) -> None:
    spot.keys((), (*_COMMON, "initial_date_time", "confirm", "focus_on_load"))
    if spot.has("initial_date_time"):
        spot.at("initial_date_time").whole(10**9, 10**10 - 1)


def _files_input(spot: Node) -> None:
    spot.keys((), (*_COMMON, "filetypes", "max_files"))
    if spot.check.surface != "modal":
        spot.wrong("file_input is for modals only")
    if spot.has("max_files"):
        spot.at("max_files").whole(1, 10)


_ONE_CONVERSATION = (
    "initial_conversation",
    "default_to_current_conversation",
    "response_url_enabled",
    "filter",
)
_MANY_CONVERSATIONS = (
    "initial_conversations",
    "default_to_current_conversation",
    "max_selected_items",
    "filter",
)

_CHECKS: dict[str, Callable[[Node], None]] = {
    "button": _button,
    "image": check_image,
    "overflow": _overflow,
    "radio_buttons": _choices,
    "checkboxes": _choices,
    "static_select": lambda spot: _static_select(spot, "initial_option"),
    "multi_static_select": lambda spot: _static_select(
        spot, "initial_options", "max_selected_items"
    ),
    "external_select": lambda spot: _external_select(spot, "initial_option"),
    "multi_external_select": lambda spot: _external_select(
        spot, "initial_options", "max_selected_items"
    ),
    "users_select": lambda spot: _picking(spot, "initial_user"),
    "multi_users_select": lambda spot: _picking(spot, "initial_users", "max_selected_items"),
    "channels_select": lambda spot: _picking(spot, "initial_channel", "response_url_enabled"),
    "multi_channels_select": lambda spot: _picking(spot, "initial_channels", "max_selected_items"),
    "conversations_select": lambda spot: _picking(spot, *_ONE_CONVERSATION),
    "multi_conversations_select": lambda spot: _picking(spot, *_MANY_CONVERSATIONS),
    "plain_text_input": _plain_input,
    "number_input": _number_input,
    "email_text_input": _address_input,
    "url_text_input": _address_input,
    "rich_text_input": _rich_input,
    "datepicker": partial(_matching, key="initial_date", pattern=_DATE),
    "timepicker": lambda spot: _matching(spot, "initial_time", _TIME, "timezone"),
    "datetimepicker": _moment,
    "file_input": _files_input,
}
