"""Slack handlers for *How We Work* and *A Mistake I Learned From*."""

from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.announcement.messages import HOW_WE_WORK, MISTAKE
from bot.habits import how_we_work_form, lifecycle, mistake_form
from bot.services import Services
from bot.slack.request import Body, Request, as_listener, form_of, typed_values
from bot.slack.views import open_form, show_next


def register(app: AsyncApp, services: Services) -> None:
    app.action(HOW_WE_WORK)(as_listener(services, open_how_we_work))
    app.action(MISTAKE)(as_listener(services, open_mistake))
    app.view(how_we_work_form.FORM)(as_listener(services, save_how_we_work))
    app.view(mistake_form.FORM)(as_listener(services, share_mistake))


async def open_how_we_work(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await lifecycle.phase_with_habits(services, request)
    client = services.client_for(request.workspace_id)
    await open_form(client, body, how_we_work_form.build(phase))
    await ack()


async def save_how_we_work(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase_id, version = how_we_work_form.read_metadata(request.target_id)
    typed = how_we_work_form.parse(typed_values(body))
    phase, overwritten = await lifecycle.save_how_we_work(
        services, replace(request, target_id=phase_id), typed, version=version
    )
    if overwritten:
        form = how_we_work_form.build_after_conflict(phase, typed, overwritten)
        await show_next(ack, form)
    else:
        await ack()


async def open_mistake(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await lifecycle.phase_to_share_in(services, request)
    await open_form(services.client_for(request.workspace_id), body, mistake_form.build(phase))
    await ack()


async def share_mistake(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    text = mistake_form.parse(typed_values(body))
    view_id = form_of(body)["id"]
    phase = await lifecycle.share_mistake(services, request, text, view_id=view_id)
    await show_next(ack, mistake_form.posted(phase))
