"""Slack handlers for channel and membership changes, delivery reports, and related buttons."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.channel_health import (
    channel_events,
    delivery_confirmations,
    membership_events,
    messages,
    pause,
)
from bot.services import Services
from bot.slack.request import Body, Request, as_listener


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.TRY_AGAIN)(as_listener(services, press_try_again))
    app.action(messages.POST_AGAIN)(as_listener(services, press_post_again))
    delivery_confirmations.register(app, services)
    membership_events.register(app, services)
    channel_events.register(app, services)


async def press_try_again(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Try Again*, offered while a phase is paused."""
    await pause.try_again(services, request)
    await ack()


async def press_post_again(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Post It Again*, offered when the announcement was deleted."""
    await pause.post_again(services, request)
    await ack()
