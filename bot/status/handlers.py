"""Slack handlers for `/imbalance`, `/imbalance status` and `/imbalance budget`."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.phases.permissions import require_channel
from bot.services import Services
from bot.slack.command import ANY, is_subcommand
from bot.slack.request import Body, Request, as_listener
from bot.status import card, store


def register(app: AsyncApp, services: Services) -> None:
    app.command(ANY, matchers=[is_subcommand("", "status")])(as_listener(services, show_status))
    app.command(ANY, matchers=[is_subcommand("budget")])(as_listener(services, show_budget))


async def show_status(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_channel(request)
    message = card.card(await store.channel_status(services, request))
    await ack(text=message.text, blocks=message.blocks)


async def show_budget(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_channel(request)
    message = card.budget_card(*await store.budget_status(services, request))
    await ack(text=message.text, blocks=message.blocks)
