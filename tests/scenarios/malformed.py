"""Bodies as Slack does not send them, or seldom, with their content types."""

import json
from urllib.parse import urlencode

from tests.scenarios.requests import FORM, JSON, PRESSED, SUBMITTED, TYPED, VIEW, form, told

DEEP = b"[" * 100_000
NO_EVENT = {name: value for name, value in told("user_change").items() if name != "event"}
#: Bodies that no parser or handler of ours can use, and their content type.
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", FORM),
    "empty JSON": (b"", JSON),
    "no JSON": (b"{violet", JSON),
    "no JSON in the payload": (b"payload={violet", FORM),
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
    "deep in the payload": (b"payload=" + DEEP, FORM),
    "huge number": (b'{"type":' + b"9" * 5000 + b"}", JSON),
    "number for a name": (form({**PRESSED, "type": 17}), FORM),
    "list for a name": (form({**PRESSED, "type": []}), FORM),
    "no type": (form({"team": {"id": "T0PLAY"}}), FORM),
    "form without a type": (b"violet=giraffe", FORM),
    "other content": (b"<violet/>", "text/xml"),
    "team is a number": (form({"type": "shortcut", "team": 17}), FORM),
    "no authorization": (form({"type": "shortcut", "authorizations": [None]}), FORM),
    "user is null": (form({**PRESSED, "user": None}), FORM),
    "no actions": (form({**PRESSED, "actions": []}), FORM),
    "action is null": (form({**PRESSED, "actions": [None]}), FORM),
    "actions are null": (form({**PRESSED, "actions": None}), FORM),
    "state is a list": (form({**PRESSED, "state": []}), FORM),
    "input is null": (form({**PRESSED, "state": {"values": {"b": {"a": None}}}}), FORM),
    "view is null": (form({**SUBMITTED, "view": None}), FORM),
    "no event": (json.dumps(NO_EVENT).encode(), JSON),
    "event is null": (json.dumps({**NO_EVENT, "event": None}).encode(), JSON),
    "event is a text": (json.dumps({**NO_EVENT, "event": "violet"}).encode(), JSON),
    "event without a type": (json.dumps({**NO_EVENT, "event": {}}).encode(), JSON),
    "event at no time": (
        json.dumps({**told("channel_archive"), "event_time": float("nan")}).encode(),
        JSON,
    ),
    "event after all time": (
        json.dumps({**told("channel_archive"), "event_time": 10**15}).encode(),
        JSON,
    ),
    "id that cannot be stored": (
        json.dumps({**told("channel_archive"), "event_id": "\ud800\0"}).encode(),
        JSON,
    ),
    "command of nobody": (urlencode({**TYPED, "user_id": ""}).encode(), FORM),
}
#: Signed, these are answered: well formed, or nothing that we act on.
ANSWERED: dict[str, tuple[bytes, str]] = {
    "deep events": (b'{"type":"x","event":' + b'{"event":' * 400 + b"1" + b"}" * 401, JSON),
    "team is null": (form({**PRESSED, "team": None}), FORM),
    "infinite value": (form({**PRESSED, "message": {"number": float("inf")}}), FORM),
    "unknown button": (form({**PRESSED, "actions": [{"action_id": "violet"}]}), FORM),
    "unknown form": (form({**SUBMITTED, "view": {**VIEW, "callback_id": "v"}}), FORM),
    "unknown command": (urlencode({**TYPED, "command": "/violet"}).encode(), FORM),
    "unknown type": (form({"type": "violet", "team": {"id": TYPED["team_id"]}}), FORM),
    "rate limited": (
        json.dumps({"type": "app_rate_limited", "team_id": TYPED["team_id"]}).encode(),
        JSON,
    ),
    "no state": (form({**PRESSED, "state": None}), FORM),
    "nothing to open a form with": (form({**PRESSED, "trigger_id": None}), FORM),
    "answer to nowhere": (form({**PRESSED, "response_url": "violet"}), FORM),
    "tokens of an organisation": (
        json.dumps({**NO_EVENT, "team_id": None, "event": {"type": "app_uninstalled"}}).encode(),
        JSON,
    ),
    "metadata of others": (
        json.dumps(
            {
                **NO_EVENT,
                "event": {
                    **told("message_metadata_posted")["event"],
                    "metadata": {"event_type": "imbalance_message", "event_payload": None},
                },
            }
        ).encode(),
        JSON,
    ),
}
