"""Slack handlers for the announcement's buttons and the forms behind them."""

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.announcement import concerns, part_messages
from bot.announcement.contributions import of_team, seen_by, state_part
from bot.phases.model import WholePhase
from bot.services import Services
from bot.slack.views import open_form, show_next
from bot.start.handlers import Body


async def open_part(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    whole = await _of_team(services, body, context)
    form = part_messages.part_form(whole, body["user"]["id"])
    await open_form(services.client_for(str(context.team_id)), body, form)
    await ack()


async def open_concern(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    form = part_messages.concern_form(await _of_team(services, body, context))
    await open_form(services.client_for(str(context.team_id)), body, form)
    await ack()


async def open_details(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    workspace_id = str(context.team_id)
    whole = await seen_by(
        services,
        workspace_id=workspace_id,
        phase_id=body["actions"][0]["value"],
        user_id=body["user"]["id"],
        channel_id=(body.get("channel") or {}).get("id"),
    )
    page = part_messages.details(whole, whole.phase.day_of(services.clock.now()))
    await open_form(services.client_for(workspace_id), body, page)
    await ack()


async def save_part(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    await state_part(
        services,
        workspace_id=str(context.team_id),
        phase_id=body["view"]["private_metadata"],
        user_id=body["user"]["id"],
        text=part_messages.typed(body["view"]["state"]["values"], part_messages.PART_BLOCK),
        field=part_messages.PART_BLOCK,
    )
    await ack()


async def send_concern(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    whole = await concerns.raise_concern(
        services,
        workspace_id=str(context.team_id),
        phase_id=body["view"]["private_metadata"],
        user_id=body["user"]["id"],
        text=part_messages.typed(body["view"]["state"]["values"], part_messages.CONCERN_BLOCK),
        field=part_messages.CONCERN_BLOCK,
        form=body["view"]["id"],
    )
    await show_next(ack, part_messages.concern_taken(whole))


async def _of_team(services: Services, body: Body, context: AsyncBoltContext) -> WholePhase:
    return await of_team(
        services,
        workspace_id=str(context.team_id),
        phase_id=body["actions"][0]["value"],
        user_id=body["user"]["id"],
    )
