"""block_actions: use of an interactive element in a message or view."""

from typing import Any

from bot.playground.fake_slack import forms, payloads
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json, Typed


async def act(core: Core, user_id: str, container: Json, action: Json, typed: Typed) -> AppResponse:
    """Send the action with the state of all other inputs."""
    return await core.dispatch.request(
        "interactive", pressed(core, user_id, container, action, typed)
    )


def pressed(core: Core, user_id: str, container: Json, action: Json, typed: Typed) -> Json:
    """Return the payload of an action on what is shown now, without sending it."""
    merge(core.workspace.typed_in(user_id, container), typed)
    _remember(core, user_id, container, action)
    payload = _payload(core, user_id, container)
    payload["actions"] = [{"action_ts": core.ids.ts(), **action}]
    return payload


def _payload(core: Core, user_id: str, container: Json) -> Json:
    known = core.workspace.typed_in(user_id, container)
    values = forms.state_values(blocks_in(core, container), known)
    if container["type"] == "view":
        view = core.workspace.views[container["view_id"]]
        payload = payloads.action_in_view(core, user_id, view, values)
    else:
        conversation, message, whole = message_in(core, container)
        payload = payloads.action_in_message(core, user_id, conversation, message, whole)
    return payload | {"state": {"values": values}}


def message_in(core: Core, container: Json) -> tuple[Conversation, Json, Json]:
    """Return a container's conversation and message, and the container in full.

    Raises:
        LookupError: the message no longer exists.
    """
    conversation = core.workspace.conversations[container["channel_id"]]
    ts = container["message_ts"]
    message = conversation.messages.get(ts)
    whispered = next(
        (ephemeral for ephemeral in conversation.ephemerals if ephemeral["ts"] == ts), None
    )
    target = message or whispered
    if target is None:
        raise LookupError(f"no message {ts} in {conversation.id}")
    whole = {
        "type": "message",
        "message_ts": ts,
        "channel_id": conversation.id,
        "is_ephemeral": message is None,
    }
    if "thread_ts" in target:
        whole["thread_ts"] = target["thread_ts"]
    return conversation, target, whole


def blocks_in(core: Core, container: Json) -> list[Json]:
    if container["type"] == "view":
        return core.workspace.views[container["view_id"]].blocks
    blocks: list[Json] = message_in(core, container)[1].get("blocks") or []
    return blocks


def merge(known: Typed, more: Typed) -> None:
    """Merge new element states into known ones; the latest state of an element wins."""
    for block_id, states in more.items():
        known.setdefault(block_id, {}).update(states)


def _remember(core: Core, user_id: str, container: Json, action: Json) -> None:
    """Store a choice in a menu outside of an input, which is part of the state as well."""
    keys = forms.STATE_KEYS.get(action["type"])
    if keys is not None:
        state = {"type": action["type"], keys[0]: action.get(keys[0])}
        known = core.workspace.typed_in(user_id, container)
        merge(known, {action["block_id"]: {action["action_id"]: state}})


def typed_from(blocks: list[Json], values: dict[str, Any]) -> Typed:
    """Return element states from plain or Slack's values, by block and action id or by either."""
    typed: Typed = {}
    for name, value in values.items():
        named = [block for block in blocks if block.get("block_id") == name]
        for inside, action_id, element_value in _meant(blocks, named, name, value):
            block, element = forms.find(inside, action_id)
            state = forms.plain_state(element, element_value)
            typed.setdefault(block["block_id"], {})[element["action_id"]] = state
    return typed


def _meant(
    blocks: list[Json], named: list[Json], name: str, value: Any
) -> list[tuple[list[Json], str, Any]]:
    """Return the blocks to search, the id to look for, and the value.

    `named` contains the blocks with this id, if there are any.
    """
    within = {element["action_id"] for _, element in forms.elements(named)}
    if isinstance(value, dict) and value and value.keys() <= within:
        return [(named, action_id, element_value) for action_id, element_value in value.items()]
    return [(blocks, name, value)]


def action_payload(blocks: list[Json], element: Json, value: Any) -> Json:
    """Return an entry of `actions` for an element, with `value` as the choice if it has choices."""
    block = next(b for b, e in forms.elements(blocks) if e is element)
    action: Json = {"type": element["type"], "block_id": block["block_id"]}
    action["action_id"] = element["action_id"]
    if element["type"] == "button":
        for key in ("text", "value", "style", "url"):
            if key in element:
                action[key] = element[key]
        return action if value is None else action | {"value": value}
    if element["type"] == "overflow":
        return action | {"selected_option": forms.option_of(element, value)}
    return action | forms.plain_state(element, value)


def find_element(
    core: Core,
    user_id: str,
    name: str,
    channel: str | None,
    ts: str | None,
    view_id: str | None,
) -> tuple[Json, list[Json]]:
    """Return the container that holds an element, and its blocks.

    Raises:
        LookupError: no container holds it.
    """
    tried = []
    for container in _candidates(core, user_id, channel, ts, view_id):
        blocks = blocks_in(core, container)
        try:
            forms.find(blocks, name)
            return container, blocks
        except LookupError as error:
            tried.append(str(error))
    raise LookupError("; ".join(tried[:5]) or f"nothing to click for {user_id}")


def _candidates(
    core: Core, user_id: str, channel: str | None, ts: str | None, view_id: str | None
) -> list[Json]:
    if view_id:
        return [{"type": "view", "view_id": view_id}]
    if channel and ts:
        return [{"type": "message", "channel_id": channel, "message_ts": ts}]
    if channel:
        return _messages(user_id, [core.workspace.conversations[channel]])
    views = (core.workspace.top_of(user_id), core.workspace.home_of(user_id))
    open_views = [{"type": "view", "view_id": view.id} for view in views if view is not None]
    return open_views + _messages(user_id, core.workspace.visible_to(user_id))


def _messages(user_id: str, conversations: Any) -> list[Json]:
    containers = [
        {"type": "message", "channel_id": conversation.id, "message_ts": message["ts"]}
        for conversation in conversations
        for message in (*conversation.messages.values(), *conversation.ephemerals)
        if message.get("blocks") and message.get("only_for", user_id) == user_id
    ]
    return sorted(containers, key=lambda container: str(container["message_ts"]), reverse=True)
