"""Slack handlers for the reply that a lead writes to the results, and for their small print."""

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.results import lifecycle, messages, note_form
from bot.services import Services
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import open_form


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.WRITE_NOTE)(as_listener(services, open_note))
    app.action(messages.ABOUT_NUMBERS)(as_listener(services, open_small_print))
    app.view(note_form.FORM)(as_listener(services, save_note))


async def open_note(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    form = note_form.build(await lifecycle.round_to_reply_to(services, request))
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_note(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await lifecycle.save_note(services, request, note_form.parse(typed_values(body)))
    await ack()


async def open_small_print(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    page = messages.about_numbers(await lifecycle.visible_results(services, request))
    await open_form(services.client_for(request.workspace_id), body, page)
    await ack()
