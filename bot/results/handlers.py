"""Slack handler for the note that a lead writes under the results."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.results import lifecycle, messages
from bot.services import Services
from bot.slack.mrkdwn import clean
from bot.slack.payloads import state_values
from bot.slack.request import Body, Request, as_listener


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.SAVE_NOTE)(as_listener(services, save_note))


async def save_note(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Save a lead's note on the results: what they heard, and what changes."""
    state = state_values(body).get(messages.note_block(request.target_id), {})
    typed = state.get(messages.NOTE, {}).get("value") or ""
    await lifecycle.save_note(services, request, clean(typed))
    await ack()
