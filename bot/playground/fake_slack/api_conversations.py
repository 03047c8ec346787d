"""conversations.*: channels and direct messages, their members and messages."""

from bot.playground.fake_slack import example_workspace, workspace_changes
from bot.playground.fake_slack.api_chat import direct_with
from bot.playground.fake_slack.arguments import Arguments
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.json_shapes import conversation_object, message_object
from bot.playground.fake_slack.methods import (
    LARGEST_PAGE,
    Method,
    conversation_for,
    message_in,
    page,
    require,
    require_membership,
)
from bot.playground.fake_slack.model import Conversation, Json

SLOW_PAGE = 15


def _open(core: Core, args: Arguments) -> Json:
    open_before = len(core.workspace.conversations)
    if args.has("channel"):
        conversation = conversation_for(core, args.need("channel"))
    else:
        users = args.words("users")
        if len(users) != 1:  # group direct messages are not supported
            raise SlackError("not_enough_users" if not users else "too_many_users")
        conversation = direct_with(core, users[0])
    channel: Json = {"id": conversation.id}
    if args.flag("return_im"):
        channel = conversation_object(conversation, example_workspace.BOT_USER_ID)
    was_open = len(core.workspace.conversations) == open_before
    return {"channel": channel, "no_op": was_open, "already_open": was_open}


def _info(core: Core, args: Arguments) -> Json:
    conversation = conversation_for(core, args.need("channel"), "{}:read")
    shape = conversation_object(conversation, example_workspace.BOT_USER_ID)
    if args.flag("include_num_members"):
        shape["num_members"] = len(conversation.members)
    return {"channel": shape}


def _members(core: Core, args: Arguments) -> Json:
    conversation = conversation_for(core, args.need("channel"), "{}:read")
    return page(args, conversation.members, "members")


def _list(core: Core, args: Arguments) -> Json:
    types = args.words("types") or ["public_channel"]
    conversations = [
        conversation
        for conversation in core.workspace.conversations.values()
        if _type(conversation) in types
    ]
    return page(args, _listed(core, args, conversations), "channels")


def _of_user(core: Core, args: Arguments) -> Json:
    types = args.words("types") or ["public_channel"]
    user_id = args.text("user") or example_workspace.BOT_USER_ID
    conversations = [
        conversation
        for conversation in core.workspace.conversations.values()
        if _type(conversation) in types and user_id in conversation.members
    ]
    return page(args, _listed(core, args, conversations), "channels")


def _type(conversation: Conversation) -> str:
    types = {"groups": "private_channel", "channels": "public_channel"}
    return types.get(conversation.family, conversation.family)


def _listed(core: Core, args: Arguments, conversations: list[Conversation]) -> list[Json]:
    """Return those of the conversations that the app may see."""
    listed = []
    for conversation in conversations:
        hidden = (
            conversation.is_private and example_workspace.BOT_USER_ID not in conversation.members
        )
        if hidden or (conversation.is_archived and args.flag("exclude_archived")):
            continue
        require(core, f"{conversation.family}:read")
        listed.append(conversation_object(conversation, example_workspace.BOT_USER_ID))
    return listed


def _join(core: Core, args: Arguments) -> Json:
    conversation = conversation_for(core, args.need("channel"))
    if conversation.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    if conversation.is_archived:
        raise SlackError("is_archived")
    answer: Json = {}
    if example_workspace.BOT_USER_ID in conversation.members:
        answer["warning"] = "already_in_channel"
        answer["response_metadata"] = {"warnings": ["already_in_channel"]}
    workspace_changes.join(core, conversation, example_workspace.BOT_USER_ID)
    return answer | {"channel": conversation_object(conversation, example_workspace.BOT_USER_ID)}


def _leave(core: Core, args: Arguments) -> Json:
    conversation = conversation_for(core, args.need("channel"))
    workspace_changes.leave(core, conversation, example_workspace.BOT_USER_ID)
    return {}


def _history(core: Core, args: Arguments) -> Json:
    conversation = _readable(core, args)
    messages = [
        message
        for message in reversed(conversation.messages.values())
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    ]
    return _read(core, args, conversation, messages)


def _replies(core: Core, args: Arguments) -> Json:
    conversation = _readable(core, args)
    thread_ts = args.need("ts")
    parent = message_in(conversation, thread_ts, "thread_not_found")
    replies = core.workspace.replies(conversation, thread_ts)
    return _read(core, args, conversation, [parent, *replies])


def _readable(core: Core, args: Arguments) -> Conversation:
    conversation_for(core, args.need("channel"), "{}:history")
    return require_membership(core, args.need("channel"), writing=False)


def _read(core: Core, args: Arguments, conversation: Conversation, messages: list[Json]) -> Json:
    """Return one page of the messages between oldest and latest."""
    within = [message for message in messages if _is_within(args, message["ts"])]
    most = SLOW_PAGE if core.faults.slow_history else LARGEST_PAGE
    answer = page(args, within, "messages", most)
    full = args.flag("include_all_metadata")
    answer["messages"] = [
        message_object(message, all_metadata=full) | core.workspace.thread_of(conversation, message)
        for message in answer["messages"]
    ]
    return answer | {"has_more": "response_metadata" in answer}


def _is_within(args: Arguments, ts: str) -> bool:
    """Return whether `ts` lies within; compares seconds, then the rest, as Slack does."""
    oldest, latest = args.text("oldest") or "0", args.text("latest")
    at = _order(ts)
    if args.flag("inclusive"):
        return at >= _order(oldest) and (not latest or at <= _order(latest))
    return at > _order(oldest) and (not latest or at < _order(latest))


def _order(ts: str) -> tuple[int, str]:
    seconds, _, rest = ts.partition(".")
    try:
        return int(seconds), rest.ljust(6, "0")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None


METHODS = {
    "conversations.open": Method(handler=_open, tier=3, scope="im:write"),
    "conversations.info": Method(handler=_info, tier=3),
    "conversations.members": Method(handler=_members, tier=4),
    "conversations.list": Method(handler=_list, tier=2, lists=True),
    "conversations.join": Method(handler=_join, tier=3, scope="channels:join"),
    "conversations.leave": Method(handler=_leave, tier=3, scope="channels:manage"),
    "conversations.history": Method(handler=_history, tier=3),
    "conversations.replies": Method(handler=_replies, tier=3),
    "users.conversations": Method(handler=_of_user, tier=3, lists=True),
}
