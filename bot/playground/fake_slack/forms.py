"""Inputs as a person's client handles them: choices, and validation before sending.

A choice stays in the client until a button or *Submit* sends all of them as `state.values`.
"""

import re
from collections.abc import Iterator
from typing import Any

from bot.playground.fake_slack.model import Json, Typed

REQUIRED = "Please complete this required field."
TOO_LONG = "This is too long: {have} characters of {most}."
TOO_SHORT = "This is too short: {have} characters, at least {least}."
NO_NUMBER = "Enter a number."
OUT_OF_RANGE = "Enter a number between {least} and {most}."
NO_ADDRESS = "Enter a valid email address."
LONGEST_TEXT = 3000

#: The key of the state and the key of the initial value of each stateful element.
STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every interactive element with its block, in reading order."""
    for block in blocks:
        parts = [block.get("accessory"), block.get("element")]
        if block["type"] in ("actions", "context_actions"):
            parts += block["elements"]
        for element in parts:
            if element and "action_id" in element:
                yield block, element


def _is_list(element: Json) -> bool:
    return STATE_KEYS[element["type"]][0].endswith("s")


def initial_state(element: Json) -> Json:
    """Return an element's state before any input."""
    key, initial = STATE_KEYS[element["type"]]
    empty: Any = [] if _is_list(element) else None
    return {"type": element["type"], key: element.get(initial, empty)}


def state_values(blocks: list[Json], typed: Typed) -> Typed:
    """Return `state.values` with all stateful elements, changed or not."""
    values: Typed = {}
    for block, element in elements(blocks):
        if element["type"] not in STATE_KEYS:
            continue
        state = typed.get(block["block_id"], {}).get(element["action_id"])
        if state is None or state.get("type") != element["type"]:
            state = initial_state(element)
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def find(blocks: list[Json], name: str) -> tuple[Json, Json]:
    """Return the element with this action id, or in the block with this id.

    Raises:
        LookupError: there is none; the message names those that exist.
    """
    candidates = list(elements(blocks))
    for block, element in candidates:
        if name == element["action_id"]:
            return block, element
    for block, element in candidates:
        if name == block["block_id"]:
            return block, element
    there = ", ".join(
        f"{block['block_id']}/{element['action_id']}" for block, element in candidates
    )
    raise LookupError(f"no {name!r} here; there is: {there or 'nothing'}")


def plain_state(element: Json, value: Any) -> Json:
    """Return an element's state from a text, number, date, or the value or text of an option."""
    key, _ = STATE_KEYS[element["type"]]
    if isinstance(value, dict) and key in value:
        return {"type": element["type"], **value}
    if key == "selected_options":
        chosen: Any = [option_of(element, item) for item in value or []]
    elif key == "selected_option":
        chosen = None if value is None else option_of(element, value)
    elif _is_list(element):
        chosen = list(value or [])
    elif key == "selected_date_time" or value is None or value == "":
        chosen = value or None
    else:
        chosen = value if isinstance(value, dict) else str(value)
    return {"type": element["type"], key: chosen}


def options_of(element: Json) -> list[Json]:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    return [option for group in groups for option in group["options"]]


def option_of(element: Json, value: Any) -> Json:
    """Return the option with this value or text.

    Raises:
        LookupError: there is none; the message names those that exist.
    """
    if isinstance(value, dict):
        return value
    offered = options_of(element)
    for option in offered:
        if str(value) in (option["value"], option["text"]["text"]):
            return option
    there = ", ".join(option["value"] for option in offered)
    raise LookupError(f"no option {value!r} in {element['action_id']}; there is: {there}")


def client_errors(blocks: list[Json], values: Typed) -> dict[str, str]:
    """Return the errors that keep Slack's client from sending, by block id. Only inputs count."""
    errors = {}
    for block, element in elements(blocks):
        if block["type"] == "input":
            state = values[block["block_id"]][element["action_id"]]
            wrong = _wrong_with(block, element, state)
            if wrong:
                errors[block["block_id"]] = wrong
    return errors


def _wrong_with(block: Json, element: Json, state: Json) -> str:
    value = state.get(STATE_KEYS[element["type"]][0])
    blank = isinstance(value, str) and not value.strip()
    if value in (None, "", []) or blank:
        return "" if block.get("optional") else REQUIRED
    if element["type"] == "plain_text_input":
        return _wrong_length(element, str(value))
    if element["type"] == "number_input":
        return _wrong_number(element, str(value))
    if element["type"] == "email_text_input" and not _ADDRESS.fullmatch(str(value)):
        return NO_ADDRESS
    return ""


def _wrong_length(element: Json, text: str) -> str:
    most = element.get("max_length") or LONGEST_TEXT
    least = element.get("min_length") or 0
    if len(text) > most:
        return TOO_LONG.format(have=len(text), most=most)
    return TOO_SHORT.format(have=len(text), least=least) if len(text) < least else ""


def _wrong_number(element: Json, text: str) -> str:
    try:
        number = float(text) if element.get("is_decimal_allowed") else int(text)
    except ValueError:
        return NO_NUMBER
    least, most = (element.get(key) for key in ("min_value", "max_value"))
    below = least is not None and number < float(least)
    above = most is not None and number > float(most)
    return OUT_OF_RANGE.format(least=least, most=most) if below or above else ""
