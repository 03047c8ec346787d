"""HTTP requests to the running bot, signed or not, and sample Slack payloads."""

import asyncio
import hashlib
import hmac
import io
import json
from typing import Any
from urllib.parse import quote_plus

from aiohttp import ClientSession
from prometheus_client import REGISTRY

from bot.clock import real_now
from bot.playground.server import FakeSlack
from tests.harness import BEN, LAUNCH, WORKSPACE, BotHarness

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def signed(body: bytes, offset: int = 0) -> dict[str, str]:
    """Return headers that sign these bytes with a timestamp `offset` seconds from now."""
    timestamp = str(int(real_now().timestamp()) + offset)
    base = b"v0:" + timestamp.encode() + b":" + body
    signature = hmac.new(FakeSlack.signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}


async def post(harness: BotHarness, body: bytes, headers: dict[str, str], kind: str = FORM) -> int:
    return (await post_and_read(harness, body, headers, kind))[0]


async def post_and_read(
    harness: BotHarness, body: bytes, headers: dict[str, str], kind: str = FORM
) -> tuple[int, str]:
    """Post the body; return the status and text of the response."""
    async with ClientSession() as session:
        url = str(harness.slack.request_url)
        content = {"Content-Type": kind} if kind else {}
        async with session.post(
            url, data=io.BytesIO(body), headers={**content, **headers}
        ) as answer:
            return answer.status, await answer.text()


async def post_signed(harness: BotHarness, body: bytes, kind: str = FORM) -> int:
    return await post(harness, body, signed(body), kind)


async def send_raw(harness: BotHarness, request: bytes) -> bytes:
    """Send these exact bytes; return the raw response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", harness.bot.http_port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def form(payload: Any) -> bytes:
    """Return the form body of an interaction."""
    return f"payload={quote_plus(json.dumps(payload))}".encode()


def refused_signature_count() -> float:
    return REGISTRY.get_sample_value("imbalance_refused_signatures_total") or 0.0


STATE = {
    "values": {
        "answer:r:clarity": {
            "rounds.level": {
                "type": "radio_buttons",
                "selected_option": {"text": {"type": "plain_text", "text": "4"}, "value": "4"},
            }
        },
        "answer:r:comment": {"rounds.words": {"type": "plain_text_input", "value": "words"}},
    }
}
VIEW: dict[str, Any] = {
    "id": "V1",
    "team_id": WORKSPACE,
    "type": "modal",
    "callback_id": "rounds.form",
    "private_metadata": "r",
    "hash": "1.a",
    "blocks": [{"type": "input", "block_id": "answer:r:comment"}],
    "state": STATE,
}
PRESSED: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": WORKSPACE, "domain": "play"},
    "user": {"id": BEN, "team_id": WORKSPACE},
    "container": {"type": "message", "channel_id": "D0BEN", "message_ts": "1763892000.000100"},
    "channel": {"id": "D0BEN"},
    "actions": [{"action_id": "rounds.tap.ego.4", "block_id": "b", "type": "button", "value": "r"}],
    "state": STATE,
    "trigger_id": "1.2.3",
}
PRESSED_IN_VIEW = {
    **{name: PRESSED[name] for name in ("type", "team", "user", "trigger_id")},
    "container": {"type": "view", "view_id": "V1"},
    "actions": [{"action_id": "home.tap.ego.4", "block_id": "b", "type": "button", "value": "r"}],
    "view": {**VIEW, "type": "home", "callback_id": ""},
}
SUBMITTED = {
    **{name: PRESSED[name] for name in ("team", "user", "trigger_id")},
    "type": "view_submission",
    "view": VIEW,
    "response_urls": [],
}
CLOSED = {**SUBMITTED, "type": "view_closed", "is_cleared": False}
TYPED = {
    "command": "/imbalance",
    "text": "status",
    "team_id": WORKSPACE,
    "user_id": BEN,
    "channel_id": LAUNCH,
    "trigger_id": "1.2.3",
}
_FIELDS: dict[str, Any] = {
    "app_home_opened": {"user": BEN, "tab": "home"},
    "app_uninstalled": {},
    "channel_id_changed": {"old_channel_id": "C0OLD", "new_channel_id": "C0NEW"},
    "channel_archive": {"channel": "C0GONE"},
    "channel_deleted": {"channel": "C0GONE"},
    "member_joined_channel": {"channel": "C0GONE", "user": BEN, "team": WORKSPACE},
    "message_metadata_posted": {
        "channel_id": LAUNCH,
        "message_ts": "1763892000.000100",
        "metadata": {"event_type": "imbalance_message", "event_payload": {"id": "0" * 32}},
    },
    "team_access_granted": {"team_ids": [WORKSPACE]},
    "team_access_revoked": {"team_ids": [WORKSPACE]},
    "tokens_revoked": {"tokens": {"oauth": [BEN], "bot": []}},
    "user_change": {"user": {"id": BEN, "profile": {"real_name": "Ben"}, "tz": "Europe/Lisbon"}},
}


def event_callback(kind: str, number: int = 1) -> dict[str, Any]:
    """Return an event with every field that its handler reads."""
    return {
        "type": "event_callback",
        "team_id": WORKSPACE,
        "event_id": f"Ev{kind[:20]}{number}",
        "event_time": 1763892000,
        "authorizations": [{"team_id": WORKSPACE, "user_id": "U0IMBAL", "is_bot": True}],
        "event": {"type": kind, **_FIELDS[kind]},
    }
