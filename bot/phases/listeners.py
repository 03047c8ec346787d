"""What people type and press to start a phase, and in its announcement."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.models.views import View

from bot.phases import (
    messages,
    moment_page,
    part_messages,
    parts,
    preview_page,
    promise_page,
    starting,
)
from bot.phases.facts import WholePhase
from bot.phases.starting import Filling
from bot.slack.command import NAME, named, parse
from bot.slack.views import change_form, open_form, show_next
from bot.workspaces.services import Services

Body = dict[str, Any]
Page = Callable[[Services, Filling, dict[str, Any]], Awaitable[View]]


def register(app: AsyncApp, services: Services) -> None:
    app.command(NAME, matchers=[named("start")])(partial(start, services))
    app.view(moment_page.PAGE)(partial(send_page, services, starting.after_moment))
    app.view(promise_page.PAGE)(partial(send_page, services, starting.after_promise))
    app.view(preview_page.PAGE)(partial(announce, services))
    app.action(promise_page.ADD)(partial(turn_page, services, starting.add_row))
    app.action(promise_page.MORE)(partial(turn_page, services, starting.show_more))
    app.action(promise_page.BACK)(partial(go_back, services))
    app.action(moment_page.ANYWAY)(only_chosen)
    app.action(messages.MY_PART)(partial(open_part, services))
    app.action(messages.CONCERN)(partial(open_concern, services))
    app.action(messages.DETAILS)(partial(open_details, services))
    app.view(part_messages.PART_FORM)(partial(save_part, services))
    app.view(part_messages.CONCERN_FORM)(partial(send_concern, services))


async def start(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """`/imbalance start …`"""
    await starting.open_start(
        services,
        body,
        workspace_id=str(context.team_id),
        channel_id=body["channel_id"],
        user_id=body["user_id"],
        words=parse(body.get("text", "")).arguments,
    )
    await ack()


async def send_page(
    services: Services, then: Page, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """*Next* and *Preview*: the page that follows takes this one's place."""
    page = await then(services, _filling(body, context), body["view"]["state"]["values"])
    await show_next(ack, page)


async def announce(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    page = await starting.announce(services, _filling(body, context))
    await show_next(ack, page)


async def turn_page(
    services: Services, then: Page, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """A button in the form: the same page with more on it."""
    page = await then(services, _filling(body, context), body["view"]["state"]["values"])
    await change_form(services.client_for(str(context.team_id)), body["view"], page)
    await ack()


async def go_back(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    view = body["view"]
    who = _filling(body, context)
    page = await starting.back(services, who, view["state"]["values"], view["callback_id"])
    await change_form(services.client_for(who.workspace_id), view, page)
    await ack()


async def only_chosen(ack: AsyncAck) -> None:
    """A tick outside an input is told at once; it counts when the page is sent."""
    await ack()


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
    whole = await parts.seen_by(
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
    await parts.state_part(
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
    whole = await parts.raise_concern(
        services,
        workspace_id=str(context.team_id),
        phase_id=body["view"]["private_metadata"],
        user_id=body["user"]["id"],
        text=part_messages.typed(body["view"]["state"]["values"], part_messages.CONCERN_BLOCK),
        field=part_messages.CONCERN_BLOCK,
        form=body["view"]["id"],
    )
    await show_next(ack, part_messages.concern_taken(whole))


def _filling(body: Body, context: AsyncBoltContext) -> Filling:
    return Filling(
        workspace_id=str(context.team_id),
        user_id=body["user"]["id"],
        draft_id=body["view"]["private_metadata"],
    )


async def _of_team(services: Services, body: Body, context: AsyncBoltContext) -> WholePhase:
    return await parts.of_team(
        services,
        workspace_id=str(context.team_id),
        phase_id=body["actions"][0]["value"],
        user_id=body["user"]["id"],
    )
