"""Slack handlers for starting a phase, and for extending one or planning the one after it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.models.views import View

from bot.ending import extend, extend_form
from bot.ending import messages as ending_messages
from bot.phases import store
from bot.phases.permissions import (
    actor_of,
    nothing_runs,
    require_channel,
    running_phase_to_manage,
)
from bot.phases.rules import refusal_to_start_any
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, parse, typed_text
from bot.slack.request import Body, Request, as_listener, form_of, typed_values
from bot.slack.views import FormChanged, open_form, show_next, update_form
from bot.start import page_moment, page_preview, page_promise, prefill, wizard

Page = Callable[[Services, Request, Mapping[str, Any]], Awaitable[View]]
Change = Callable[[Services, Request, Mapping[str, Any]], Awaitable[wizard.ChangedPage]]


def register(app: AsyncApp, services: Services) -> None:
    app.command(ANY, matchers=[is_subcommand("start")])(as_listener(services, type_start))
    app.action(wizard.START)(as_listener(services, press_start))
    app.view(page_moment.PAGE)(as_listener(services, send_page, wizard.after_moment))
    app.view(page_promise.PAGE)(as_listener(services, send_page, wizard.after_promise))
    app.view(page_preview.PAGE)(as_listener(services, announce))
    app.action(page_moment.KIND)(as_listener(services, turn_page, wizard.choose_kind))
    app.action(page_moment.COPY)(as_listener(services, turn_page, wizard.copy_last))
    app.action(page_moment.EXAMPLE)(as_listener(services, turn_page, wizard.fill_example))
    app.action(page_promise.ADD)(as_listener(services, turn_page, wizard.add_row))
    app.action(page_promise.RICH)(as_listener(services, turn_page, wizard.fold_richer))
    app.action(page_promise.MORE)(as_listener(services, turn_page, wizard.fold_options))
    app.action(page_promise.BACK)(as_listener(services, go_back))
    app.action(page_moment.ANYWAY)(acknowledge_choice)
    app.command(ANY, matchers=[is_subcommand("extend")])(as_listener(services, type_extend))
    app.action(ending_messages.EXTEND)(as_listener(services, press_extend))
    app.action(ending_messages.PLAN_NEXT)(as_listener(services, press_plan_next))


async def type_start(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle `/imbalance start …`."""
    words = await _typed_words(services, request, body)
    await wizard.open_start(services, request, body, words=words)
    await ack()


async def press_start(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Start a Phase* on the reply to the bare command; the button carries the channel."""
    await wizard.open_start(services, request.in_target_channel(), body)
    await ack()


async def send_page(
    services: Services, next_page: Page, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle *Next* and *Preview*: replace this page by the one that follows."""
    page = await next_page(services, request, typed_values(body))
    await show_next(ack, page)


async def announce(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await show_next(ack, await wizard.announce(services, request))


async def turn_page(
    services: Services, change: Change, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle a button in the form: show the same page with more on it."""
    page = await change(services, request, typed_values(body))
    try:
        await update_form(services.client_for(request.workspace_id), form_of(body), page.view)
    except FormChanged:
        if not page.is_repeated:
            raise
    await ack()


async def go_back(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    callback_id = form_of(body)["callback_id"]
    page = await wizard.back(services, request, typed_values(body), callback_id)
    await update_form(services.client_for(request.workspace_id), form_of(body), page)
    await ack()


async def acknowledge_choice(ack: AsyncAck) -> None:
    """Acknowledge a tick outside an input: sent at once, it counts when the page is sent."""
    await ack()


async def type_extend(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle `/imbalance extend …`, with or without a new end."""
    require_channel(request)
    async with services.db.reading() as reader:
        latest = await store.latest_in(reader, request.workspace_id, request.channel_id or "")
    if latest is None:
        raise await nothing_runs(services, request)
    words = await _typed_words(services, request, body)
    await _open_extend(services, replace(request, target_id=latest.phase_id), body, words)
    await ack()


async def press_extend(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await _open_extend(services, request, body)
    await ack()


async def press_plan_next(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Plan a New Phase*: open the start form of the phase that follows the running one."""
    phase = await running_phase_to_manage(services, request)
    in_channel = replace(request, channel_id=phase.channel_id)
    await wizard.open_start(services, in_channel, body, continues=phase.phase_id)
    await ack()


async def _typed_words(services: Services, request: Request, body: Body) -> Sequence[str]:
    """Return the words after the subcommand, as their writer saw them."""
    client = services.client_for(request.workspace_id)
    typed = await services.people.plain_text(client, request.workspace_id, typed_text(body))
    return parse(typed).arguments


async def _open_extend(
    services: Services, request: Request, body: Body, words: Sequence[str] = ()
) -> None:
    """Open the form; for a phase that can't be extended, what its lead can do instead."""
    phase = await running_phase_to_manage(services, request)
    today = phase.day_of(services.clock.now())
    why = extend.why_not(phase, today)
    if why is None:
        ends_on = prefill.parse_extension(phase, words, today)
        form = extend_form.build(phase, extend.latest_end(phase), today, ends_on)
    else:
        actor = await actor_of(services, request)
        may_start = refusal_to_start_any(actor, phase.limits, "") is None
        form = extend_form.cannot_extend(phase, why, today, may_start=may_start)
    await open_form(services.client_for(request.workspace_id), body, form)
