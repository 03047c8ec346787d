"""pins.*, bookmarks.* and reactions.add."""

import re

from bot.playground.fake_slack import example_workspace, messages
from bot.playground.fake_slack.api_chat import permalink
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.json_shapes import message_object
from bot.playground.fake_slack.methods import Method, message_in, require_membership
from bot.playground.fake_slack.model import Conversation, Json

MOST_PINS = MOST_BOOKMARKS = 100
_EMOJI_NAME = re.compile(r"[a-z0-9_+'\-]+(::skin-tone-[2-6])?")


def _pin(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel"))
    message = message_in(conversation, args.need("timestamp"))
    pinned = core.workspace.pins(conversation.id)
    if message["ts"] in pinned:
        raise SlackError("already_pinned")
    if len(pinned) >= MOST_PINS:
        raise SlackError("too_many_pins")
    at = core.ids.now_seconds()
    conversation.pins.append({"ts": message["ts"], "by": example_workspace.BOT_USER_ID, "at": at})
    messages.show_conversation(core, conversation)
    return {}


def _unpin(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel"))
    message = message_in(conversation, args.need("timestamp"))
    if message["ts"] not in core.workspace.pins(conversation.id):
        raise SlackError("no_pin")
    conversation.pins = [pin for pin in conversation.pins if pin["ts"] != message["ts"]]
    messages.show_conversation(core, conversation)
    return {}


def _pins(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel"), writing=False)
    items = [_pin_item(core, conversation, pin) for pin in conversation.pins]
    return {"items": items}


def _pin_item(core: Core, conversation: Conversation, pin: Json) -> Json:
    message = message_object(conversation.messages[pin["ts"]])
    message["permalink"] = permalink(core, conversation, pin["ts"])
    return {
        "type": "message",
        "channel": conversation.id,
        "created": pin["at"],
        "created_by": pin["by"],
        "message": message,
    }


def _bookmark(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel_id"))
    if len(conversation.bookmarks) >= MOST_BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    if args.need("type") != "link":
        raise SlackError("invalid_bookmark_type")
    mark = _new_bookmark(core, conversation, args)
    conversation.bookmarks.append(mark)
    messages.show_conversation(core, conversation)
    return {"bookmark": mark}


def fill(core: Core, conversation: Conversation) -> None:
    """Pin as many messages, and add as many bookmarks, as a channel takes."""
    while len(conversation.pins) < MOST_PINS:
        message = messages.by_person(core, conversation.creator, {"text": "Pinned long ago"})
        ts = core.ids.ts()
        conversation.messages[ts] = {**message, "ts": ts}
        conversation.pins.append({"ts": ts, "by": conversation.creator, "at": 0})
    while len(conversation.bookmarks) < MOST_BOOKMARKS:
        link = {"title": "Old", "link": "https://example.com", "type": "link"}
        conversation.bookmarks.append(_new_bookmark(core, conversation, Arguments(link)))


def _new_bookmark(core: Core, conversation: Conversation, args: Arguments) -> Json:
    link = args.need("link")
    if not link.startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    return {
        "id": core.ids.new("Bk"),
        "channel_id": conversation.id,
        "title": args.need("title"),
        "link": link,
        "emoji": args.text("emoji"),
        "icon_url": None,
        "entity_id": None,
        "type": "link",
        "date_created": core.ids.now_seconds(),
        "date_updated": 0,
        "rank": "U",
        "last_updated_by_user_id": example_workspace.BOT_USER_ID,
        "last_updated_by_team_id": example_workspace.TEAM_ID,
        "shortcut_id": None,
        "app_id": example_workspace.APP_ID,
    }


def _bookmark_in(conversation: Conversation, bookmark_id: str) -> Json:
    for mark in conversation.bookmarks:
        if mark["id"] == bookmark_id:
            return mark
    raise SlackError("not_found")


def _edit_bookmark(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel_id"))
    mark = _bookmark_in(conversation, args.need("bookmark_id"))
    mark |= {key: args.text(key) for key in ("title", "link", "emoji") if args.has(key)}
    mark["date_updated"] = core.ids.now_seconds()
    messages.show_conversation(core, conversation)
    return {"bookmark": mark}


def _unbookmark(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel_id"))
    mark = _bookmark_in(conversation, args.need("bookmark_id"))
    conversation.bookmarks.remove(mark)
    messages.show_conversation(core, conversation)
    return {}


def _bookmarks(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel_id"), writing=False)
    return {"bookmarks": list(conversation.bookmarks)}


def _react(core: Core, args: Arguments) -> Json:
    conversation = require_membership(core, args.need("channel"))
    message = message_in(conversation, args.need("timestamp"))
    name = args.need("name")
    if not _EMOJI_NAME.fullmatch(name):
        raise SlackError("invalid_name")
    reactions: list[Json] = [dict(existing) for existing in message.get("reactions", [])]
    reaction = next((existing for existing in reactions if existing["name"] == name), None)
    if reaction is None:
        reaction = {"name": name, "users": [], "count": 0}
        reactions.append(reaction)
    if example_workspace.BOT_USER_ID in reaction["users"]:
        raise SlackError("already_reacted")
    reaction |= {
        "users": [*reaction["users"], example_workspace.BOT_USER_ID],
        "count": reaction["count"] + 1,
    }
    messages.change(core, conversation, message, {"reactions": reactions})
    return {}


METHODS = {
    "pins.add": Method(handler=_pin, tier=2, scope="pins:write"),
    "pins.remove": Method(handler=_unpin, tier=2, scope="pins:write"),
    "pins.list": Method(handler=_pins, tier=2, scope="pins:read"),
    "bookmarks.add": Method(handler=_bookmark, tier=2, scope="bookmarks:write"),
    "bookmarks.edit": Method(handler=_edit_bookmark, tier=2, scope="bookmarks:write"),
    "bookmarks.remove": Method(handler=_unbookmark, tier=2, scope="bookmarks:write"),
    "bookmarks.list": Method(handler=_bookmarks, tier=3, scope="bookmarks:read"),
    "reactions.add": Method(handler=_react, tier=3, scope="reactions:write"),
}
