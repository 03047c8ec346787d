"""Slack handlers for the questions: answers, skips, polls, and a workspace's own wording."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.models.views import View

from bot.rounds import answer_form, answering, messages, questions_form
from bot.rounds.answer_changes import AnswerInput, FormInput, Skip, Tap
from bot.rounds.answering import Redraw
from bot.rounds.model import QuestionnaireView
from bot.rounds.poll import POLL, poll
from bot.rounds.questions import WORDINGS
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, require_no_arguments
from bot.slack.content import content, section
from bot.slack.errors import Refused
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import notice_view, open_form, respond_to_url, show_next
from bot.workspaces import settings_form
from bot.workspaces.lifecycle import change_settings
from bot.workspaces.messages import TITLE, saved
from bot.workspaces.store import settings_of

BuildForm: TypeAlias = Callable[[QuestionnaireView, AnswerInput], View]


def register(app: AsyncApp, services: Services) -> None:
    app.action(tapped(messages.TAP))(as_listener(services, tap))
    app.action(messages.SKIP)(as_listener(services, skip))
    app.action(messages.CHANGE)(as_listener(services, show_form, answer_form.build))
    app.action(messages.COMMENT)(as_listener(services, show_form, answer_form.build_comment))
    app.view(answer_form.FORM)(as_listener(services, submit))
    app.view(answer_form.COMMENT_FORM)(as_listener(services, submit_comment))
    app.command(ANY, matchers=[is_subcommand("poll")])(as_listener(services, poll_from_command))
    app.action(POLL)(as_listener(services, poll_from_button))
    app.action(settings_form.REWORD)(as_listener(services, show_wording))
    app.view(questions_form.FORM)(as_listener(services, save_wording))


def tapped(tap_action: str) -> re.Pattern[str]:
    """Return the ids of the buttons under the questions and the check, which begin with this."""
    return re.compile(rf"^{re.escape(tap_action)}\w+\.[0-5]$")


async def tap(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle a tap on one of the buttons under a question, or under the check."""
    redraw = await answering.change(services, request, read_tap(body))
    _replace(services, body, request, redraw)
    await ack()


def read_tap(body: Body) -> Tap:
    """Return the question and level of a tap on a button that `tapped` matches; 0 is no level."""
    *_, key, level = body["actions"][0]["action_id"].split(".")
    return Tap(key=key, level=int(level) or None)


async def skip(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    _replace(services, body, request, await answering.change(services, request, Skip()))
    await ack()


async def show_form(
    services: Services, build: BuildForm, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Open a form with the earlier answers."""
    asking, earlier = await answering.questionnaire_to_change(services, request)
    await open_form(services.client_for(request.workspace_id), body, build(asking, earlier))
    await ack()


async def submit(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    given = answer_form.parse(typed_values(body), request.target_id)
    if not (given.answers or given.comment):
        raise Refused(messages.NOTHING_CHOSEN)
    await answering.change(services, request, FormInput(given=given))
    await ack()


async def submit_comment(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    given = answer_form.parse_comment(typed_values(body), request.target_id)
    await answering.change(services, request, given)
    await ack()


async def poll_from_command(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle `/imbalance poll`: ask the three questions now."""
    require_no_arguments(body)
    await ack(await poll(services, request))


async def poll_from_button(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Ask Now* on the status card; the button carries the channel."""
    reply = await poll(services, request.in_target_channel())
    client = services.client_for(request.workspace_id)
    await respond_to_url(client, body, content(reply, section(reply)), replace=False)
    await ack()


async def show_wording(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Open the form for the questions' wording, on top of the settings."""
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
    form = questions_form.build(WORDINGS, settings.questions)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_wording(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    words = questions_form.parse(typed_values(body), WORDINGS)
    changed = await change_settings(services, request, lambda now: replace(now, questions=words))
    if changed:
        await show_next(ack, notice_view(TITLE, saved(changed)))
    else:
        await ack()


def _replace(services: Services, body: Body, request: Request, redraw: Redraw) -> None:
    """Show the message at once, in the background: the answer is stored by then.

    One replacement of a message is under way at a time. Where Slack does not take it, it may come
    late or not at all, and it may come after the closing of the round has edited the message.
    """

    async def show() -> None:
        client = services.client_for(request.workspace_id)
        is_shown = await respond_to_url(client, body, redraw.content, replace=True)
        if not is_shown or services.clock.now() >= redraw.closes_at:
            await answering.redraw(services, request)

    services.background_tasks.start_newest((request.workspace_id, request.message), show)
