"""Web API methods: scope, rate limit, and handler."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.model import Conversation, Json

Handler = Callable[[Core, Arguments], Json]
DEFAULT_PAGE, LARGEST_PAGE = 100, 999


@dataclass(frozen=True, kw_only=True)
class Method:
    """An entry of docs.slack.dev/reference/methods."""

    handler: Handler
    tier: int  # 1 to 4, or 0 for a special limit
    scope: str = ""  # empty if none, or if the handler checks it by kind of conversation
    app_token: bool = False  # xapp instead of xoxb
    lists: bool = False  # with an organisation's token it must be told the workspace


def require(core: Core, scope: str) -> None:
    """Require a scope.

    Raises:
        SlackError: missing_scope.
    """
    granted = core.manifest.scopes
    if scope and scope not in granted:
        provided = ",".join(sorted(granted))
        raise SlackError("missing_scope", needed=scope, provided=provided)


def conversation_for(core: Core, channel_id: str, scope_of: str = "") -> Conversation:
    """Return a conversation that the app may access, requiring `scope_of`, as in "{}:read".

    Raises:
        SlackError: channel_not_found (also for private ones without the app), missing_scope.
    """
    conversation = core.workspace.conversations.get(channel_id)
    if conversation is None:
        raise SlackError("channel_not_found")
    if conversation.is_mpim:  # refused for the scope, whether or not the app is in it
        require(core, scope_of.format(conversation.family))
    if conversation.is_private and example_workspace.BOT_USER_ID not in conversation.members:
        raise SlackError("channel_not_found")
    require(core, scope_of.format(conversation.family))
    return conversation


def require_membership(core: Core, channel_id: str, *, writing: bool = True) -> Conversation:
    """Return a conversation that the app is in; if it is to write there, not an archived one."""
    conversation = conversation_for(core, channel_id)
    if example_workspace.BOT_USER_ID not in conversation.members:
        raise SlackError("not_in_channel")
    if writing and conversation.is_archived:
        raise SlackError("is_archived")
    return conversation


def message_in(conversation: Conversation, ts: str, error: str = "message_not_found") -> Json:
    message = conversation.messages.get(ts)
    if message is None:
        raise SlackError(error)
    return message


def page(args: Arguments, items: Sequence[Any], key: str, most: int = LARGEST_PAGE) -> Json:
    """Return one page of items, with the cursor of the next; the last page has none.

    Raises:
        SlackError: invalid_cursor.
    """
    limit = args.number("limit", DEFAULT_PAGE)
    if not 0 < limit <= 1000:
        raise SlackError("invalid_limit")
    start = _offset(args.text("cursor"))
    end = start + min(limit, most)
    answer: Json = {key: list(items[start:end])}
    if end < len(items):
        answer["response_metadata"] = {"next_cursor": _cursor(end)}
    return answer


def _cursor(offset: int) -> str:
    return base64.b64encode(f"from:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("from:"))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SlackError("invalid_cursor") from None
