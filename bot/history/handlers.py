"""Slack handlers for `/imbalance history` and *History*, and for the buttons on its pages."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.models.views import View

from bot.history import history_page, lifecycle
from bot.history.model import PageTarget
from bot.history.rules import newer_page, older_page
from bot.phases.permissions import require_channel
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, require_no_arguments
from bot.slack.request import Body, Request, as_listener, form_of
from bot.slack.views import FormChanged, open_form, update_form


def register(app: AsyncApp, services: Services) -> None:
    app.command(ANY, matchers=[is_subcommand("history")])(as_listener(services, type_history))
    app.action(history_page.HISTORY)(as_listener(services, press_history))
    app.action(history_page.OLDER)(as_listener(services, turn_page, older_page))
    app.action(history_page.NEWER)(as_listener(services, turn_page, newer_page))
    app.action(history_page.PICTURE)(as_listener(services, send_picture))


async def type_history(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_channel(request)
    require_no_arguments(body)
    await _open(services, request, body, request.channel_id or "")
    await ack()


async def press_history(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *History* in App Home and on the status card; the button carries the channel."""
    await _open(services, request, body, request.target_id)
    await ack()


async def turn_page(
    services: Services, turn: Callable[[int], int], request: Request, ack: AsyncAck, body: Body
) -> None:
    target = history_page.read_metadata(request.target_id)
    target = replace(target, newer=turn(target.newer))
    page = await lifecycle.history_of(services, request, target)
    await _replace(services, request, body, page)
    await ack()


async def send_picture(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    page = await lifecycle.send_picture(services, request, view_id=form_of(body)["id"])
    await _replace(services, request, body, page)
    await ack()


async def _open(services: Services, request: Request, body: Body, channel_id: str) -> None:
    page = await lifecycle.history_of(services, request, PageTarget(channel_id=channel_id))
    await open_form(services.client_for(request.workspace_id), body, page)


async def _replace(services: Services, request: Request, body: Body, page: View) -> None:
    """Show this page in the open form; not if it changed since, as by the same button before."""
    with suppress(FormChanged):
        await update_form(services.client_for(request.workspace_id), form_of(body), page)
