"""Opening and changing forms for a person who is waiting: two seconds, no retry.

A trigger expires after three seconds
(https://docs.slack.dev/interactivity/handling-user-interaction), so a form is built from data
already read, and a failure is reported to the person instead of retried.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError, SlackObjectFormationError
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.log import log
from bot.metrics import failed_requests
from bot.slack.command import installed
from bot.slack.content import MAX_SECTION_LENGTH, Content, plain, section
from bot.slack.errors import Refused, reason_of
from bot.slack.mrkdwn import truncated
from bot.slack.view_rules import broken_rules

CALL_TIMEOUT_SECONDS = 2
#: Slack's hosts for a response_url; the second one is of GovSlack.
RESPONSE_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
NO_TRIGGER_TEXT = (
    "Slack didn't say who pressed this, so I can't open a form from here. Use `/imbalance` "
    "in the channel."
)
NO_ANSWER_TEXT = "Slack didn't answer in time, so the form may not have opened. Try again."
EXPIRED_TEXT = "Slack stopped waiting before I could show the form. Try again."
CONFLICT_TEXT = (
    "The form had already changed when you pressed, so I left it as it is. What you typed is kept. "
    "Press again if something is missing."
)
CLOSED_TEXT = "The form was closed before I could change it. What you typed is kept: open it again."
LIMITED_TEXT = "Slack limits how many forms I may open at once. Try again in a minute."
TOO_MANY_FORMS_TEXT = "Slack can't open another form on top of this one. Close this one first."
NOT_SHOWN_TEXT = (
    "Slack didn't show the form ({reason}). Try again. If that doesn't help, tell whoever runs "
    "this bot."
)
#: Slack's refusals of a view that is valid.
_SENTENCES = {
    **dict.fromkeys(("expired_trigger_id", "exchanged_trigger_id"), EXPIRED_TEXT),
    **dict.fromkeys(("invalid_trigger_id", "trigger_expired", "trigger_exchanged"), EXPIRED_TEXT),
    "not_found": CLOSED_TEXT,
    "push_limit_reached": TOO_MANY_FORMS_TEXT,
    **dict.fromkeys(("ratelimited", "rate_limited"), LIMITED_TEXT),
}
INVALID_VIEW_TEXT = (
    "I can't show the next page, because Slack didn't accept it. That's a mistake on our side, and "
    "it's logged. What you typed is kept. Try again with shorter texts, or tell whoever runs this "
    "bot."
)
#: Slack's errors name the places in a view that are wrong, beside the reason.
_POINTER = re.compile(r"\[json-pointer:(/view/[\w/]*)\]")
#: The kind of a failed request whose answer Slack would not show, in the metrics.
INVALID_VIEW = "invalid_view"


class InvalidView(Refused):
    """Raised for a view that Slack would refuse, or has refused."""

    title = "Not shown"


class FormChanged(Refused):
    """Raised if the form shows something else by now than where it was pressed."""


def checked_payload(view: View) -> dict[str, Any]:
    """Return the view as it is sent. Every view that is sent must pass this check.

    If a view that answers a submission is invalid, Slack tells nobody, so it must not be sent.

    Raises:
        InvalidView: it breaks a rule of Slack's.
    """
    try:
        as_sent: dict[str, Any] = installed.in_blocks(view.to_dict())
    except SlackObjectFormationError as error:
        raise _not_showable(view, [str(error)]) from None
    rules = broken_rules(as_sent)
    if rules:
        raise _not_showable(view, rules)
    return as_sent


async def show_next(ack: AsyncAck, view: View) -> None:
    """Answer a submission with the view that replaces the form.

    Raises:
        InvalidView: it breaks a rule of Slack's.
    """
    await ack(response_action="update", view=checked_payload(view))


async def open_form(
    client: AsyncWebClient, body: Mapping[str, Any], view: View
) -> Mapping[str, Any]:
    """Show a form to whoever typed or pressed; on top of the form it was pressed in, if any.

    Return the view as it is now shown, for `update_form`.

    Raises:
        Refused: Slack did not show it.
    """
    is_pressed_in_form = (body.get("view") or {}).get("type") == "modal"
    show = client.views_push if is_pressed_in_form else client.views_open
    trigger_id = body.get("trigger_id")
    if not trigger_id:  # pressed in a message that a workflow step posted
        raise Refused(NO_TRIGGER_TEXT)
    answer = await _await_shown(view, show(trigger_id=trigger_id, view=checked_payload(view)))
    return answer.get("view") or {}


async def update_form(client: AsyncWebClient, shown: Mapping[str, Any], view: View) -> None:
    """Replace the open form, last shown as `shown`; typed values are kept by block id.

    Raises:
        FormChanged: it shows something else by now.
        Refused: Slack did not change it.
    """
    payload, shown_hash = checked_payload(view), shown.get("hash")
    await _await_shown(
        view, client.views_update(view_id=shown["id"], hash=shown_hash, view=payload)
    )


def _is_of_slack(url: str, base_url: str) -> bool:
    """Return whether a response_url is Slack's, or of the server that stands in for its Web API."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        if parts.username is not None or parts.password is not None:
            return False
        if (parts.scheme, parts.hostname, parts.port) == (base.scheme, base.hostname, base.port):
            return True
        return (parts.scheme, parts.port) == ("https", None) and parts.hostname in RESPONSE_HOSTS
    except ValueError:
        return False


