"""Slack handlers for the questions: answers, skips, polls, and a workspace's own wording."""

from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.rounds import answer_form, answering, messages, questions_form
from bot.rounds.answer_form import AnswerInput
from bot.rounds.poll import POLL, poll
from bot.rounds.questions import QUESTIONS
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, require_no_arguments
from bot.slack.content import Content, content, section
from bot.slack.errors import Refused
from bot.slack.payloads import state_values
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import notice_view, open_form, respond_to_url, show_next
from bot.workspaces import settings_form
from bot.workspaces.lifecycle import change_settings
from bot.workspaces.messages import TITLE, saved
from bot.workspaces.store import settings_of

NOTHING_CHOSEN = (
    "Nothing was sent: no answer is chosen. Choose at least one, or close this and press Skip."
)


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.SEND)(as_listener(services, send))
    app.action(messages.SKIP)(as_listener(services, skip))
    app.action(messages.CHANGE)(as_listener(services, change))
    app.view(answer_form.FORM)(as_listener(services, submit))
    app.command(ANY, matchers=[is_subcommand("poll")])(as_listener(services, poll_from_command))
    app.action(POLL)(as_listener(services, poll_from_button))
    app.action(settings_form.REWORD)(as_listener(services, show_wording))
    app.view(questions_form.FORM)(as_listener(services, save_wording))


async def send(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle Send in the weekly message; with nothing chosen, open the form and save nothing."""
    given = answer_form.parse(state_values(body), request.target_id)
    if given.has_answer:
        receipt = await answering.answer(services, request, given)
        services.background_tasks.start(_replace(services, body, request, receipt))
    else:
        await open_form_with(services, body, request, given)
    await ack()


async def skip(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    receipt = await answering.skip(services, request)
    services.background_tasks.start(_replace(services, body, request, receipt))
    await ack()


async def change(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle Change, or Answer in a reminder: open the form with the earlier answers."""
    await open_form_with(services, body, request, AnswerInput())
    await ack()


async def submit(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    given = answer_form.parse(typed_values(body), request.target_id)
    if not (given.has_answer or given.comment):
        raise Refused(NOTHING_CHOSEN)
    await answering.answer(services, request, given)
    await ack()


async def poll_from_command(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle `/imbalance poll`: ask the three questions now."""
    require_no_arguments(body)
    await ack(await poll(services, request))


async def poll_from_button(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Ask now* on the status card; the button carries the channel."""
    reply = await poll(services, replace(request, channel_id=request.target_id))
    client = services.client_for(request.workspace_id)
    await respond_to_url(client, body, content(reply, section(reply)), replace=False)
    await ack()


async def show_wording(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Open the form for the questions' wording, on top of the settings."""
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
    form = questions_form.build(QUESTIONS, settings.questions)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_wording(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    words = questions_form.parse(typed_values(body), QUESTIONS)
    changed = await change_settings(services, request, lambda now: replace(now, questions=words))
    if changed:
        await show_next(ack, notice_view(TITLE, saved(changed)))
    else:
        await ack()


async def open_form_with(
    services: Services, body: Body, request: Request, typed: AnswerInput
) -> None:
    """Open the form with the earlier answers; a comment or tick just entered takes precedence."""
    asking, earlier = await answering.questionnaire_to_change(services, request)
    comment, shared = typed.comment or earlier.comment, typed.shared or earlier.shared
    given = replace(earlier, comment=comment, shared=shared)
    client = services.client_for(request.workspace_id)
    await open_form(client, body, answer_form.build(asking, given))


async def _replace(services: Services, body: Body, request: Request, message: Content) -> None:
    """Show the message at once; where Slack does not take it, have the outbox edit it in.

    The answer is stored by then, so Slack's acknowledgement does not wait for this.
    """
    client = services.client_for(request.workspace_id)
    if not await respond_to_url(client, body, message, replace=True):
        await answering.edit_question_message(services, request, message)
