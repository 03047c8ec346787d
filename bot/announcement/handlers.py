"""Slack handlers for the announcement's buttons and the forms behind them."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.announcement import concerns, contributions, messages, part_messages
from bot.services import Services
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import open_form, show_next


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.MY_PART)(as_listener(services, open_part))
    app.action(messages.CONCERN)(as_listener(services, open_concern))
    app.action(messages.DETAILS)(as_listener(services, open_details))
    app.view(part_messages.PART_FORM)(as_listener(services, save_contribution))
    app.view(part_messages.CONCERN_FORM)(as_listener(services, send_concern))


async def open_part(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await contributions.phase_for_member(services, request)
    form = part_messages.contribution_form(phase, request.user_id)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def open_concern(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    form = part_messages.concern_form(await contributions.phase_for_member(services, request))
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def open_details(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await contributions.visible_phase(services, request)
    page = part_messages.details(phase, phase.day_of(services.clock.now()))
    await open_form(services.client_for(request.workspace_id), body, page)
    await ack()


async def save_contribution(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    await contributions.save_contribution(
        services,
        request,
        text=part_messages.submitted_text(typed_values(body), part_messages.PART_BLOCK),
        field=part_messages.PART_BLOCK,
    )
    await ack()


async def send_concern(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await concerns.raise_concern(
        services,
        request,
        text=part_messages.submitted_text(typed_values(body), part_messages.CONCERN_BLOCK),
        field=part_messages.CONCERN_BLOCK,
        view_id=body["view"]["id"],
    )
    await show_next(ack, part_messages.concern_received(phase))