async def respond_to_url(
    client: AsyncWebClient,
    body: Mapping[str, Any],
    message: Content,
    *,
    replace: bool,
    thread_ts: str | None = None,
    in_channel: bool = False,
) -> bool:
    """Answer through the response_url: replace the message pressed in, or add an ephemeral one.

    With `thread_ts` the new message stands in that thread, with `in_channel` everybody sees it.

    This uses the client's session, but not slack_sdk's webhook client: creating one for each
    address took a tenth of the total processor time of an answer. Return whether Slack took it; the
    caller has another way to show what must be seen.
    """
    assert client.session is not None  # ours always have one
    answer = {
        "text": message.text,
        "blocks": message.blocks,
        "replace_original": replace,
        **({"thread_ts": thread_ts} if thread_ts else {}),
        **({"response_type": "in_channel"} if in_channel else {}),
    }
    url = body.get("response_url")
    if not url or not _is_of_slack(url, client.base_url):
        log.warning("response_url_failed", reason="not Slack's" if url else "none")
        return False
    try:
        async with (
            asyncio.timeout(CALL_TIMEOUT_SECONDS),
            client.session.post(url, json=answer, allow_redirects=False) as response,
        ):
            status = response.status
    except (ClientError, TimeoutError, OSError) as error:
        log.warning("response_url_failed", reason=type(error).__name__)
        return False
    if status != 200:
        log.warning("response_url_failed", reason=f"http {status}")
    return status == 200


def notice_view(title: str, text: str, *, closes_all: bool = False) -> View:
    """Return a form that only shows a message.

    With `closes_all`, closing it closes the forms beneath it as well: what they offer is done.
    """
    return View(
        type="modal",
        title=plain(title),
        close=plain("Close"),
        clear_on_close=closes_all or None,
        blocks=[section(truncated(text, MAX_SECTION_LENGTH))],
    )


def refusal_view(refusal: Refused) -> View:
    """Return a view that replaces a form by a refusal."""
    return notice_view(refusal.title, refusal.text)


async def _await_shown(view: View, call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    try:
        async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
            return await call
    except SlackApiError as error:
        if places := _POINTER.findall(str(error)):
            raise _not_showable(view, places) from error
        log.warning("view_not_shown", reason=reason_of(error))
        raise _refusal(error) from error
    except (ClientError, TimeoutError) as error:
        log.warning("view_not_shown", reason=type(error).__name__)
        raise Refused(NO_ANSWER_TEXT) from error


def _refusal(error: SlackApiError) -> Refused:
    """Return what is true after Slack's refusal. What was done before showing it stays done."""
    reason = reason_of(error)
    if reason == "hash_conflict":
        return FormChanged(CONFLICT_TEXT)
    # https://github.com/slackapi/bolt-python/issues/434
    if reason == "invalid_arguments" and "trigger_id" in str(error):
        return Refused(EXPIRED_TEXT)
    return Refused(_SENTENCES.get(reason) or NOT_SHOWN_TEXT.format(reason=reason))


def _not_showable(view: View, rules: Sequence[str]) -> InvalidView:
    failed_requests.labels(INVALID_VIEW).inc()
    log.error("view_invalid", callback_id=view.callback_id, rules=list(rules))
    return InvalidView(INVALID_VIEW_TEXT)
