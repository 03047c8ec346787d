"""Slack handlers for the reply that a lead writes to the results, and for their small print."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.results import lifecycle, messages, reply_form
from bot.services import Services
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import open_form


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.REPLY_TO_TEAM)(as_listener(services, open_reply))
    app.action(messages.ABOUT_NUMBERS)(as_listener(services, open_small_print))
    app.view(reply_form.FORM)(as_listener(services, save_reply))


async def open_reply(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    form = reply_form.build(await lifecycle.round_to_reply_to(services, request))
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_reply(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await lifecycle.save_reply(services, request, reply_form.parse(typed_values(body)))
    await ack()


async def open_small_print(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    page = messages.about_numbers(await lifecycle.visible_results(services, request))
    await open_form(services.client_for(request.workspace_id), body, page)
    await ack()
