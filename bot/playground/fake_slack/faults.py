"""Injectable faults."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from bot.playground.fake_slack.model import Json

if TYPE_CHECKING:
    from bot.playground.fake_slack.sockets import Sockets


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault for one call."""

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    after_accept: bool = False  # Slack carries out the call, and then fails to respond
    hang: float = 0.0  # real seconds
    drop: bool = False  # the connection is cut
    raw: str | None = None  # the body of a proxy or a broken server, instead of JSON
    content_type: str = "application/json"

    @property
    def replaces_answer(self) -> bool:
        return not (self.status is None and self.error is None and self.raw is None)

    @property
    def answer_status(self) -> int:
        return self.status or 200

    @property
    def body(self) -> Json:
        named = "ratelimited" if self.status == 429 else "fatal_error"
        return {"ok": False, "error": self.error or named}

    @property
    def headers(self) -> dict[str, str]:
        if self.status != 429:
            return {}
        return {"Retry-After": f"{1 if self.retry_after is None else self.retry_after:g}"}

    @property
    def answer(self) -> web.Response:
        return web.Response(
            text=json.dumps(self.body) if self.raw is None else self.raw,
            status=self.answer_status,
            content_type=self.content_type,
            headers=self.headers,
        )


class Faults:
    """The switches, all off at first."""

    def __init__(self) -> None:
        self._next: dict[str, deque[Fault]] = defaultdict(deque)
        self._lose_acks = 0
        self._duplicates = 0
        self.stopping = asyncio.Event()
        self.rate_limits = False  # Slack's real limits
        self.slow_history = False  # 1 request a minute and 15 messages (unlisted apps)
        self.silent_sockets = False  # pings are not answered
        self.latency = 0.0  # real seconds added to every Web API call
        self.outsiders_own_team = False  # payloads of outsiders name their workspace, not ours
        self.unprocessed_files = 0  # how often a picture is refused as not ready
        self.sockets: Sockets | None = None

    def fail_next(
        self,
        method: str,
        *,
        status: int | None = None,
        error: str | None = None,
        times: int = 1,
        retry_after: float | None = None,
        after_accept: bool = False,
        hang: float = 0.0,
        drop: bool = False,
        raw: str | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Make the next calls of a method fail; "*" is any method, and "response_url" is allowed.

        `after_accept` carries out the call first, which the app cannot know. `hang` waits real
        seconds before responding (normally, if there is no other fault). `drop` cuts the
        connection. `raw` is the whole body instead of Slack's JSON, with the content type
        `content_type`.
        """
        fault = Fault(
            status=status,
            error=error,
            retry_after=retry_after,
            after_accept=after_accept,
            hang=hang,
            drop=drop,
            raw=raw,
            content_type=content_type,
        )
        self._next[method].extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call, if there is one."""
        for name in (method, "*"):
            if self._next[name]:
                return self._next[name].popleft()
        return None

    async def carry_out(
        self,
        fault: Fault,
        request: web.Request,
        answer: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Respond to a request with this fault; `answer` produces the normal response."""
        goes_well = not fault.replaces_answer and not fault.drop
        response = await answer() if fault.after_accept else None
        await self.wait(fault.hang)
        if goes_well:
            return response or await answer()
        if fault.drop and request.transport is not None:
            request.transport.abort()
        return fault.answer

    async def wait(self, seconds: float) -> None:
        """Wait, but no longer than the server runs."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self.stopping.wait(), seconds)
            except TimeoutError:
                return

    def lose_acks(self, times: int = 1) -> None:
        """Behave as if the next acknowledgements over a socket were lost."""
        self._lose_acks += times

    def loses_ack(self) -> bool:
        lost = self._lose_acks > 0
        self._lose_acks -= lost
        return lost

    def duplicate_events(self, times: int = 1) -> None:
        """Deliver the next events twice, with the same event_id."""
        self._duplicates += times

    def duplicates(self) -> bool:
        twice = self._duplicates > 0
        self._duplicates -= twice
        return twice

    def refresh_sockets(self) -> asyncio.Task[None] | None:
        """Ask the app to reconnect, as Slack does every few hours."""
        if self.sockets is None:
            return None
        return asyncio.get_running_loop().create_task(self.sockets.refresh())

    def cut_sockets(self) -> None:
        """Close all of the app's connections without a disconnect message."""
        if self.sockets is not None:
            self.sockets.cut()

    def clear(self) -> None:
        self._next.clear()
        self._lose_acks = self._duplicates = self.unprocessed_files = 0
        self.rate_limits = self.slow_history = False
        self.silent_sockets = self.outsiders_own_team = False
        self.latency = 0.0
