"""The Bolt app: authorization, ignored events, and how every error reaches the person."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import new_id
from bot.db.encrypted_columns import missing_key
from bot.log import log
from bot.metrics import failed_requests
from bot.slack.command import installed
from bot.slack.content import MAX_SECTION_LENGTH, content, section
from bot.slack.deadline_app import DeadlineApp, database_failure_text, is_retried
from bot.slack.errors import Refused, RefusedForNow
from bot.slack.mrkdwn import truncated
from bot.slack.payloads import COMMAND, is_event
from bot.slack.views import checked_payload, open_form, refusal_view, respond_to_url

Authorize = Callable[..., Awaitable[Any]]
Next = Callable[[], Awaitable[BoltResponse]]
#: Events about the bot itself that we act on; the others only echo what we did.
OWN_EVENTS = {"message_metadata_posted", "member_joined_channel", "member_left_channel"}
NOT_INSTALLED_TEXT = (
    "Only people from the workspace where I'm installed can use this, so nothing was changed. Ask "
    "one of them."
)
INTERNAL_ERROR_TEXT = "Something went wrong on our side, and nothing was changed. Try again."
TEXT_UNREADABLE_TEXT = (
    "The key that protects what was written here is missing on the bot's server, so nothing was "
    "changed. Tell whoever runs the bot."
)


def build_bolt_app(client: AsyncWebClient, authorize: Authorize) -> AsyncApp:
    """Build the Bolt app, without listeners.

    Requests are verified before they get here (`bot.slack.http`): Bolt would parse them first, and
    log those it refuses.

    It acknowledges after the listener's work (`process_before_response`), so work answered with 200
    is committed; and it lets our own metadata events through, which Bolt drops by default.
    """
    app = DeadlineApp(
        report_error=report_error,
        client=_without_token(client),  # each request gets its token from authorization
        authorize=_refusing_strangers(authorize),
        process_before_response=True,
        ignoring_self_events_enabled=False,
        request_verification_enabled=False,
    )

    app.use(_BindLogContext())
    app.use(_IgnoreOwnEvents())
    app.error(report_error)
    return app


class NotInstalled(Refused):
    """Raised for a request from a workspace in which the bot is not installed."""


def _refusing_strangers(authorize: Authorize) -> Authorize:
    """Refuse other workspaces in words of ours: Bolt asks them to install the app again.

    In a channel shared with another organisation, Slack may give the workspace of whoever presses a
    button instead of ours (https://github.com/slackapi/bolt-python/issues/767).
    """

    async def authorize_or_refuse(team_id: str | None, context: AsyncBoltContext) -> Any:
        authorized = await authorize(team_id=team_id, context=context)
        if authorized is None:
            raise NotInstalled(NOT_INSTALLED_TEXT)
        return authorized

    return authorize_or_refuse


class _BindLogContext(AsyncMiddleware):
    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Next
    ) -> BoltResponse | None:
        fields = {"request": new_id()[:12], "workspace": req.context.team_id}
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**fields)
        return await next()


class _IgnoreOwnEvents(AsyncMiddleware):
    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Next
    ) -> BoltResponse | None:
        event = req.body["event"] if is_event(req.body) else {}
        is_ours = event.get("user") == req.context.bot_user_id and event.get("user") is not None
        if is_ours and event["type"] not in OWN_EVENTS:
            return BoltResponse(status=200, body="")
        return await next()


def _without_token(client: AsyncWebClient) -> AsyncWebClient:
    return AsyncWebClient(
        base_url=client.base_url,
        timeout=client.timeout,
        session=client.session,
        retry_handlers=[],
    )


async def report_error(
    error: Exception, body: dict[str, Any], client: AsyncWebClient
) -> BoltResponse | None:
    """Show a refusal, or that something failed, where the person acted.

    An event has no such place: it is acknowledged if it was refused; if something failed, it gets
    500, and Slack sends it again.
    """
    if is_retried(error):
        return None
    refusal = error if isinstance(error, Refused) else _failed(error, body)
    if is_event(body):
        if isinstance(error, NotInstalled):
            return _ignored_event()
        is_final = refusal is error and not isinstance(error, RefusedForNow)
        return _json_response({}) if is_final else None
    if "command" in body:
        return _json_response(
            {"response_type": "ephemeral", "text": installed.in_text(refusal.text)}
        )
    if body.get("type") == "view_submission":
        return _json_response(_form_response(body["view"], refusal))
    if body.get("type") != "view_closed":
        await _show_beside_button(client, body, refusal)
    return _json_response({})


def _ignored_event() -> BoltResponse:
    """Acknowledge an event of another workspace: sent again, it would concern us no more."""
    log.warning("event_of_another_workspace")
    return BoltResponse(status=200, body="")


def _failed(error: Exception, body: Mapping[str, Any]) -> Refused:
    failed_requests.labels(kind=str(body.get("type", COMMAND))).inc()
    sentence = database_failure_text(error)
    if (key_id := missing_key(error)) is not None:
        log.error("text_key_missing", keys=[key_id])
        sentence = TEXT_UNREADABLE_TEXT
    if sentence is None:
        log.error("request_failed", exc_info=error)
    return Refused(sentence or INTERNAL_ERROR_TEXT)


def _json_response(body: Mapping[str, Any]) -> BoltResponse:
    headers: dict[str, str | Sequence[str]] = {"content-type": "application/json; charset=utf-8"}
    return BoltResponse(status=200, body=json.dumps(body) if body else "", headers=headers)


def _form_response(view: Mapping[str, Any], refusal: Refused) -> dict[str, Any]:
    inputs = [
        block["block_id"]
        for block in view["blocks"]
        if block["type"] == "input" and block.get("block_id")
    ]
    fields = {name: text for name, text in refusal.fields.items() if name in inputs}
    if inputs:  # the form stays open, so nothing typed is lost
        errors = fields or {inputs[0]: refusal.text}
        named = {name: installed.in_text(text) for name, text in errors.items()}
        return {"response_action": "errors", "errors": named}
    return {"response_action": "update", "view": checked_payload(refusal_view(refusal))}


async def _show_beside_button(
    client: AsyncWebClient, body: Mapping[str, Any], refusal: Refused
) -> None:
    if body.get("response_url"):
        message = content(refusal.text, section(truncated(refusal.text, MAX_SECTION_LENGTH)))
        if await respond_to_url(client, body, message, replace=False):
            return
    try:
        await open_form(client, body, refusal_view(refusal))
    except Refused:
        log.warning("refusal_not_shown")
