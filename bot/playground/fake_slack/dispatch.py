"""Delivery from Slack to the app: payloads that await a response, events that are retried."""

import asyncio
from typing import Protocol

from bot.playground.fake_slack.app_responses import NO_CONNECTION, NO_RESPONSE, AppResponse
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.in_flight import InFlight
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.signed_http import SignedHttp
from bot.playground.fake_slack.sockets import Sockets

ACK_SECONDS = 3.0
#: Waits before the first, second and third retry (docs.slack.dev/apis/events-api).
RETRY_AFTER = (0.0, 60.0, 300.0)


class Transport(Protocol):
    async def deliver(self, kind: str, payload: Json, attempt: int, reason: str) -> AppResponse: ...


class Dispatch:
    """Delivery by the transport in use, within Slack's deadlines (in real seconds)."""

    def __init__(self, work: InFlight, faults: Faults, sockets: Sockets, http: SignedHttp) -> None:
        self._work = work
        self._faults = faults
        self._sockets = sockets
        self._http = http
        self.ack_seconds = ACK_SECONDS
        self.retry_after: tuple[float, ...] = RETRY_AFTER
        self.problems: list[str] = []

    @property
    def _transport(self) -> Transport:
        return self._http if self._http.request_url else self._sockets

    async def request(self, kind: str, payload: Json) -> AppResponse:
        """Deliver a command or an interaction once, while a person waits for the response."""
        answer = await self._attempt(kind, payload, 0, "")
        if not answer.is_ack:
            name = payload.get("command") or payload.get("type")
            reason = answer.error or f"http {answer.status}"
            self.problems.append(f"{name}: not acknowledged ({reason})")
        return answer

    async def deliver_event(self, payload: Json) -> bool:
        """Deliver an event, with retries. Return whether it was acknowledged in the end."""
        if self._faults.duplicates():
            await self._attempt("events_api", payload, 0, "")
        reason = ""
        for attempt, wait in enumerate((0.0, *self.retry_after)):
            await asyncio.sleep(wait)
            answer = await self._attempt("events_api", payload, attempt, reason)
            if answer.is_ack:
                return True
            if answer.stop_retries or self._nobody_there:
                return False
            reason = "http_timeout" if answer is NO_RESPONSE else "http_error"
        self.problems.append(f"event {payload['event']['type']}: not acknowledged")
        return False

    @property
    def _nobody_there(self) -> bool:
        return not self._http.request_url and not self._sockets.ever_connected

    async def _attempt(self, kind: str, payload: Json, attempt: int, reason: str) -> AppResponse:
        name = payload.get("command") or payload.get("event", payload).get("type")
        with self._work.under_way(f"{kind} {name}"):
            try:
                async with asyncio.timeout(self.ack_seconds):
                    return await self._transport.deliver(kind, payload, attempt, reason)
            except TimeoutError:
                return NO_CONNECTION if self._nobody_there else NO_RESPONSE
