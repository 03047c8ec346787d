"""Slack handlers for the announcement's buttons and the forms behind them."""

from contextlib import suppress
from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.models.views import View

from bot.announcement import (
    concern_answer_form,
    concern_answers,
    concerns,
    contributions,
    details_page,
    expectation_forms,
    expectations,
    messages,
    part_messages,
)
from bot.phases import opt_outs
from bot.phases.expectation import CHANGE_IT, FITS, TOO_MUCH
from bot.phases.model import ExpectationReply
from bot.services import Services
from bot.slack.request import Body, Request, as_listener, form_of, typed_values
from bot.slack.views import FormChanged, open_form, show_next, update_form


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.MY_PART)(as_listener(services, open_part))
    app.action(messages.CONCERN)(as_listener(services, open_concern))
    app.action(concern_answer_form.ANSWER)(as_listener(services, open_answer))
    app.view(concern_answer_form.FORM)(as_listener(services, post_answer))
    app.action(messages.DETAILS)(as_listener(services, open_details))
    app.action(details_page.OPT_OUT)(as_listener(services, set_opt_out, True))
    app.action(details_page.OPT_IN)(as_listener(services, set_opt_out, False))
    app.view(part_messages.PART_FORM)(as_listener(services, save_contribution))
    app.view(part_messages.CONCERN_FORM)(as_listener(services, send_concern))
    app.action(expectation_forms.EXPECTATIONS)(as_listener(services, open_expectations))
    app.action(expectation_forms.CHANGE_LINE)(as_listener(services, open_expectations))
    app.view(expectation_forms.FORM)(as_listener(services, save_expectations))
    app.action(FITS)(as_listener(services, note_fits))
    app.action(CHANGE_IT)(as_listener(services, open_reply, ExpectationReply.CHANGE))
    app.action(TOO_MUCH)(as_listener(services, open_reply, ExpectationReply.TOO_MUCH))
    app.view(expectation_forms.REPLY_FORM)(as_listener(services, send_reply))


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
    page = await _details_page(services, request)
    await open_form(services.client_for(request.workspace_id), body, page)
    await ack()


async def set_opt_out(
    services: Services, is_out: bool, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle *Don't Ask Me Here* and *Ask Me Here Again* under *Details*, and show the result."""
    phase = await contributions.visible_phase(services, request)
    change = opt_outs.opt_out if is_out else opt_outs.opt_in
    await change(services, request.workspace_id, phase.channel_id, request.user_id)
    page = await _details_page(services, request)
    with suppress(FormChanged):  # pressed twice: the first press has changed it
        await update_form(services.client_for(request.workspace_id), form_of(body), page)
    await ack()


async def save_contribution(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    text = part_messages.submitted_text(typed_values(body), part_messages.PART_BLOCK)
    phase = await contributions.save_contribution(
        services, request, text=text, field=part_messages.PART_BLOCK
    )
    await show_next(ack, part_messages.contribution_saved(phase, text))


async def send_concern(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await concerns.raise_concern(
        services,
        request,
        text=part_messages.submitted_text(typed_values(body), part_messages.CONCERN_BLOCK),
        field=part_messages.CONCERN_BLOCK,
        view_id=form_of(body)["id"],
    )
    await show_next(ack, part_messages.concern_received(phase))


async def open_answer(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase = await concern_answers.phase_to_answer(services, request)
    form = concern_answer_form.answer_form(phase, request.target_id)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def post_answer(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    text = concern_answer_form.submitted_answer(typed_values(body))
    phase = await concern_answers.post_answer(services, request, text)
    await show_next(ack, concern_answer_form.answer_posted(phase))


async def open_expectations(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Open the lines of all members, or of the one named in the button."""
    phase_id, page = expectation_forms.read_page_id(request.target_id)
    phase = await expectations.phase_to_write(services, replace(request, target_id=phase_id))
    form = expectation_forms.build(phase, page or "0")
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_expectations(
    services: Services, request: Request, ack: AsyncAck, body: Body
) -> None:
    phase_id, page = expectation_forms.read_page_id(request.target_id)
    lines = expectation_forms.parse(typed_values(body))
    request = replace(request, target_id=phase_id)
    phase = await expectations.save_expectations(services, request, lines)
    following = expectation_forms.page_after(phase, page)
    if following is not None:
        await show_next(ack, expectation_forms.build(phase, following))
    else:
        await ack()


async def note_fits(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await expectations.note_fits(services, request)
    client = services.client_for(request.workspace_id)
    await open_form(client, body, expectation_forms.fits_noted())
    await ack()


async def open_reply(
    services: Services, reply: ExpectationReply, request: Request, ack: AsyncAck, body: Body
) -> None:
    phase, member = await expectations.member_with_line(services, request)
    form = expectation_forms.reply_form(phase, member, reply)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def send_reply(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    phase_id, reply = expectation_forms.read_reply_id(request.target_id)
    values = typed_values(body)
    await expectations.send_reply(
        services,
        replace(request, target_id=phase_id),
        reply,
        words=expectation_forms.submitted_words(values),
        view_id=form_of(body)["id"],
    )
    await ack()


async def _details_page(services: Services, request: Request) -> View:
    phase = await contributions.visible_phase(services, request)
    is_opted_out = await contributions.is_opted_out(services, request, phase)
    return details_page.build(phase, phase.day_of(services.clock.now()), is_opted_out)
