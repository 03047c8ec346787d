"""Opening and changing a form for a person who is waiting: two seconds, no retry.

A trigger lives three seconds (https://docs.slack.dev/interactivity/handling-user-interaction), so
a form is shown from facts already read, and a failure is a sentence instead of a second try.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.log import log
from bot.slack.content import Content, plain, section
from bot.slack.errors import Refused

PATIENCE_SECONDS = 2
NOT_SHOWN = "Slack did not show the form in time. Nothing was changed. Use the same command again."


async def open_form(
    client: AsyncWebClient, body: Mapping[str, Any], view: View
) -> Mapping[str, Any]:
    """Show a form to who typed or pressed; on top of the form it was pressed in, if any.

    Returns it as it is shown now, for `change_form`.

    Raises:
        Refused: Slack did not show it.
    """
    is_pressed_in_form = (body.get("view") or {}).get("type") == "modal"
    show = client.views_push if is_pressed_in_form else client.views_open
    trigger_id = body.get("trigger_id")
    if not trigger_id:  # pressed in a message that a workflow step posted
        raise Refused(NOT_SHOWN)
    answer = await _shown(show(trigger_id=trigger_id, view=view.to_dict()))
    return answer.get("view") or {}


async def change_form(client: AsyncWebClient, shown: Mapping[str, Any], view: View) -> None:
    """Replace the open form that was last `shown` so; typed values stay by block id.

    Raises:
        Refused: Slack did not change it, or it shows something else by now.
    """
    await _shown(
        client.views_update(view_id=shown["id"], hash=shown.get("hash"), view=view.to_dict())
    )


async def answer_message(
    client: AsyncWebClient, body: Mapping[str, Any], message: Content, *, replace: bool
) -> bool:
    """Answer through the response_url: replace the message pressed in, or add an ephemeral one.

    By the client's connections and proxy, but not by slack_sdk's webhook client: making one for
    each address took a tenth of the processor time that an answer needs in all. Returns whether
    Slack took it; the caller has another way for what must be seen.
    """
    assert client.session is not None  # ours are made with one
    answer = {"text": message.text, "blocks": message.blocks, "replace_original": replace}
    proxy, ssl = client.proxy, client.ssl or True
    url = body.get("response_url")
    if not url:
        log.warning("response_url_failed", reason="none")
        return False
    try:
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            client.session.post(url, json=answer, proxy=proxy, ssl=ssl) as took,
        ):
            status = took.status
    except (ClientError, TimeoutError, OSError) as error:
        log.warning("response_url_failed", reason=type(error).__name__)
        return False
    if status != 200:
        log.warning("response_url_failed", reason=f"http {status}")
    return status == 200


def notice(title: str, text: str) -> View:
    """A form that only says something."""
    return View(type="modal", title=plain(title), close=plain("Close"), blocks=[section(text)])


def not_done(refusal: Refused) -> View:
    """A refusal that takes a form's place."""
    return notice("Not done", refusal.text)


async def _shown(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await call
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("view_not_shown", reason=type(error).__name__)
        raise Refused(NOT_SHOWN) from error
