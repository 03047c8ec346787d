"""Posting, changing and removing messages, with updates to pages and events to the app."""

from functools import partial
from typing import Any

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.json_shapes import bot_profile
from bot.playground.fake_slack.model import Conversation, Json
from bot.playground.page import screen

_CHANNEL_TYPES = {"im": "im", "mpim": "mpim", "groups": "group"}


def by_other_app(content: Json) -> Json:
    """Build a message of another app of the workspace."""
    return {
        "type": "message",
        "user": example_workspace.OTHER_BOT,
        "team": example_workspace.TEAM_ID,
        "bot_id": example_workspace.OTHER_BOT_ID,
        "app_id": example_workspace.OTHER_APP_ID,
        **content,
    }


def by_bot(core: Core, content: Json) -> Json:
    """Build a message of the app, with the author fields that Slack adds."""
    return {
        "type": "message",
        "user": example_workspace.BOT_USER_ID,
        "team": example_workspace.TEAM_ID,
        "bot_id": example_workspace.BOT_ID,
        "app_id": example_workspace.APP_ID,
        "bot_profile": bot_profile(core.workspace.bot.updated),
        **content,
    }


def by_person(core: Core, user_id: str, content: Json) -> Json:
    """Build a message typed by a person."""
    return {
        "type": "message",
        "user": user_id,
        "team": core.workspace.users[user_id].team_id,
        "client_msg_id": core.ids.secret(),
        **content,
    }


def post(core: Core, conversation: Conversation, message: Json) -> Json:
    """Store a message, show it on every member's page, and send the app its events."""
    posted: Json = {**message, "ts": core.ids.ts()}
    conversation.messages[posted["ts"]] = posted
    conversation.read[posted["user"]] = posted["ts"]
    _share_pictures(core, conversation, posted)
    _show(core, "message", conversation, posted)
    show_conversation(core, conversation)
    emit_message_event(core, conversation, posted)
    return posted


def _share_pictures(core: Core, conversation: Conversation, message: Json) -> None:
    """Share a shown file a moment later, as Slack does."""
    blocks: list[Json] = message.get("blocks") or []
    for block in blocks:
        file = core.workspace.files.get((block.get("slack_file") or {}).get("id", ""))
        if file is not None:
            shares = file.shares.setdefault(conversation.id, [])
            core.later(partial(shares.append, message["ts"]))


def emit_message_event(core: Core, conversation: Conversation, message: Json) -> None:
    event = {
        **message,
        "channel": conversation.id,
        "channel_type": _CHANNEL_TYPES.get(conversation.family, "channel"),
        "event_ts": message["ts"],
    }
    core.events.emit({**event, "type": "message"}, conversation)
    mentioned = f"<@{example_workspace.BOT_USER_ID}>" in (message.get("text") or "")
    if mentioned and not conversation.is_im:
        core.events.emit({**event, "type": "app_mention"}, conversation)
    if "metadata" in message:
        emit_metadata_event(core, conversation, message, "posted")


def emit_metadata_event(
    core: Core, conversation: Conversation, message: Json, what: str, **more: Any
) -> None:
    """Emit the event message_metadata_posted, _updated or _deleted."""
    event = {
        "type": f"message_metadata_{what}",
        "app_id": message["app_id"],
        "bot_id": message["bot_id"],
        "user_id": message["user"],
        "team_id": example_workspace.TEAM_ID,
        "channel_id": conversation.id,
        "message_ts": message["ts"],
        "metadata": message.get("metadata") or {},
        **more,
    }
    core.events.emit(event, conversation)


def change(core: Core, conversation: Conversation, message: Json, content: Json) -> None:
    """Change the content of a message; a key of None is removed."""
    before = message.get("metadata")
    for key, value in content.items():
        if value is None:
            message.pop(key, None)
        else:
            message[key] = value
    _show(core, "message_changed", conversation, message)
    after = message.get("metadata")
    if after != before and after:
        emit_metadata_event(core, conversation, message, "updated", previous_metadata=before)


def delete(core: Core, conversation: Conversation, message: Json) -> None:
    ts = message["ts"]
    del conversation.messages[ts]
    conversation.pins = [pin for pin in conversation.pins if pin["ts"] != ts]
    gone = {"type": "message_deleted", "channel": conversation.id, "ts": ts}
    core.stream.publish(lambda _: gone, conversation.members)
    if message.get("metadata"):
        before = message["metadata"]
        about = {**message, "metadata": None}
        emit_metadata_event(
            core, conversation, about, "deleted", previous_metadata=before, deleted_ts=ts
        )


def post_ephemeral(core: Core, conversation: Conversation, user_id: str, message: Json) -> Json:
    """Show an ephemeral message to one person."""
    ephemeral = {**message, "ts": core.ids.ts(), "only_for": user_id, "is_ephemeral": True}
    conversation.ephemerals.append(ephemeral)
    show_ephemeral(core, conversation, ephemeral)
    return ephemeral


def show_ephemeral(core: Core, conversation: Conversation, message: Json) -> None:
    change = {
        "type": "ephemeral",
        "channel": conversation.id,
        "message": screen.ephemeral_item(message),
    }
    core.stream.publish(lambda _: change, [message["only_for"]])


def delete_ephemeral(core: Core, conversation: Conversation, message: Json) -> None:
    conversation.ephemerals.remove(message)
    gone = {"type": "message_deleted", "channel": conversation.id, "ts": message["ts"]}
    core.stream.publish(lambda _: gone, [message["only_for"]])


def _show(core: Core, kind: str, conversation: Conversation, message: Json) -> None:
    def change(_: str) -> Json:
        shown = screen.message_item(core, conversation, message)
        return {"type": kind, "channel": conversation.id, "message": shown}

    core.stream.publish(change, conversation.members)
    parent = conversation.messages.get(message.get("thread_ts", ""))
    if parent is not None and parent is not message and kind == "message":
        _show(core, "message_changed", conversation, parent)


def show_conversation(core: Core, conversation: Conversation) -> None:
    """Update pages after a change of unread marks, pins, bookmarks or members."""

    def change(user_id: str) -> Json:
        item = screen.conversation_item(core, conversation, user_id)
        return {"type": "conversation", "conversation": item}

    public = conversation.kind == "channel"
    core.stream.publish(change, None if public else conversation.members)
