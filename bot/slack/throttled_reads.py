"""Reads from Slack's Web API that respect `Retry-After` across all processes.

A rate limit applies to one method in one workspace and is stored in the database; other methods are
not affected.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy import select

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import upsert
from bot.metrics import rate_limited
from bot.slack.errors import classify

#: Real time for which a workspace without limits is assumed to have none. A form looks up about a
#: dozen people at once; another process's new limit is respected a moment later.
NO_LIMIT_CACHE_TIME = timedelta(seconds=5)

_waits = schema.rate_limit_waits


class ThrottledReads:
    """Read-only calls, made only when Slack allows them. Never inside a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._unlimited_until: dict[str, datetime] = {}  # by workspace

    async def read(
        self,
        workspace_id: str,
        call: Callable[..., Awaitable[AsyncSlackResponse]],
        **arguments: Any,
    ) -> AsyncSlackResponse:
        """Return the answer to the call.

        Raises:
            SlackApiError: Slack's own, or one with the seconds left while the method is limited.
        """
        method = call.__name__
        until = (await self._limits(workspace_id)).get(method)
        remaining = (until - real_now()).total_seconds() if until else 0
        if remaining > 0:
            raise SlackApiError("Slack asked to wait", _rate_limited_response(method, remaining))  # type: ignore[no-untyped-call]
        try:
            return await call(**arguments)
        except SlackApiError as error:
            seconds = classify(error).retry_after
            if seconds is not None:
                rate_limited.labels(method.replace("_", ".", 1)).inc()
                await self._store_limit(workspace_id, method, seconds)
            raise

    async def _limits(self, workspace_id: str) -> Mapping[str, datetime]:
        """Return until when each method is limited; empty if none is known to be."""
        now = real_now()
        if self._unlimited_until.get(workspace_id, now) > now:
            return {}
        query = select(_waits.c.method, _waits.c.until).where(_waits.c.workspace_id == workspace_id)
        async with self._db.reading() as reader:
            limits = {row.method: row.until for row in await reader.execute(query)}
        if not limits:
            self._unlimited_until[workspace_id] = now + NO_LIMIT_CACHE_TIME
        return limits

    async def _store_limit(self, workspace_id: str, method: str, seconds: float) -> None:
        self._unlimited_until.pop(workspace_id, None)
        key = {"workspace_id": workspace_id, "method": method}
        async with self._db.transaction() as tx:
            await upsert(tx, _waits, key, until=real_now() + timedelta(seconds=seconds))


def _rate_limited_response(method: str, seconds: float) -> AsyncSlackResponse:
    """Return the response that Slack would give."""
    return AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url=method,
        req_args={},
        data={"ok": False, "error": "ratelimited"},
        headers={"Retry-After": str(math.ceil(seconds))},
        status_code=429,
    )
