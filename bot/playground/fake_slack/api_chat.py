"""chat.*: posting, updating and deleting messages, and ephemeral ones."""

from typing import Any

from bot.playground.fake_slack import example_workspace, messages
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.checks import check_blocks, check_metadata, name_of
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError, refuse
from bot.playground.fake_slack.json_shapes import message_object
from bot.playground.fake_slack.methods import (
    Method,
    conversation_for,
    message_in,
    require,
    require_membership,
)
from bot.playground.fake_slack.model import Conversation, Json
from bot.playground.fake_slack.views import prepared

LONGEST_POST, LONGEST_UPDATE, LONGEST_MARKDOWN = 40_000, 4000, 12_000
MOST_ATTACHMENTS = 100


def _post(core: Core, args: Arguments) -> Json:
    require_text(args)
    conversation = _target(core, args.need("channel"))
    if core.faults.rate_limits:
        core.install.limits.count_message(conversation.id)
    content = content_of(core, args) | _metadata(args)
    content["text"] = content.get("text", "")[:LONGEST_POST]
    content |= _thread(conversation, args)
    content |= _customized(core, args)
    if args.flag("reply_broadcast") and "thread_ts" in content:
        content["subtype"] = "thread_broadcast"  # shown in the channel as well
    message = messages.post(core, conversation, messages.by_bot(core, content))
    return {"channel": conversation.id, "ts": message["ts"], "message": message_object(message)}


def require_text(args: Arguments) -> None:
    contents = [args.get(name) for name in ("text", "blocks", "attachments", "markdown_text")]
    if not any(contents):
        raise SlackError("no_text")
    if args.has("markdown_text") and any(contents[:2]):
        raise SlackError("markdown_text_conflict")


def _target(core: Core, channel: str) -> Conversation:
    """Return the conversation to post to; for a person, open the direct message."""
    if channel.startswith(("U", "W")):
        return direct_with(core, channel, "channel_not_found")
    conversation = conversation_for(core, channel)
    if conversation.is_im:
        other = conversation.other_than(example_workspace.BOT_USER_ID)
        return direct_with(core, other, "channel_not_found")
    if conversation.is_archived:
        raise SlackError("is_archived")
    public = "chat:write.public" in core.manifest.scopes and not conversation.is_private
    if example_workspace.BOT_USER_ID not in conversation.members and not public:
        raise SlackError("not_in_channel")
    if conversation.refuses:
        raise SlackError(conversation.refuses)
    return conversation


def direct_with(core: Core, user_id: str, unknown: str = "user_not_found") -> Conversation:
    """Return the app's direct message with a person.

    Raises:
        SlackError: they cannot have one.
    """
    user = core.workspace.users.get(user_id)
    if user is None:
        raise SlackError(unknown)
    if user.is_bot or user_id == example_workspace.SLACKBOT:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    if not example_workspace.is_colleague(user) and not _share_a_channel(core, user_id):
        raise SlackError("user_not_visible")
    return core.workspace.open_direct_message(example_workspace.BOT_USER_ID, user_id)


def _share_a_channel(core: Core, user_id: str) -> bool:
    both = {user_id, example_workspace.BOT_USER_ID}
    channels = (c for c in core.workspace.conversations.values() if not c.is_im)
    return any(both <= set(channel.members) for channel in channels)


def content_of(core: Core, args: Arguments) -> Json:
    """Return the text, blocks and attachments of a message.

    Raises:
        SlackError: Slack would not accept them.
    """
    content: Json = {"text": args.text("text") or args.text("markdown_text")}
    blocks: Any = args.get("blocks")
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        problems = check_blocks(blocks, "message", has_file=core.has_file)
        refuse(name_of(problems), problems)
        if blocks:
            content["blocks"] = prepared(core, blocks)
    attachments: Any = args.get("attachments")
    if attachments:
        if len(attachments) > MOST_ATTACHMENTS:
            raise SlackError("too_many_attachments")
        content["attachments"] = attachments
    if len(args.text("markdown_text")) > LONGEST_MARKDOWN:
        raise SlackError("msg_too_long")
    return content


def _metadata(args: Arguments) -> Json:
    metadata = args.get("metadata")
    if not metadata:
        return {}
    refuse("invalid_metadata_format", check_metadata(metadata))
    return {"metadata": metadata}


