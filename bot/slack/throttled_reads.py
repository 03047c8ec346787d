"""Reads from Slack's Web API that respect `Retry-After` across all processes.

A limit holds for one method in one workspace and is stored in the database; other methods go on.
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
from bot.db.upserts import put
from bot.metrics import rate_limited
from bot.slack.errors import verdict

#: For so long (real time) a workspace without limits is taken to have none. A form asks about a
#: dozen people at once; another process's new limit is respected a moment later.
UNLIMITED_FOR = timedelta(seconds=5)

_waits = schema.rate_limit_waits


class ThrottledReads:
    """Calls that change nothing, made only when Slack allows them. Never inside a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._unlimited_until: dict[str, datetime] = {}  # by workspace

    async def read(
        self,
        workspace_id: str,
        call: Callable[..., Awaitable[AsyncSlackResponse]],
        **arguments: Any,
    ) -> AsyncSlackResponse:
        """The answer to the call.

        Raises:
            SlackApiError: Slack's own; also one with the seconds that are left while Slack wants
                this method not to be called.
        """
        method = call.__name__
        until = (await self._limits(workspace_id)).get(method)
        left = (until - real_now()).total_seconds() if until else 0
        if left > 0:
            raise SlackApiError("Slack asked to wait", _refusal(method, left))  # type: ignore[no-untyped-call]
        try:
            return await call(**arguments)
        except SlackApiError as error:
            seconds = verdict(error).retry_after
            if seconds is not None:
                rate_limited.labels(method.replace("_", ".", 1)).inc()
                await self._store_limit(workspace_id, method, seconds)
            raise

    async def _limits(self, workspace_id: str) -> Mapping[str, datetime]:
        """Until when each method is limited; empty where none is known to be."""
        now = real_now()
        if self._unlimited_until.get(workspace_id, now) > now:
            return {}
        mine = select(_waits.c.method, _waits.c.until).where(_waits.c.workspace_id == workspace_id)
        async with self._db.reading() as reader:
            found = {row.method: row.until for row in await reader.execute(mine)}
        if not found:
            self._unlimited_until[workspace_id] = now + UNLIMITED_FOR
        return found

    async def _store_limit(self, workspace_id: str, method: str, seconds: float) -> None:
        self._unlimited_until.pop(workspace_id, None)
        key = {"workspace_id": workspace_id, "method": method}
        async with self._db.transaction() as tx:
            await put(tx, _waits, key, until=real_now() + timedelta(seconds=seconds))


def _refusal(method: str, seconds: float) -> AsyncSlackResponse:
    """As Slack would say it."""
    return AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url=method,
        req_args={},
        data={"ok": False, "error": "ratelimited"},
        headers={"Retry-After": str(math.ceil(seconds))},
        status_code=429,
    )
