"""Reading Slack's payloads: JSON, the fields each must have, and the request for Bolt.

Bolt and the handlers index payloads without checking. Payloads that do not have the documented
shape are refused here, in one place, for HTTP and Socket Mode alike.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.json_checks import (
    Check,
    fields,
    identifier,
    items,
    mapping,
    optional,
    slack_id,
    text,
    unix_time,
    values,
)

# ---------------------------------------------------------------- shapes

_TS = identifier(32)
_WORKSPACE, _PERSON, _CHANNEL = slack_id("TE"), slack_id("UW"), slack_id("CGD")
_TEAM = slack_id("T")
_BY_PERSON, _IN_PLACE = fields(id=_PERSON), fields(id=_CHANNEL, name=optional(text))
_OPTION = fields(value=text)
_INPUT = fields(
    value=optional(text),
    selected_option=optional(_OPTION),
    selected_options=optional(items(_OPTION)),
    selected_user=optional(_PERSON),
    selected_users=optional(items(_PERSON)),
    selected_date=optional(text),
    selected_time=optional(text),
)
_STATE = fields(values=values(values(_INPUT)))
_VIEW = {
    "id": identifier(32),
    "type": text,
    "callback_id": text,
    "private_metadata": text,
    "blocks": items(fields(type=text, block_id=optional(text))),
}
_URLS = {"response_url": optional(text), "trigger_id": optional(text)}
_SHOWN_VIEW = fields(**_VIEW, state=optional(_STATE))
_CLICK = {
    **_URLS,
    "user": _BY_PERSON,
    "channel": optional(_IN_PLACE),
    "actions": items(fields(action_id=text, value=optional(text)), at_least=1),
    "state": optional(_STATE),
    "view": optional(_SHOWN_VIEW),
}
#: By the type of the container of the click.
_CLICKS: Mapping[str, Check] = {
    "message": fields(**_CLICK, container=fields(channel_id=_CHANNEL, message_ts=_TS)),
    "view": fields(**{**_CLICK, "view": _SHOWN_VIEW}),
}
_OTHER_CLICK = fields(**_CLICK, container=fields(type=text))


def _block_actions(body: Any) -> str | None:
    container = body.get("container")
    place = container.get("type") if isinstance(container, dict) else None
    return _check_for(_CLICKS, place, _OTHER_CLICK)(body)


_SHORTCUT = fields(
    **_URLS,
    callback_id=optional(text),
    user=_BY_PERSON,
    channel=_IN_PLACE,
    message=fields(
        ts=_TS,
        thread_ts=optional(_TS),
        text=optional(text),
        user=optional(text),
        bot_id=optional(text),
    ),
)
_IN_CHANNEL = fields(channel=_CHANNEL)
_OF_MEMBER = fields(channel=_CHANNEL, user=_PERSON)
_OF_PERSON = fields(user=fields(id=_PERSON, profile=optional(mapping)))
_EVENTS: Mapping[str, Check] = {
    **dict.fromkeys(("channel_archive", "channel_unarchive", "channel_left"), _IN_CHANNEL),
    **dict.fromkeys(("group_archive", "group_unarchive", "group_left"), _IN_CHANNEL),
    **dict.fromkeys(("channel_deleted", "group_deleted"), _IN_CHANNEL),
    **dict.fromkeys(("member_joined_channel", "member_left_channel"), _OF_MEMBER),
    **dict.fromkeys(("user_change", "team_join"), _OF_PERSON),
    "channel_id_changed": fields(old_channel_id=_CHANNEL, new_channel_id=_CHANNEL),
    "app_home_opened": fields(user=_PERSON, tab=optional(text)),
    "tokens_revoked": fields(tokens=mapping),
    **dict.fromkeys(("team_access_granted", "team_access_revoked"), fields(team_ids=items(_TEAM))),
    "message_metadata_posted": fields(
        channel_id=_CHANNEL,
        message_ts=_TS,
        metadata=optional(mapping),  # of any app, in any shape
    ),
}
_EVENT: dict[str, Check] = {
    "team_id": optional(_WORKSPACE),
    "event_id": identifier(64),
    "event_time": unix_time,
}
_EVENT_BODIES = {name: fields(**_EVENT, event=check) for name, check in _EVENTS.items()}
_OTHER_EVENT = fields(**_EVENT, event=fields(type=text))


def _event_callback(body: Any) -> str | None:
    event = body.get("event")
    name = event.get("type") if isinstance(event, dict) else None
    return _check_for(_EVENT_BODIES, name, _OTHER_EVENT)(body)


_COMMAND = fields(
    **_URLS,
    command=text,
    team_id=_WORKSPACE,
    user_id=_PERSON,
    channel_id=_CHANNEL,
    channel_name=optional(text),
    text=optional(text),
)
_BODIES: Mapping[str, Check] = {
    "block_actions": _block_actions,
    "event_callback": _event_callback,
    "message_action": _SHORTCUT,
    "interactive_message": fields(
        **_URLS, view=optional(mapping), actions=items(mapping, at_least=1)
    ),
    "url_verification": fields(challenge=text),
    "view_closed": fields(**_URLS, user=_BY_PERSON, view=fields(**_VIEW)),
    "view_submission": fields(**_URLS, user=_BY_PERSON, view=fields(**_VIEW, state=_STATE)),
}
#: A command has no type of its own.
COMMAND = "command"
#: Every kind of request that we act on.
REQUEST_KINDS = (COMMAND, *_BODIES)
#: Payloads of other types, on which neither Bolt nor we act.
_OTHER_BODY = fields(**_URLS, type=text, view=optional(mapping))


_SOCKET_MESSAGE = fields(
    type=optional(text), envelope_id=optional(text), retry_reason=optional(text)
)


def first_invalid_field(body: Any) -> str | None:
    """Return the first field of a payload that is not as Slack documents it, or None."""
    if not isinstance(body, dict):
        return "body"
    if "command" in body:
        return _COMMAND(body)
    if body.get("ssl_check") == "1":
        return None
    return _check_for(_BODIES, body.get("type"), _OTHER_BODY)(body)


def _check_for(checks: Mapping[str, Check], name: Any, otherwise: Check) -> Check:
    return checks.get(name, otherwise) if isinstance(name, str) else otherwise


def state_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the clicked message's inputs; a message without inputs has none."""
    state = body.get("state") or {"values": {}}
    values: dict[str, Any] = state["values"]
    return values


