"""The workspace as seen by one person, in the page's own JSON."""

import re
from collections.abc import Iterator

from bot.playground.fake_slack import example_workspace, shortcuts
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.json_shapes import message_object, view_object
from bot.playground.fake_slack.manifest import subcommands
from bot.playground.fake_slack.model import Conversation, Json, User

_BROADCAST = re.compile(r"<!(channel|here|everyone)[|>]")


def state(core: Core, user_id: str) -> Json:
    """Build everything but the messages: people, conversations, and open views."""
    workspace = core.workspace
    me = workspace.users[user_id]
    return {
        "now": workspace.now().isoformat(),
        "time_zone": me.tz or example_workspace.HOME_ZONE,
        "workspace": {
            "id": core.team.id,
            "name": core.team.name,
            "domain": core.team.domain,
            "created": workspace.created,
        },
        "workspaces": _workspaces(core),
        "install_url": core.directory.install_url,
        "me": user_id,
        "bot": example_workspace.BOT_USER_ID,
        "takes_messages": core.manifest.takes_messages,
        "users": [user_item(user) for user in workspace.users.values()],
        "conversations": [
            conversation_item(core, conversation, user_id)
            for conversation in workspace.visible_to(user_id)
        ],
        "commands": [_command_item(command) for command in core.manifest.commands],
        "shortcuts": [
            {"name": each["name"], "callback_id": each["callback_id"]}
            for each in shortcuts.offered(core, user_id)
        ],
        "view_stack": [view_object(view) for view in workspace.stack_of(user_id)],
    }


def _workspaces(core: Core) -> list[Json]:
    """Return the workspaces of the playground, for the menu that switches between them."""
    return [
        {
            "id": each.team.id,
            "name": each.team.name,
            "url": each.url,
            "is_installed": each.install.is_usable,
        }
        for each in core.directory.cores
    ]


def user_item(user: User) -> Json:
    words = user.real_name.split()
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "tz": user.tz,
        "color": user.color,
        "initials": "".join(word[0] for word in words[:2]).upper(),
        "deleted": user.deleted,
        "is_restricted": user.is_restricted,
        "is_bot": user.is_bot or user.id == example_workspace.SLACKBOT,
        "is_external": not example_workspace.is_colleague(user),
        "is_admin": user.is_admin,
        "title": user.title,
    }


def _command_item(command: Json) -> Json:
    return {
        "command": command["command"],
        "description": command.get("description", ""),
        "usage_hint": command.get("usage_hint", ""),
        "subcommands": subcommands(command),
    }


def conversation_item(core: Core, conversation: Conversation, user_id: str) -> Json:
    new = list(_unread(conversation, user_id))
    item: Json = {
        "id": conversation.id,
        "name": conversation.name,
        "kind": conversation.kind,
        "topic": conversation.topic,
        "is_archived": conversation.is_archived,
        "is_shared": conversation.is_ext_shared,
        "is_member": user_id in conversation.members,
        "members": list(conversation.members),
        "unread": len(new),
        "mentions": sum(_calls_for(message, conversation, user_id) for message in new),
        "bookmarks": [
            {key: mark.get(key, "") for key in ("id", "title", "link", "emoji")}
            for mark in conversation.bookmarks
        ],
        "pins": core.workspace.pins(conversation.id),
    }
    if conversation.is_im:
        item["user"] = conversation.other_than(user_id)
        item["name"] = core.workspace.users[item["user"]].real_name
    return item


def _unread(conversation: Conversation, user_id: str) -> Iterator[Json]:
    if user_id not in conversation.members:
        return
    seen = conversation.read.get(user_id, "")
    for message in reversed(conversation.messages.values()):
        if message["ts"] <= seen:
            return
        in_thread = message.get("thread_ts", message["ts"]) != message["ts"]
        if message.get("user") != user_id and not in_thread:
            yield message


def _calls_for(message: Json, conversation: Conversation, user_id: str) -> bool:
    text = message.get("text") or ""
    return conversation.is_im or f"<@{user_id}" in text or bool(_BROADCAST.search(text))


def history(core: Core, conversation: Conversation, user_id: str) -> list[Json]:
    """Build the messages a person sees in a conversation, including ephemeral ones."""
    shown = [
        message_item(core, conversation, message)
        for message in conversation.messages.values()
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    ]
    shown += [
        ephemeral_item(message)
        for message in conversation.ephemerals
        if message["only_for"] == user_id and "thread_ts" not in message
    ]
    return sorted(shown, key=lambda message: str(message["ts"]))


def thread(core: Core, conversation: Conversation, user_id: str, thread_ts: str) -> list[Json]:
    """Build a message with its replies."""
    parent = conversation.messages.get(thread_ts)
    shown = [message_item(core, conversation, parent)] if parent else []
    replies = core.workspace.replies(conversation, thread_ts)
    shown += [message_item(core, conversation, reply) for reply in replies]
    shown += [
        ephemeral_item(message)
        for message in conversation.ephemerals
        if message["only_for"] == user_id and message.get("thread_ts") == thread_ts
    ]
    return shown


def message_item(core: Core, conversation: Conversation, message: Json) -> Json:
    """Build a message for the page, with a summary of its thread."""
    thread = core.workspace.thread_of(conversation, message)
    return message_object(message) | thread | {"ephemeral": False}


def ephemeral_item(message: Json) -> Json:
    return {**message, "ephemeral": True}
