"""block_actions: an element of a message or view is used, and the app is told."""

from typing import Any

from bot.playground.fake_slack import forms, payloads
from bot.playground.fake_slack.app_answers import Answer
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json, Typed


async def act(core: Core, user_id: str, container: Json, action: Json, typed: Typed) -> Answer:
    """Send what was used and everything that is chosen beside it."""
    merge(core.workspace.typed_in(user_id, container), typed)
    _remember(core, user_id, container, action)
    payload = _payload(core, user_id, container)
    payload["actions"] = [{"action_ts": core.ids.ts(), **action}]
    return await core.dispatch.ask("interactive", payload)


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
    """The message of a container, and the container in full. Raises LookupError: it is gone."""
    conversation = core.workspace.conversations[container["channel_id"]]
    ts = container["message_ts"]
    message = conversation.messages.get(ts)
    whispered = next((one for one in conversation.ephemerals if one["ts"] == ts), None)
    found = message or whispered
    if found is None:
        raise LookupError(f"no message {ts} in {conversation.id}")
    whole = {
        "type": "message",
        "message_ts": ts,
        "channel_id": conversation.id,
        "is_ephemeral": message is None,
    }
    if "thread_ts" in found:
        whole["thread_ts"] = found["thread_ts"]
    return conversation, found, whole


def blocks_in(core: Core, container: Json) -> list[Json]:
    if container["type"] == "view":
        return core.workspace.views[container["view_id"]].blocks
    blocks: list[Json] = message_in(core, container)[1].get("blocks") or []
    return blocks


def merge(known: Typed, more: Typed) -> None:
    """Keep what was chosen; the latest choice of an element wins."""
    for block_id, states in more.items():
        known.setdefault(block_id, {}).update(states)


def _remember(core: Core, user_id: str, container: Json, action: Json) -> None:
    """A choice in a menu outside an input is part of the state as well."""
    keys = forms.STATE_KEYS.get(action["type"])
    if keys is not None:
        state = {"type": action["type"], keys[0]: action.get(keys[0])}
        known = core.workspace.typed_in(user_id, container)
        merge(known, {action["block_id"]: {action["action_id"]: state}})


def typed_from(blocks: list[Json], values: dict[str, Any]) -> Typed:
    """Element states from plain or Slack's values, by block and action id or by either alone."""
    typed: Typed = {}
    for name, value in values.items():
        mine = [block for block in blocks if block.get("block_id") == name]
        for inside, action_id, one in _meant(blocks, mine, name, value):
            block, element = forms.find(inside, action_id)
            state = forms.plain_state(element, one)
            typed.setdefault(block["block_id"], {})[element["action_id"]] = state
    return typed


def _meant(
    blocks: list[Json], mine: list[Json], name: str, value: Any
) -> list[tuple[list[Json], str, Any]]:
    """Where to look, for which id, and the value: `mine` is the block named so, if there is."""
    within = {element["action_id"] for _, element in forms.elements(mine)}
    if isinstance(value, dict) and value and value.keys() <= within:
        return [(mine, action_id, one) for action_id, one in value.items()]
    return [(blocks, name, value)]


def fired(blocks: list[Json], element: Json, value: Any) -> Json:
    """One entry of `actions` for an element, `value` chosen where it has choices."""
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


def where(
    core: Core,
    user_id: str,
    name: str,
    channel: str | None,
    ts: str | None,
    view_id: str | None,
) -> tuple[Json, list[Json]]:
    """The container that holds an element, and its blocks. Raises LookupError: none does."""
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
        return _messages(core, user_id, [core.workspace.conversations[channel]])
    views = (core.workspace.top_of(user_id), core.workspace.home_of(user_id))
    open_views = [{"type": "view", "view_id": view.id} for view in views if view is not None]
    return open_views + _messages(core, user_id, core.workspace.visible_to(user_id))


def _messages(core: Core, user_id: str, conversations: Any) -> list[Json]:
    found = [
        {"type": "message", "channel_id": conversation.id, "message_ts": message["ts"]}
        for conversation in conversations
        for message in (*conversation.messages.values(), *conversation.ephemerals)
        if message.get("blocks") and message.get("only_for", user_id) == user_id
    ]
    return sorted(found, key=lambda container: str(container["message_ts"]), reverse=True)
