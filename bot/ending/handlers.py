"""Slack handlers for ending, wrapping up and extending a phase."""

from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.dates import day
from bot.decisions.messages import END_INSTEAD
from bot.ending import extend, extend_form, messages, wrap_up, wrap_up_form
from bot.phases.permissions import latest_unwrapped_phase, phase_to_manage
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, require_no_arguments
from bot.slack.errors import Refused
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import notice_view, open_form, show_next


def register(app: AsyncApp, services: Services) -> None:
    app.command(ANY, matchers=[is_subcommand("end")])(as_listener(services, type_end))
    app.action(messages.WRAP_UP)(as_listener(services, press_end))
    app.action(END_INSTEAD)(as_listener(services, press_end_instead))
    app.view(extend_form.FORM)(as_listener(services, submit_extend))
    app.view(wrap_up_form.FORM)(as_listener(services, submit_wrap_up))


async def type_end(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    require_no_arguments(body)
    latest = await latest_unwrapped_phase(services, request)
    await _open_end(services, replace(request, target_id=latest.phase_id), body)
    await ack()


async def press_end(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await _open_end(services, request, body)
    await ack()


async def press_end_instead(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Open the form for the end, on top of the form for a decision."""
    phase_id = request.target_id.partition(":")[0]
    await _open_end(services, replace(request, target_id=phase_id), body)
    await ack()


async def submit_extend(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    extension = extend_form.parse(typed_values(body))
    moved = await extend.extend(services, request, extension)
    template = messages.EXTENSION_SENT_WHILE_PAUSED if moved.is_paused else messages.EXTENSION_SENT
    text = template.format(day=day(moved.ends_on, moved.day_of(services.clock.now())))
    await show_next(ack, notice_view(messages.EXTENSION_DONE, text))


async def submit_wrap_up(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    submitted = wrap_up_form.parse(typed_values(body))
    ended = await wrap_up.wrap_up(services, request, submitted)
    text = messages.WRAP_UP_SENT_WHILE_PAUSED if ended.is_paused else messages.WRAP_UP_SENT
    await show_next(ack, notice_view(messages.WRAP_UP_DONE, text, closes_all=True))


async def _open_end(services: Services, request: Request, body: Body) -> None:
    phase = await phase_to_manage(services, request)
    if phase.wrapped_up_at is not None:
        raise Refused(messages.ALREADY_WRITTEN)
    form = wrap_up_form.build(phase)
    await open_form(services.client_for(request.workspace_id), body, form)
