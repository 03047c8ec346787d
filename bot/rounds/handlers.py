"""What people press, send and type about a round: saved first, acknowledged afterwards."""

from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.rounds import answer_form, answering, messages
from bot.rounds import poll as rounds_poll
from bot.rounds.answer_authorization import Answering
from bot.rounds.answer_form import Given
from bot.services import Services
from bot.slack.command import NAME, named
from bot.slack.content import Content
from bot.slack.errors import Refused
from bot.slack.payloads import state_values
from bot.slack.views import answer_message, open_form

Body = dict[str, Any]

NOTHING_CHOSEN = (
    "Nothing was sent: no answer is chosen. Choose at least one, or close this and press Skip."
)


def register(app: AsyncApp, services: Services) -> None:
    app.action(messages.SEND)(partial(send, services))
    app.action(messages.SKIP)(partial(skip, services))
    app.action(messages.CHANGE)(partial(change, services))
    app.view(answer_form.FORM)(partial(submit, services))
    app.command(NAME, matchers=[named("poll")])(partial(poll, services))


async def send(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """Send, in the weekly message. With nothing chosen it opens the form and saves nothing."""
    who = _who(body, context)
    given = answer_form.parse(state_values(body), who.round_id)
    if given.has_answer:
        receipt = await answering.answer(services, who, given)
        services.afterwards.do(_replace(services, body, who, receipt))
    else:
        await open_form_with(services, body, who, given)
    await ack()


async def skip(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    who = _who(body, context)
    receipt = await answering.skip(services, who)
    services.afterwards.do(_replace(services, body, who, receipt))
    await ack()


async def change(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """Change, or Answer in a reminder: the form, with what was given before."""
    await open_form_with(services, body, _who(body, context), Given())
    await ack()


async def submit(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    view = body["view"]
    who = Answering(
        workspace_id=_workspace(context),
        user_id=body["user"]["id"],
        round_id=view["private_metadata"],
        place=None,
    )
    given = answer_form.parse(view["state"]["values"], who.round_id)
    if not (given.has_answer or given.comment):
        raise Refused(NOTHING_CHOSEN)
    await answering.answer(services, who, given)
    await ack()


async def poll(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """`/imbalance poll`: the three questions now."""
    said = await rounds_poll.poll(
        services,
        workspace_id=_workspace(context),
        channel_id=body["channel_id"],
        user_id=body["user_id"],
    )
    await ack(said)


def _workspace(context: AsyncBoltContext) -> str:
    assert context.team_id is not None  # Bolt has authorised it
    return context.team_id


def _who(body: Body, context: AsyncBoltContext) -> Answering:
    place = body["container"]
    in_message = place["type"] == "message"
    return Answering(
        workspace_id=_workspace(context),
        user_id=body["user"]["id"],
        round_id=body["actions"][0]["value"],
        place=(place["channel_id"], place["message_ts"]) if in_message else None,
    )


async def open_form_with(services: Services, body: Body, who: Answering, typed: Given) -> None:
    """The form, with what was given before and what was typed where there is no answer yet."""
    asking, before = await answering.to_change(services, who)
    comment, shared = typed.comment or before.comment, typed.shared or before.shared
    given = replace(before, comment=comment, shared=shared)
    client = services.client_for(who.workspace_id)
    await open_form(client, body, answer_form.build(asking, given))


async def _replace(services: Services, body: Body, who: Answering, message: Content) -> None:
    """Show it at once; where Slack does not take it, an edit by the outbox repairs that.

    Their answer is kept by then, so Slack's acknowledgement does not wait for it.
    """
    client = services.client_for(who.workspace_id)
    if not await answer_message(client, body, message, replace=True):
        await answering.show(services, who, message)