def _thread(conversation: Conversation, args: Arguments) -> Json:
    thread_ts = args.text("thread_ts")
    if not thread_ts:
        return {}
    parent = message_in(conversation, thread_ts, "thread_not_found")
    return {"thread_ts": parent.get("thread_ts", thread_ts)}


def _customized(core: Core, args: Arguments) -> Json:
    values = {name: args.get(name) for name in ("username", "icon_emoji", "icon_url")}
    chosen = {name: value for name, value in values.items() if value}
    if chosen:
        require(core, "chat:write.customize")
    return chosen


def _update(core: Core, args: Arguments) -> Json:
    channel = args.need("channel")
    if channel.startswith(("U", "W")):
        raise SlackError("channel_not_found")
    conversation = require_membership(core, channel)
    message = message_in(conversation, args.need("ts"))
    if message.get("bot_id") != example_workspace.BOT_ID:
        raise SlackError("cant_update_message")
    if args.flag("reply_broadcast"):
        return _broadcast(core, args, conversation, message)
    require_text(args)
    if len(args.text("text")) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    messages.change(core, conversation, message, _changes(core, args, message))
    shown = message_object(message)
    return {"channel": channel, "ts": message["ts"], "text": shown["text"], "message": shown}


def _broadcast(core: Core, args: Arguments, conversation: Conversation, message: Json) -> Json:
    """Show a reply in its channel as well; its content cannot be changed at the same time."""
    if any(args.get(name) for name in ("text", "blocks", "attachments", "markdown_text")):
        raise SlackError("no_dual_broadcast_content_update")
    if message.get("thread_ts", message["ts"]) == message["ts"]:
        raise SlackError("cant_broadcast_message")
    messages.change(core, conversation, message, {"subtype": "thread_broadcast"})
    shown = message_object(message)
    return {
        "channel": conversation.id,
        "ts": message["ts"],
        "text": shown["text"],
        "message": shown,
    }


def _changes(core: Core, args: Arguments, message: Json) -> Json:
    """Return the new content: text alone removes blocks; blocks alone are not marked as an edit."""
    content = content_of(core, args)
    changes: Json = {"blocks": content.get("blocks"), "attachments": content.get("attachments")}
    if args.has("text") and content["text"] != message.get("text"):
        changes["edited"] = {"user": example_workspace.BOT_USER_ID, "ts": core.ids.ts()}
    if args.has("text"):
        changes["text"] = content["text"]
    if args.get("metadata") == {}:
        changes["metadata"] = None
    return changes | _metadata(args)


def _delete(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel"), writing=False)
    message = message_in(conversation, args.need("ts"))
    if message.get("bot_id") != example_workspace.BOT_ID:
        raise SlackError("cant_delete_message")
    messages.delete(core, conversation, message)
    return {"channel": conversation.id, "ts": message["ts"]}


def _whisper(core: Core, args: Arguments) -> Json:
    require_text(args)
    conversation = require_membership(core, args.need("channel"))
    user_id = args.need("user")
    if user_id not in core.workspace.users:
        raise SlackError("user_not_found")
    if user_id not in conversation.members:
        raise SlackError("user_not_in_channel")
    content = content_of(core, args) | _thread(conversation, args)
    message = messages.post_ephemeral(core, conversation, user_id, messages.by_bot(core, content))
    return {"message_ts": message["ts"]}


def _permalink(core: Core, args: Arguments) -> Json:
    conversation = conversation_for(core, args.need("channel"))
    message = message_in(conversation, args.need("message_ts"))
    return {"channel": conversation.id, "permalink": permalink(core, conversation, message["ts"])}


def permalink(core: Core, conversation: Conversation, ts: str) -> str:
    """Return a message's URL, which the page can open."""
    return f"{core.url}/archives/{conversation.id}/p{ts.replace('.', '')}"


METHODS = {
    "chat.postMessage": Method(handler=_post, tier=0, scope="chat:write"),
    "chat.update": Method(handler=_update, tier=3, scope="chat:write"),
    "chat.delete": Method(handler=_delete, tier=3, scope="chat:write"),
    "chat.postEphemeral": Method(handler=_whisper, tier=4, scope="chat:write"),
    "chat.getPermalink": Method(handler=_permalink, tier=0),
}
