"""Slack handlers for work on hold: its list, proposals, and the message shortcut."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.announcement.expectations import phase_to_write
from bot.announcement.messages import ON_HOLD, WHAT_ELSE
from bot.on_hold import lifecycle, lookup, messages, on_hold_form, proposal_forms, proposals, store
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.event_dedup import forget_press, is_first_press
from bot.slack.mrkdwn import plain_text
from bot.slack.request import Body, Request, as_listener, form_of, typed_values
from bot.slack.views import notice_view, open_form, respond_to_url, show_next

#: The message shortcut *Is This on Hold?*, as in the manifest.
CHECK = "on_hold.check"
PROPOSED, ANSWERED = "Proposed", "Is This on Hold?"


def register(app: AsyncApp, services: Services) -> None:
    app.action(ON_HOLD)(as_listener(services, open_list))
    app.view(on_hold_form.FORM)(as_listener(services, save_list))
    app.action(WHAT_ELSE)(as_listener(services, open_what_else))
    app.view(proposal_forms.PROPOSE_FORM)(as_listener(services, send_proposal))
    app.action(messages.ACCEPT)(as_listener(services, open_answer, True))
    app.action(messages.DECLINE)(as_listener(services, open_answer, False))
    app.view(proposal_forms.ACCEPT_FORM)(as_listener(services, send_answer, True))
    app.view(proposal_forms.DECLINE_FORM)(as_listener(services, send_answer, False))
    app.message_shortcut(CHECK)(partial(check_message, services))
    app.action(messages.SHARE)(as_listener(services, share))


async def open_list(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Open the list for whoever manages the phase."""
    phase = await phase_to_write(services, request)
    async with services.db.reading() as reader:
        proposed = await store.proposals_of(reader, request.workspace_id, phase.phase_id)
    form = on_hold_form.build(phase, proposed, phase.day_of(services.clock.now()))
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_list(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    submitted = on_hold_form.parse(typed_values(body))
    await lifecycle.change_list(services, request, submitted, view_id=form_of(body)["id"])
    await ack()


async def open_what_else(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Open the form for a proposal; for a lead, who needs none, the list."""
    if await lookup.may_change_list(services, request):
        await open_list(services, request, ack, body)
        return
    phase = await proposals.phase_to_propose(services, request)
    form = proposal_forms.propose_form(phase)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def send_proposal(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    text = proposal_forms.parse_proposal(typed_values(body))
    phase = await proposals.propose(services, request, text, view_id=form_of(body)["id"])
    await show_next(ack, notice_view(PROPOSED, proposal_forms.proposed_text(phase)))


async def open_answer(
    services: Services, accepts: bool, request: Request, ack: AsyncAck, body: Body
) -> None:
    request, proposal_id = _of_proposal(request)
    phase, proposal = await proposals.proposal_to_answer(services, request, proposal_id)
    form = proposal_forms.answer_form(phase, proposal, accepts=accepts)
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def send_answer(
    services: Services, accepts: bool, request: Request, ack: AsyncAck, body: Body
) -> None:
    request, proposal_id = _of_proposal(request)
    given = proposal_forms.parse_answer(typed_values(body))
    await proposals.answer(services, request, proposal_id, given, accepts=accepts)
    await ack()


async def check_message(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """Say in private whether the message's work is on hold. Nothing of the message is kept."""
    request, message = Request.from_body(body, context), body["message"]
    if _is_ours(message, context):
        raise Refused(messages.OWN_MESSAGE)
    phase = await lookup.phase_of_channel(services, request)
    items = lookup.items_named_in(phase, plain_text(message.get("text") or ""))
    thread_ts = message.get("thread_ts")
    if items:
        place = lookup.SharePlace(
            phase_id=phase.phase_id,
            thread_ts=thread_ts or message["ts"],
            positions=tuple(item.position for item in items),
        )
        answer = messages.found(phase, items, str(place))
    else:
        answer = messages.not_found(phase, request.user_id)
    await _answer_privately(services.client_for(request.workspace_id), body, answer, thread_ts)
    await ack()


async def share(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Share the private answer in the message's thread, also where the bot isn't a member."""
    place = lookup.SharePlace.parse(request.target_id)
    request = replace(request, target_id=place.phase_id)
    phase, items, by = await lookup.items_to_share(services, request, place)
    async with services.db.transaction() as tx:
        is_first = await is_first_press(tx, request, services.clock.now())
    if not is_first:
        await ack()
        return
    client = services.client_for(request.workspace_id)
    shared = messages.shared(phase, items, by)
    if not await respond_to_url(
        client, body, shared, replace=False, thread_ts=place.thread_ts, in_channel=True
    ):
        async with services.db.transaction() as tx:
            await forget_press(tx, request)
        raise Refused(messages.NOT_SHARED)
    await respond_to_url(client, body, messages.share_done(phase, items), replace=True)
    await ack()


def _is_ours(message: Mapping[str, Any], context: AsyncBoltContext) -> bool:
    """Return whether the bot wrote it; people's messages have no `bot_id`, and ours may not."""
    authors = (message.get("user"), context.bot_user_id), (message.get("bot_id"), context.bot_id)
    return any(author is not None and author == ours for author, ours in authors)


async def _answer_privately(
    client: AsyncWebClient, body: Mapping[str, Any], answer: Content, thread_ts: str | None
) -> None:
    """Answer through the response_url; in a form, if Slack doesn't take it."""
    if not await respond_to_url(client, body, answer, replace=False, thread_ts=thread_ts):
        texts = [block["text"]["text"] for block in answer.blocks if block["type"] == "section"]
        await open_form(client, body, notice_view(ANSWERED, "\n".join(texts)))


def _of_proposal(request: Request) -> tuple[Request, str]:
    """Return the request with its phase as the target, and the id of the proposal."""
    phase_id, _, proposal_id = request.target_id.partition(":")
    return replace(request, target_id=phase_id), proposal_id
