"""What leads write about results: saved first, acknowledged afterwards."""

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.results import lifecycle, messages
from bot.results.lifecycle import Noting
from bot.services import Services
from bot.slack.mrkdwn import clean
from bot.slack.payloads import state_values


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.SAVE_NOTE)(partial(save_note, services))


async def save_note(
    services: Services, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
) -> None:
    """Save, under the results a lead got: what they heard, and what changes."""
    round_id = body["actions"][0]["value"]
    box = state_values(body).get(messages.note_block(round_id), {})
    typed = box.get(messages.NOTE, {}).get("value") or ""
    noting = Noting(
        workspace_id=str(context.team_id),
        round_id=round_id,
        user_id=body["user"]["id"],
        text=clean(typed),
    )
    await lifecycle.save_note(services, noting)
    await ack()
