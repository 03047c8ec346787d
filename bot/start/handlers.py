"""What people type and press to start a phase, and in its announcement."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.models.views import View

from bot.announcement import messages, part_messages
from bot.announcement.handlers import open_concern, open_details, open_part, save_part, send_concern
from bot.services import Services
from bot.slack.command import NAME, named, parse
from bot.slack.views import change_form, show_next
from bot.start import page_moment, page_preview, page_promise, wizard
from bot.start.wizard import Filling

Body = dict[str, Any]
Page = Callable[[Services, Filling, dict[str, Any]], Awaitable[View]]


def register(app: AsyncApp, services: Services) -> None:
    app.command(NAME, matchers=[named("start")])(partial(start, services))
    app.view(page_moment.PAGE)(partial(send_page, services, wizard.after_moment))
    app.view(page_promise.PAGE)(partial(send_page, services, wizard.after_promise))
    app.view(page_preview.PAGE)(partial(announce, services))
    app.action(page_promise.ADD)(partial(turn_page, services, wizard.add_row))
    app.action(page_promise.MORE)(partial(turn_page, services, wizard.show_more))
    app.action(page_promise.BACK)(partial(go_back, services))
    app.action(page_moment.ANYWAY)(only_chosen)
    app.action(messages.MY_PART)(partial(open_part, services))
    app.action(messages.CONCERN)(partial(open_concern, services))
    app.action(messages.DETAILS)(partial(open_details, services))
    app.view(part_messages.PART_FORM)(partial(save_part, services))
    app.view(part_messages.CONCERN_FORM)(partial(send_concern, services))


async def start(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """`/imbalance start …`"""
    await wizard.open_start(
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
    page = await wizard.announce(services, _filling(body, context))
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
    page = await wizard.back(services, who, view["state"]["values"], view["callback_id"])
    await change_form(services.client_for(who.workspace_id), view, page)
    await ack()


async def only_chosen(ack: AsyncAck) -> None:
    """A tick outside an input is told at once; it counts when the page is sent."""
    await ack()


def _filling(body: Body, context: AsyncBoltContext) -> Filling:
    return Filling(
        workspace_id=str(context.team_id),
        user_id=body["user"]["id"],
        draft_id=body["view"]["private_metadata"],
    )
