"""Malformed and unusual request bodies, each with its content type."""

import json
from typing import Any
from urllib.parse import urlencode

from tests.harness import LAUNCH
from tests.scenarios.requests import (
    FORM,
    JSON,
    PRESSED,
    PRESSED_IN_VIEW,
    SUBMITTED,
    TYPED,
    VIEW,
    event_callback,
    form,
)

DEEP = b"[" * 100_000
NO_EVENT = {name: value for name, value in event_callback("user_change").items() if name != "event"}
#: Bodies refused with 400 even if they are signed.
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", FORM),
    "empty JSON": (b"", JSON),
    "invalid JSON": (b"{violet", JSON),
    "invalid JSON in the payload": (b"payload={violet", FORM),
    "list": (b"[]", JSON),
    "number": (b"17", JSON),
    "text": (b'"violet"', JSON),
    "null": (b"null", JSON),
    "empty object": (b"{}", JSON),
    "payload is a list": (form([]), FORM),
    "payload is a number": (form(17), FORM),
    "payload is a text": (form("violet"), FORM),
    "payload is null": (form(None), FORM),
    "payload is empty": (b"payload=", FORM),
    "two payloads": (b"payload=" + form(PRESSED)[8:] + b"&payload=[]", FORM),
    "deep": (DEEP, JSON),
    "deep nesting in the payload": (b"payload=" + DEEP, FORM),
    "huge number": (b'{"type":' + b"9" * 5000 + b"}", JSON),
    "type is a number": (form({**PRESSED, "type": 17}), FORM),
    "type is a list": (form({**PRESSED, "type": []}), FORM),
    "no type": (form({"team": {"id": "T0PLAY"}}), FORM),
    "form without a type": (b"violet=giraffe", FORM),
    "XML": (b"<violet/>", "text/xml"),
    "team is a number": (form({"type": "shortcut", "team": 17}), FORM),
    "authorization is null": (form({"type": "shortcut", "authorizations": [None]}), FORM),
    "user is null": (form({**PRESSED, "user": None}), FORM),
    "person with a channel's id": (form({**PRESSED, "user": {"id": LAUNCH}}), FORM),
    "person without an id of Slack's": (form({**PRESSED, "user": {"id": "ben"}}), FORM),
    "state of a button in a view is a text": (form({**PRESSED_IN_VIEW, "state": "x"}), FORM),
    "view of a button in a message is a text": (form({**PRESSED, "view": "x"}), FORM),
    "no actions": (form({**PRESSED, "actions": []}), FORM),
    "action is null": (form({**PRESSED, "actions": [None]}), FORM),
    "actions are null": (form({**PRESSED, "actions": None}), FORM),
    "state is a list": (form({**PRESSED, "state": []}), FORM),
    "input is null": (form({**PRESSED, "state": {"values": {"b": {"a": None}}}}), FORM),
    "view of an unknown type is a text": (form({**PRESSED, "type": "violet", "view": "x"}), FORM),
    "view of a button without an id": (
        form({**PRESSED_IN_VIEW, "view": {**PRESSED_IN_VIEW["view"], "id": ""}}),
        FORM,
    ),
    "view is null": (form({**SUBMITTED, "view": None}), FORM),
    "no event": (json.dumps(NO_EVENT).encode(), JSON),
    "event is null": (json.dumps({**NO_EVENT, "event": None}).encode(), JSON),
    "event is a text": (json.dumps({**NO_EVENT, "event": "violet"}).encode(), JSON),
    "event without a type": (json.dumps({**NO_EVENT, "event": {}}).encode(), JSON),
    "event time is NaN": (
        json.dumps({**event_callback("channel_archive"), "event_time": float("nan")}).encode(),
        JSON,
    ),
    "event time out of range": (
        json.dumps({**event_callback("channel_archive"), "event_time": 10**15}).encode(),
        JSON,
    ),
    "event id that cannot be stored": (
        json.dumps({**event_callback("channel_archive"), "event_id": "\ud800\0"}).encode(),
        JSON,
    ),
    "command without a user": (urlencode({**TYPED, "user_id": ""}).encode(), FORM),
}
ODD_PAYLOADS: tuple[Any, ...] = (None, {}, [], "text", {"id": None}, {"id": ["x"]})
FOREIGN_METADATA: tuple[Any, ...] = (
    *(None, {}, {"event_type": 7}, {"event_type": "imbalance_message"}),
    *({"event_type": "imbalance_message", "event_payload": payload} for payload in ODD_PAYLOADS),
)
#: Unusual bodies answered with 200 if they are signed: well formed, or ignored by the bot.
ANSWERED: dict[str, tuple[bytes, str]] = {
    "deeply nested event": (b'{"type":"x","event":' + b'{"event":' * 400 + b"1" + b"}" * 401, JSON),
    "team is null": (form({**PRESSED, "team": None}), FORM),
    "infinite value": (form({**PRESSED, "message": {"number": float("inf")}}), FORM),
    "command without a text": (
        json.dumps({name: TYPED[name] for name in TYPED if name != "text"}).encode(),
        JSON,
    ),
    "command whose text is null": (json.dumps({**TYPED, "text": None}).encode(), JSON),
    "button of a form, in a message": (
        form({**PRESSED, "actions": [{"action_id": "phase.start.back", "value": "r"}]}),
        FORM,
    ),
    "submitted home tab": (form({**SUBMITTED, "view": {**VIEW, "type": "home"}}), FORM),
    "view of a button without a state": (
        form({**PRESSED_IN_VIEW, "view": {**PRESSED_IN_VIEW["view"], "state": None}}),
        FORM,
    ),
    "value that is no id": (
        form({**PRESSED, "actions": [{"action_id": "phases.start", "value": "C0" * 200}]}),
        FORM,
    ),
    "unknown button": (form({**PRESSED, "actions": [{"action_id": "violet"}]}), FORM),
    "reply that is none": (
        form(
            {
                **SUBMITTED,
                "view": {
                    **VIEW,
                    "callback_id": "phase.expectation.form",
                    "private_metadata": "p:violet",
                },
            }
        ),
        FORM,
    ),
    "unknown form": (form({**SUBMITTED, "view": {**VIEW, "callback_id": "v"}}), FORM),
    "renamed command": (urlencode({**TYPED, "command": "/violet"}).encode(), FORM),
    "unknown type": (form({"type": "violet", "team": {"id": TYPED["team_id"]}}), FORM),
    "rate limited": (
        json.dumps({"type": "app_rate_limited", "team_id": TYPED["team_id"]}).encode(),
        JSON,
    ),
    "no state": (form({**PRESSED, "state": None}), FORM),
    "no trigger id": (form({**PRESSED, "trigger_id": None}), FORM),
    "invalid response URL": (form({**PRESSED, "response_url": "violet"}), FORM),
    "event without a workspace": (
        json.dumps({**NO_EVENT, "team_id": None, "event": {"type": "app_uninstalled"}}).encode(),
        JSON,
    ),
    **{
        f"metadata of another app: {metadata}": (
            json.dumps(
                {
                    **NO_EVENT,
                    "event": {
                        **event_callback("message_metadata_posted")["event"],
                        "metadata": metadata,
                    },
                }
            ).encode(),
            JSON,
        )
        for metadata in FOREIGN_METADATA
    },
}
