"""What people type and press to see, extend and end a phase."""

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.channel_health import messages as channel_health_messages
from bot.channel_health import pause
from bot.ending import extend, extend_form, wrap_up, wrap_up_form
from bot.ending import messages as ending_messages
from bot.phases import store
from bot.phases.model import PhaseRow, WholePhase
from bot.phases.permissions import Managing, may_manage
from bot.rounds.poll import poll
from bot.services import Services
from bot.slack.command import NAME, named
from bot.slack.content import content, section
from bot.slack.errors import Refused
from bot.slack.views import answer_message, notice, open_form, show_next
from bot.start import wizard
from bot.status import card
from bot.status import store as status_store

Body = dict[str, Any]

NO_PHASE = (
    "Nothing was changed: no phase runs in this channel. `/imbalance start` begins one, with a "
    "preview before anything is said."
)
DONE = "Sent"
ENDED = (
    "The channel has it. Each member gets a goodbye in their working hours, or your line if the "
    "goodbye was there before."
)
ENDED_APART = (
    "The channel cannot be written in, so nothing is posted there. Each member gets what it "
    "brought with a goodbye in their working hours."
)
EXTENDED = "The channel reads the new end and your reason."
EXTENDED_APART = "The channel reads the new end and your reason once I can write in it again."


def register(app: AsyncApp, services: Services) -> None:
    app.command(NAME, matchers=[named("", "status")])(partial(show_status, services))
    app.command(NAME, matchers=[named("budget")])(partial(show_budget, services))
    app.command(NAME, matchers=[named("extend")])(partial(type_extend, services))
    app.command(NAME, matchers=[named("end")])(partial(type_end, services))
    app.action(card.START)(partial(press_start, services))
    app.action(card.POLL)(partial(press_poll, services))
    app.action(ending_messages.EXTEND)(partial(press_extend, services))
    app.action(ending_messages.WRAP_UP)(partial(press_end, services))
    app.action(channel_health_messages.TRY_AGAIN)(partial(press_try_again, services))
    app.action(channel_health_messages.POST_AGAIN)(partial(press_post_again, services))
    app.view(extend_form.FORM)(partial(submit_extend, services))
    app.view(wrap_up_form.FORM)(partial(submit_wrap_up, services))


async def show_status(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """`/imbalance`, and `/imbalance status`."""
    seen = await status_store.glance(
        services,
        workspace_id=str(context.team_id),
        channel_id=body["channel_id"],
        user_id=body["user_id"],
    )
    said = card.card(seen)
    await ack(text=said.text, blocks=said.blocks)


async def show_budget(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    found = await status_store.spending(
        services,
        workspace_id=str(context.team_id),
        channel_id=body["channel_id"],
        user_id=body["user_id"],
    )
    said = card.budget_card(*found)
    await ack(text=said.text, blocks=said.blocks)


async def type_extend(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    running = await _running(services, body, context)
    await _open_extend(services, body, _who(body, context, running.phase_id))
    await ack()


async def type_end(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    running = await _running(services, body, context)
    await _open_end(services, body, _who(body, context, running.phase_id))
    await ack()


async def press_start(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """*Start a phase*, on the status card."""
    await wizard.open_start(
        services,
        body,
        workspace_id=str(context.team_id),
        channel_id=body["actions"][0]["value"],
        user_id=body["user"]["id"],
    )
    await ack()


async def press_poll(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """*Ask now*, on the status card."""
    said = await poll(
        services,
        workspace_id=str(context.team_id),
        channel_id=body["actions"][0]["value"],
        user_id=body["user"]["id"],
    )
    client = services.client_for(str(context.team_id))
    await answer_message(client, body, content(said, section(said)), replace=False)
    await ack()


async def press_extend(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    await _open_extend(services, body, _who(body, context, body["actions"][0]["value"]))
    await ack()


async def press_end(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    await _open_end(services, body, _who(body, context, body["actions"][0]["value"]))
    await ack()


async def press_try_again(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """*Try again*, where a phase is paused."""
    await pause.try_again(services, _who(body, context, body["actions"][0]["value"]))
    await ack()


async def press_post_again(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """*Post it again*, where the announcement was deleted."""
    await pause.post_again(services, _who(body, context, body["actions"][0]["value"]))
    await ack()


async def submit_extend(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    asked = extend_form.parse(body["view"]["state"]["values"])
    who = _who(body, context, body["view"]["private_metadata"])
    moved = await extend.extend(services, who, asked)
    told = EXTENDED_APART if moved.phase.is_paused else EXTENDED
    await show_next(ack, notice("Extended", told))


async def submit_wrap_up(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    said = wrap_up_form.parse(body["view"]["state"]["values"])
    who = _who(body, context, body["view"]["private_metadata"])
    ended = await wrap_up.wrap_up(services, who, said)
    told = ENDED_APART if ended.phase.is_paused else ENDED
    await show_next(ack, notice(DONE, told))


def _who(body: Body, context: AsyncBoltContext, phase_id: str) -> Managing:
    user_id = body["user"]["id"] if "user" in body else body["user_id"]
    return Managing(workspace_id=str(context.team_id), phase_id=phase_id, user_id=user_id)


async def _running(services: Services, body: Body, context: AsyncBoltContext) -> PhaseRow:
    """The phase of the channel it was typed in; one that ended without a wrap-up counts."""
    async with services.db.reading() as reader:
        latest = await store.latest_in(reader, str(context.team_id), body["channel_id"])
    if latest is None or latest.wrapped_up_at is not None:
        raise Refused(NO_PHASE)
    return latest


async def _managed(services: Services, who: Managing) -> WholePhase:
    actor = await who.actor(services)
    async with services.db.reading() as reader:
        return await may_manage(reader, who, actor)


async def _open_extend(services: Services, body: Body, who: Managing) -> None:
    """The form; for a phase extended before, the start form of the one that follows it."""
    whole = await _managed(services, who)
    phase = whole.phase
    if not phase.is_active:
        raise Refused(extend.ENDED)
    if phase.extension_reason is not None:
        await wizard.open_start(
            services,
            body,
            workspace_id=who.workspace_id,
            channel_id=phase.channel_id,
            user_id=who.user_id,
            continues=phase.phase_id,
        )
        return
    async with services.db.reading() as reader:
        limits = await store.limits_of(reader, who.workspace_id)
    latest = extend.latest_end(phase, limits)
    await open_form(services.client_for(who.workspace_id), body, extend_form.build(whole, latest))


async def _open_end(services: Services, body: Body, who: Managing) -> None:
    whole = await _managed(services, who)
    if whole.phase.wrapped_up_at is not None:
        raise Refused(wrap_up.WRITTEN)
    await open_form(services.client_for(who.workspace_id), body, wrap_up_form.build(whole))
