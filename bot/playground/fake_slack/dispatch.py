"""From Slack to the app: payloads that wait for an answer, events that are tried again."""

import asyncio
from typing import Protocol

from bot.playground.fake_slack.app_answers import NOBODY, SILENCE, Answer
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.in_flight import Work
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.signed_http import SignedHttp
from bot.playground.fake_slack.sockets import Sockets

ACK_SECONDS = 3.0
#: Before the first, second and third retry (docs.slack.dev/apis/events-api).
RETRY_AFTER = (0.0, 60.0, 300.0)


class Transport(Protocol):
    async def deliver(self, kind: str, payload: Json, attempt: int, reason: str) -> Answer: ...


class Dispatch:
    """Delivers payloads by the transport in use, within Slack's deadlines (real seconds)."""

    def __init__(self, work: Work, faults: Faults, sockets: Sockets, http: SignedHttp) -> None:
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

    async def ask(self, kind: str, payload: Json) -> Answer:
        """Deliver a command or an interaction: once, and a person waits for the answer."""
        answer = await self._attempt(kind, payload, 0, "")
        if not answer.is_ack:
            named = payload.get("command") or payload.get("type")
            why = answer.error or f"http {answer.status}"
            self.problems.append(f"{named}: not acknowledged ({why})")
        return answer

    async def tell(self, payload: Json) -> bool:
        """Deliver an event, again after failures. Returns whether it was acknowledged at last."""
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
            reason = "http_timeout" if answer is SILENCE else "http_error"
        self.problems.append(f"event {payload['event']['type']}: not acknowledged")
        return False

    @property
    def _nobody_there(self) -> bool:
        return not self._http.request_url and not self._sockets.ever_connected

    async def _attempt(self, kind: str, payload: Json, attempt: int, reason: str) -> Answer:
        named = payload.get("command") or payload.get("event", payload).get("type")
        with self._work.under_way(f"{kind} {named}"):
            try:
                async with asyncio.timeout(self.ack_seconds):
                    return await self._transport.deliver(kind, payload, attempt, reason)
            except TimeoutError:
                return NOBODY if self._nobody_there else SILENCE
