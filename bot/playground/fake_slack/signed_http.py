"""Delivery by signed HTTP requests to the app's request URL, instead of Socket Mode.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.playground.fake_slack.app_responses import NO_CONNECTION, AppResponse
from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.model import Json

MOST_REDIRECTS = 2
_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return Slack's signature of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class SignedHttp:
    """Posts payloads as Slack does. Timestamps are real time, which the app compares them with."""

    def __init__(
        self, ids: Ids, secret: str, outward: Callable[[str], str] = lambda text: text
    ) -> None:
        """`outward` changes what the app is to see otherwise, before it is signed."""
        self._ids = ids
        self._outward = outward
        self._secret = secret
        self._session: ClientSession | None = None
        self.request_url: str | None = None

    async def deliver(self, kind: str, payload: Json, attempt: int, reason: str) -> AppResponse:
        """Post a payload and read the response, for as long as the caller allows."""
        encoded, content_type = _encoded(kind, payload)
        body = self._outward(encoded).encode()
        headers = self.headers(body, content_type)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        try:
            return await self.post(body, headers)
        except (ClientError, ConnectionError):
            return NO_CONNECTION

    def headers(self, body: bytes, content_type: str = _FORM) -> dict[str, str]:
        timestamp = str(int(time.time()))
        return {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }

    async def post(self, body: bytes, headers: dict[str, str]) -> AppResponse:
        """Post raw bytes; with custom headers it can simulate a forged request."""
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=None))
        async with self._session.post(
            str(self.request_url), data=body, headers=headers, max_redirects=MOST_REDIRECTS
        ) as response:
            text = await response.text()
            return AppResponse(
                status=response.status,
                body=_decoded(text),
                stop_retries=response.headers.get("X-Slack-No-Retry") == "1",
            )

    async def verify_url(self) -> bool:
        """Return whether the request URL responds to Slack's challenge."""
        challenge = self._ids.secret()
        payload = {"type": "url_verification", "token": "playground", "challenge": challenge}
        answer = await self.deliver("events_api", payload, 0, "")
        return challenge in (answer.body.get("challenge"), answer.body.get("text"))

    async def check_certificate(self) -> AppResponse:
        """Post the form with which Slack checks a certificate: without any signature."""
        return await self.post(b"ssl_check=1&token=playground", {"Content-Type": _FORM})

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _encoded(kind: str, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    if kind == "slash_commands":
        return urlencode(payload), _FORM
    return urlencode({"payload": json.dumps(payload)}), _FORM


def _decoded(text: str) -> Json:
    """Parse a JSON message, or wrap plain text in one."""
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"text": text}
