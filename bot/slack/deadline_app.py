"""A Bolt app that answers people in time, whatever the database does."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import jittered, monotonic
from bot.db.db_errors import FailureKind, failure_kind, is_retryable
from bot.db.request_deadline import DeadlineExceeded, current, run_with_deadline
from bot.log import log
from bot.metrics import publish_in_batches, request_seconds
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.payloads import bolt_request, is_event

#: Slack waits 3 s (https://docs.slack.dev/interactivity/handling-user-interaction); the rest is for
#: the round trip, and for showing an error beside a button.
RESPONSE_DEADLINE_SECONDS = 2.4
RETRY_PAUSE_SECONDS = 0.1
#: Whose requests are timed, in the metrics.
REQUEST_KINDS = EVENT, PERSON = ("event", "person")

STORAGE_UNAVAILABLE_TEXT = (
    "I can't reach my storage right now, so nothing was saved or changed. Try again in a minute."
)
STORAGE_FULL_TEXT = (
    "My storage is full, so nothing was saved or changed. Tell whoever runs this bot, and try "
    "again later."
)
OUTCOME_UNKNOWN_TEXT = (
    "I can't tell whether that was saved, because my storage stopped answering halfway. Try again "
    "in a minute; doing it twice does no harm."
)
#: Slack asks for the options of a menu; we have no such menus.
_SUGGESTIONS = {"block_suggestion", "dialog_suggestion"}

ReportError = Callable[[Exception, dict[str, Any], AsyncWebClient], Awaitable[BoltResponse | None]]


class DeadlineApp(AsyncApp):
    """A Bolt app that answers whoever typed or pressed within `PATIENCE_SECONDS` of database time.

    A request that met a conflict, or a connection just lost, is retried from the start if nothing
    of it was committed. Nobody waits for events: they fail with 500, and Slack sends them again.
    """

    def __init__(self, *, report_error: ReportError, **options: Any) -> None:
        super().__init__(**options)
        self._report = report_error

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        kind = EVENT if is_event(req.body) else PERSON
        began = monotonic()
        try:
            return await self._dispatch_in_time(req)
        finally:
            seconds = request_seconds.labels(kind)
            publish_in_batches(kind, partial(seconds.observe, monotonic() - began))

    async def _dispatch_in_time(self, req: AsyncBoltRequest) -> BoltResponse:
        if is_event(req.body):
            return await super().async_dispatch(req)
        try:
            return await run_with_deadline(
                RESPONSE_DEADLINE_SECONDS, self._dispatch_with_retries(req)
            )
        except DeadlineExceeded as late:
            client = req.context.client
            assert client is not None  # set by Bolt before anything else
            return await self._report(late, req.body, client) or BoltResponse(status=503)

    async def _dispatch_with_retries(self, req: AsyncBoltRequest) -> BoltResponse:
        progress = current()
        response = await super().async_dispatch(req)
        while progress.retry_requested:
            progress.retry_requested = False
            await asyncio.sleep(jittered(RETRY_PAUSE_SECONDS))
            response = await super().async_dispatch(_fresh_request(req))
        return response

    def _handle_unmatched_requests(self, req: AsyncBoltRequest, resp: BoltResponse) -> BoltResponse:
        """Answer what has no listener: Bolt would answer 404, and log parts of the payload.

        Raises:
            Refused: somebody waits who used a button, form or shortcut that we do not know.
        """
        log.warning("request_not_handled", kind=req.body.get("type", "command"))
        if req.body.get("type") in _SUGGESTIONS:
            return BoltResponse(status=200, body={"options": []})
        if req.body.get("trigger_id") or req.body.get("response_url"):
            raise Refused(UNKNOWN_TEXT)
        return BoltResponse(status=200, body="")


def _fresh_request(req: AsyncBoltRequest) -> AsyncBoltRequest:
    """Return the request as it came, without the state that the first try left in it."""
    return bolt_request(
        req.body, mode=req.mode, raw_body=req.raw_body, query=req.query, headers=req.headers
    )


def is_retried(error: Exception) -> bool:
    """Return whether this request is retried, so that there is nothing to report yet."""
    return is_retryable(error) and current().may_begin_again()


def database_failure_text(error: Exception) -> str | None:
    """Return the sentence for a database failure, or None if the error is about something else."""
    if isinstance(error, DeadlineExceeded):
        return OUTCOME_UNKNOWN_TEXT if error.unsure else STORAGE_UNAVAILABLE_TEXT
    kind = failure_kind(error)
    if kind is None:
        return None
    if current().may_be_committed:
        return OUTCOME_UNKNOWN_TEXT
    return STORAGE_FULL_TEXT if kind is FailureKind.FULL else STORAGE_UNAVAILABLE_TEXT
