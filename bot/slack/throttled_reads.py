"""Asking Slack. Where it says when to ask again, no process asks before.

That holds for one method in one workspace, and is kept in the database: others go on.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
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

_waits = schema.slack_waits


async def read(
    db: Database,
    workspace_id: str,
    call: Callable[..., Awaitable[AsyncSlackResponse]],
    **arguments: Any,
) -> AsyncSlackResponse:
    """The answer to a call that changes nothing. Never inside a transaction.

    Raises:
        SlackApiError: Slack's; also while it wants to be left alone with this method, with the
            seconds that are left of it.
    """
    method = call.__name__
    key = {"workspace_id": workspace_id, "method": method}
    async with db.reading() as reader:
        until = await reader.scalar(select(_waits.c.until).filter_by(**key))
    left = (until - real_now()).total_seconds() if until else 0
    if left > 0:
        raise SlackApiError("Slack asked to wait", _refusal(method, left))  # type: ignore[no-untyped-call]
    try:
        return await call(**arguments)
    except SlackApiError as error:
        seconds = verdict(error).retry_after
        if seconds is not None:
            rate_limited.labels(method.replace("_", ".", 1)).inc()
            async with db.transaction() as tx:
                await put(tx, _waits, key, until=real_now() + timedelta(seconds=seconds))
        raise


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
