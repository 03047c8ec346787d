"""Slack handlers for what happens to a phase's channel, its people and the bot's messages."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.channel_health import channel_events, delivery_events, membership_events, messages, pause
from bot.services import Services
from bot.slack.request import Body, Request, handler


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.TRY_AGAIN)(handler(services, press_try_again))
    app.action(messages.POST_AGAIN)(handler(services, press_post_again))
    delivery_events.register(app, services)
    membership_events.register(app, services)
    channel_events.register(app, services)


async def press_try_again(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """*Try again*, where a phase is paused."""
    await pause.try_again(services, request)
    await ack()


async def press_post_again(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """*Post it again*, where the announcement was deleted."""
    await pause.post_again(services, request)
    await ack()
