"""Slack handlers for `/imbalance`, `/imbalance status` and `/imbalance budget`."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.phases.permissions import require_channel
from bot.services import Services
from bot.slack.command import ANY, is_subcommand
from bot.slack.request import Body, Request, as_listener
from bot.slack.views import respond_to_url
from bot.status import card, store


def register(app: AsyncApp, services: Services) -> None:
    app.command(ANY, matchers=[is_subcommand("")])(as_listener(services, show_channel))
    app.command(ANY, matchers=[is_subcommand("status")])(as_listener(services, show_status))
    app.action(card.STATUS)(as_listener(services, press_status))
    app.command(ANY, matchers=[is_subcommand("budget")])(as_listener(services, show_budget))


async def show_channel(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle the bare command."""
    require_channel(request)
    message = card.card(await store.channel_state(services, request))
    await ack(text=message.text, blocks=message.blocks)


async def show_status(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_channel(request)
    message = card.status(await store.channel_status(services, request))
    await ack(text=message.text, blocks=message.blocks)


async def press_status(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Status* on the reply to the bare command; the button carries the channel."""
    in_channel = request.in_target_channel()
    message = card.status(await store.channel_status(services, in_channel))
    client = services.client_for(request.workspace_id)
    await respond_to_url(client, body, message, replace=False)
    await ack()


async def show_budget(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_channel(request)
    message = card.budget_card(*await store.budget_status(services, request))
    await ack(text=message.text, blocks=message.blocks)
