"""Slack handlers for App Home, and for all commands and events without another handler."""

from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from aiohttp import ClientError
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.home import (
    channel_form,
    held_decisions,
    held_messages,
    lifecycle,
    phase_section,
    view,
)
from bot.home.help import help_message, unknown_message
from bot.log import log
from bot.operations.message_decisions import Decision
from bot.phases import opt_outs
from bot.phases.permissions import actor_of, refusal_to_start
from bot.rounds import answer_form, answering
from bot.rounds.answer_changes import Skip
from bot.rounds.handlers import read_tap, show_form, submit, tapped
from bot.rounds.messages import DO_NOT_ASK
from bot.services import Services
from bot.slack.command import ANY, is_subcommand, typed_text
from bot.slack.content import content, section
from bot.slack.errors import Refused, classify
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.mrkdwn import channel
from bot.slack.request import Body, Request, as_listener, typed_values
from bot.slack.views import open_form, respond_to_url, show_next
from bot.start import wizard
from bot.status.store import channel_state
from bot.workspaces.store import settings_of

CHANNELS_LIMIT = 200
BUILD_FORM = partial(answer_form.build, form=view.FORM)
Read = TypeVar("Read")


def register(app: AsyncApp, services: Services) -> None:
    """Register the handlers. Call it last: it also catches all remaining commands and events."""
    app.event("app_home_opened")(partial(on_home_opened, services))
    app.action(tapped(view.TAP))(as_listener(services, tap))
    app.action(view.CHANGE)(as_listener(services, show_form, BUILD_FORM))
    app.view(view.FORM)(as_listener(services, submit_form))
    app.action(DO_NOT_ASK)(as_listener(services, stop_asking))
    app.action(view.SKIP)(as_listener(services, skip))
    app.action(phase_section.OPT_OUT)(as_listener(services, set_opt_out, True))
    app.action(phase_section.OPT_IN)(as_listener(services, set_opt_out, False))
    app.action(phase_section.START)(as_listener(services, ask_for_channel))
    app.view(channel_form.FORM)(as_listener(services, start_in_channel))
    app.action(held_messages.AGAIN)(as_listener(services, decide, Decision.AGAIN))
    app.action(held_messages.DROP)(as_listener(services, decide, Decision.DROP))
    app.action(held_messages.THERE)(as_listener(services, ask_for_link))
    app.view(held_messages.FORM)(as_listener(services, save_link))
    app.command(ANY, matchers=[is_subcommand("help")])(as_listener(services, show_help))
    app.command(ANY)(as_listener(services, show_unknown))
    app.event(ANY)(acknowledge)
    app.action({"type": "block_actions", "action_id": ANY})(refuse_unknown)
    app.view(ANY)(refuse_unknown)


async def on_home_opened(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Publish the Home tab when a person opens it; Slack also reports the Messages tab."""
    event = body["event"]
    if event.get("tab") == "home":
        await _publish(services, Request(workspace_id=str(context.team_id), user_id=event["user"]))


async def tap(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Save a tap under a question, as in the weekly message."""
    await answering.change(services, request, read_tap(body))
    await ack()
    await _publish(services, request)


async def submit_form(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Save what was changed in the form for all answers."""
    await submit(services, request, ack, body)
    await _publish(services, request)


async def skip(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    await answering.change(services, request, Skip())
    await ack()
    await _publish(services, request)


async def stop_asking(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Don't Ask Me Here* in a person's first questions; the button carries the channel."""
    channel_id = request.target_channel_id
    await opt_outs.opt_out(services, request.workspace_id, channel_id, request.user_id)
    text = view.NOT_ASKED_ANY_MORE.format(channel=channel(channel_id))
    client = services.client_for(request.workspace_id)
    await respond_to_url(client, body, content(text, section(text)), replace=False)
    await ack()


async def set_opt_out(
    services: Services, is_out: bool, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Handle *Don't Ask Me Here* and *Ask Me Here Again*; the button carries the channel."""
    change = opt_outs.opt_out if is_out else opt_outs.opt_in
    channel_id = request.target_channel_id
    await change(services, request.workspace_id, channel_id, request.user_id)
    await ack()
    await _publish(services, request)


async def ask_for_channel(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Handle *Start a Phase*: ask for the channel, unless this person may start none."""
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
    actor = await actor_of(services, request)
    refusal = await refusal_to_start(services, request.workspace_id, actor, settings)
    if refusal is not None:
        raise Refused(refusal)
    await open_form(services.client_for(request.workspace_id), body, channel_form.build())
    await ack()


async def start_in_channel(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Replace the form that asked for the channel by the first page of the start form."""
    channel_id = channel_form.parse(typed_values(body))
    in_channel = replace(request, channel_id=channel_id)
    await show_next(ack, await wizard.start_in_chosen_channel(services, in_channel))


async def decide(
    services: Services, decision: Decision, request: Request, ack: AsyncAck, body: Body
) -> None:
    """Carry out an admin's decision to post a held message again or drop it."""
    await held_decisions.decide(services, decision, request)
    await ack()
    await _publish(services, request)


async def ask_for_link(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    """Ask an admin who has seen a held message for its link."""
    form = held_messages.build(await held_decisions.held_message(services, request))
    await open_form(services.client_for(request.workspace_id), body, form)
    await ack()


async def save_link(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    link = held_messages.parse(typed_values(body))
    await held_decisions.decide(services, Decision.THERE, request, link=link)
    await ack()
    await _publish(services, request)


async def show_help(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    message = help_message(await _or_none(channel_state(services, request)))
    await ack(text=message.text, blocks=message.blocks)


async def show_unknown(services: Services, request: Request, ack: AsyncAck, body: Body) -> None:
    client = services.client_for(request.workspace_id)
    typed = await services.people.plain_text(client, request.workspace_id, typed_text(body))
    message = unknown_message(typed, await _or_none(channel_state(services, request)))
    await ack(text=message.text, blocks=message.blocks)


async def acknowledge(body: Body) -> None:
    """Accept the event; without a listener it would never be acknowledged in Socket Mode."""
    log.debug("event_ignored", event_type=body["event"]["type"])


async def refuse_unknown() -> None:
    raise Refused(UNKNOWN_TEXT)


async def _publish(services: Services, request: Request) -> None:
    client = services.client_for(request.workspace_id)
    await lifecycle.show_home(
        services,
        request,
        channel_ids=await _channels_of(client, request.user_id),
        actor=await _or_none(actor_of(services, request)),
    )


async def _or_none(reading: Awaitable[Read]) -> Read | None:
    """Return what is read about a person; None if Slack cannot be asked about them now."""
    try:
        return await reading
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("role_not_read", reason=classify(error).reason)
        return None


async def _channels_of(client: AsyncWebClient, user_id: str) -> tuple[str, ...]:
    """Return the channels that person and bot are both in; none if Slack cannot be asked."""
    try:
        response = await client.users_conversations(
            user=user_id,
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=CHANNELS_LIMIT,
        )
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("channels_lookup_failed", reason=classify(error).reason)
        return ()
    return tuple(channel["id"] for channel in response["channels"])