def is_event(body: Mapping[str, Any]) -> bool:
    """Return whether the payload is an event, so that no person waits for the answer."""
    return body.get("type") == "event_callback"


# ---------------------------------------------------------------- reading


class Malformed(Exception):
    """Raised if a payload is not as Slack documents it; `field` names where."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


#: NUL, and half of a surrogate pair (from a text cut within an emoji): no database takes them.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_UNSTORABLE_ESCAPED = re.compile(
    r"\\u(?:0000|[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F]))"
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def parse_json(json_text: str) -> Any:
    """Parse a JSON text, replacing characters that cannot be stored.

    Raises:
        Malformed: it is not JSON, nested too deeply, or has a number too long to convert.
    """
    try:
        value = json.loads(json_text)
        return storable(value) if _UNSTORABLE_ESCAPED.search(json_text) else value
    except (ValueError, RecursionError):
        raise Malformed("json") from None  # the original error holds the text


def socket_message(raw_message: str) -> dict[str, Any]:
    """Parse what came over a Socket Mode connection.

    Raises:
        Malformed: it is not as Slack documents it; the payload itself is not checked.
    """
    message = parse_json(raw_message)
    bad_field = _SOCKET_MESSAGE(message)
    if bad_field is None and "payload" in message and not isinstance(message["payload"], dict):
        bad_field = "payload"
    if bad_field is not None:
        raise Malformed(bad_field or "message")
    return dict(message)


def storable(value: Any) -> Any:
    """Return the value with `_REPLACEMENT` for each character that cannot be stored."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return value


def bolt_request(
    body: Any,
    *,
    mode: str,
    raw_body: str = "",
    query: Any = "",
    headers: Any = None,
) -> AsyncBoltRequest:
    """Return Bolt's request for a payload that is already parsed.

    Raises:
        Malformed: the payload is not as Slack documents it.
    """
    bad_field = first_invalid_field(body)
    if bad_field is not None:
        raise Malformed(bad_field)
    request = AsyncBoltRequest(body="", query=query, headers=headers, mode=mode)
    request.raw_body, request.body = raw_body, body
    try:
        request.context = build_async_context(AsyncBoltContext(), body)
    except (TypeError, AttributeError, LookupError, RecursionError):
        raise Malformed("who or where") from None  # Bolt reads many fields for these
    request.context["team_id"] = _workspace_of(request.context.team_id, body)
    # Slack takes commands only where the bot is installed.
    request.context["is_where_installed"] = COMMAND in body
    return request


def _workspace_of(found: str | None, body: Mapping[str, Any]) -> str | None:
    """Return the workspace of a payload; None: it names none, or only its organisation.

    Where the bot is installed in an organisation, Bolt finds none, or the organisation itself, in
    many payloads that name the workspace elsewhere. A person's own may be another one: of our
    message in which they press a button, the message knows better.
    """
    is_press = body.get("type") == "block_actions" and body.get("team") is None
    message = body.get("message") if is_press else None
    places = [one for one in (body.get("view"), body.get("user")) if isinstance(one, dict)]
    names = (
        message.get("team") if isinstance(message, dict) else None,
        found,
        body.get("context_team_id"),  # of an event in a channel shared with others
        body.get("team_id"),
        *(place.get("team_id") for place in places),
    )
    return next((name for name in names if isinstance(name, str) and _TEAM(name) is None), None)
