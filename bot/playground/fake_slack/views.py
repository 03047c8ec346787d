"""Modals and App Homes: opening, pushing, updating, publishing, closing; three at most."""

import copy
from typing import Any

from bot.playground.fake_slack.checks import check_view
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError, refuse
from bot.playground.fake_slack.json_shapes import view_object
from bot.playground.fake_slack.model import Json, Typed, View

MOST_OPEN = 3


def open_modal(core: Core, user_id: str, content: Json) -> View:
    """Open a modal as the root of a new stack."""
    view = _new(core, user_id, _modal(core, content))
    _forget(core, user_id)
    _put_on_top(core, view)
    return view


def push(core: Core, user_id: str, content: Json) -> View:
    """Put a modal on top of the open one."""
    stack = core.workspace.stack_of(user_id)
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= MOST_OPEN:
        raise SlackError("push_limit_reached")
    view = _new(core, user_id, _modal(core, content))
    view.root_id, view.previous_id = stack[0].id, stack[-1].id
    _put_on_top(core, view)
    return view


def update(core: Core, view: View, content: Json, known_hash: str | None = None) -> View:
    """Replace a view's content. Input is kept where block and action id are unchanged."""
    if known_hash and known_hash != view.hash:
        raise SlackError("hash_conflict")
    if view.is_home != (content.get("type") == "home"):
        raise SlackError("invalid_arguments")
    checked = _checked(core, content)
    external_id = checked.get("external_id")
    if external_id and external_id != view.external_id:
        _require_unique(core, external_id)
    view.content = checked
    view.hash = core.ids.hash()
    view.typed = _still_there(view)
    (show_home if view.is_home else show_stack)(core, view.user_id)
    return view


def publish(core: Core, user_id: str, content: Json, known_hash: str | None = None) -> View:
    """Publish an App Home."""
    if not core.manifest.has_home:
        raise SlackError("not_enabled")
    if content.get("type") != "home":
        raise SlackError("invalid_arguments")
    view = core.workspace.home_of(user_id)
    if view is not None:
        return update(core, view, content, known_hash)
    view = _new(core, user_id, _checked(core, content))
    core.workspace.views[view.id] = view
    core.workspace.homes[user_id] = view.id
    show_home(core, user_id)
    return view


def close(core: Core, user_id: str, *, everything: bool = False) -> list[View]:
    """Close the top modal, or all of them. Return the closed ones, top first."""
    stack = core.workspace.stacks.get(user_id, [])
    closing = [stack.pop() for _ in range(len(stack) if everything else min(1, len(stack)))]
    show_stack(core, user_id)
    return [core.workspace.views.pop(view_id) for view_id in closing]


def prepared(core: Core, blocks: list[Json]) -> list[Json]:
    """Return blocks as Slack stores them, with the ids that the app omitted."""
    kept = copy.deepcopy(blocks)
    for block in kept:
        if not block.get("block_id"):
            block["block_id"] = core.ids.short()
        parts = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        for element in parts:
            if isinstance(element, dict) and element.get("type") in _WITH_ACTION:
                element["action_id"] = element.get("action_id") or core.ids.short()
    return kept


_WITH_ACTION = {
    *("button", "overflow", "radio_buttons", "checkboxes", "datepicker", "timepicker"),
    *("datetimepicker", "plain_text_input", "number_input", "email_text_input"),
    *("url_text_input", "rich_text_input", "file_input", "static_select", "external_select"),
    *("users_select", "conversations_select", "channels_select", "multi_static_select"),
    *("multi_external_select", "multi_users_select", "multi_conversations_select"),
    "multi_channels_select",
}


def _modal(core: Core, content: Json) -> Json:
    if content.get("type") != "modal":
        raise SlackError("invalid_arguments", response_metadata={"messages": ["not a modal"]})
    checked = _checked(core, content)
    if checked.get("external_id"):
        _require_unique(core, checked["external_id"])
    return checked


def _checked(core: Core, content: Any) -> Json:
    refuse("invalid_arguments", check_view(content, has_file=core.has_file))
    return {**content, "blocks": prepared(core, content["blocks"])}


def _require_unique(core: Core, external_id: str) -> None:
    if any(view.external_id == external_id for view in core.workspace.views.values()):
        raise SlackError("duplicate_external_id")


def _new(core: Core, user_id: str, content: Json) -> View:
    view_id = core.ids.new("V")
    return View(id=view_id, user_id=user_id, content=content, hash=core.ids.hash(), root_id=view_id)


def _forget(core: Core, user_id: str) -> None:
    for view_id in core.workspace.stacks.pop(user_id, []):
        core.workspace.views.pop(view_id, None)


def _put_on_top(core: Core, view: View) -> None:
    core.workspace.views[view.id] = view
    core.workspace.stacks.setdefault(view.user_id, []).append(view.id)
    show_stack(core, view.user_id)


def _still_there(view: View) -> Typed:
    here = {block.get("block_id") for block in view.blocks}
    return {block_id: typed for block_id, typed in view.typed.items() if block_id in here}


def show_stack(core: Core, user_id: str) -> None:
    def change(_: str) -> Json:
        stack = [view_object(view) for view in core.workspace.stack_of(user_id)]
        return {"type": "views", "stack": stack}

    core.stream.publish(change, [user_id])


def show_home(core: Core, user_id: str) -> None:
    def change(_: str) -> Json:
        view = core.workspace.home_of(user_id)
        return {"type": "home", "view": view_object(view) if view else None}

    core.stream.publish(change, [user_id])
