"""What people do in App Home, and every use of the command that no room claimed."""

from functools import partial
from typing import Any

from aiohttp import ClientError
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.home import held_decisions, held_messages, lifecycle, view
from bot.home.help import help_message, unknown_message
from bot.log import log
from bot.operations.message_decisions import Decision
from bot.rounds import answer_form, answering
from bot.rounds.answer_authorization import Answering
from bot.rounds.handlers import open_form_with
from bot.services import Services
from bot.slack.command import NAME, named, parse
from bot.slack.errors import Refused, reason_of
from bot.slack.views import open_form
from bot.workspaces.lifecycle import may_change

Body = dict[str, Any]

CHANNELS_LOOKED_AT = 200


def register(app: AsyncApp, services: Services) -> None:
    """Last of the rooms with commands: what is left is help, or a typo."""
    app.event("app_home_opened")(partial(opened, services))
    app.action(view.SEND)(partial(send, services))
    app.action(view.SKIP)(partial(skip, services))
    app.action(view.OPT_OUT)(partial(opt, services, out=True))
    app.action(view.OPT_IN)(partial(opt, services, out=False))
    app.action(held_messages.AGAIN)(partial(decide, services, Decision.AGAIN))
    app.action(held_messages.DROP)(partial(decide, services, Decision.DROP))
    app.action(held_messages.THERE)(partial(ask_for_link, services))
    app.view(held_messages.FORM)(partial(keep_link, services))
    app.command(NAME, matchers=[named("help")])(show_help)
    app.command(NAME)(show_unknown)


async def opened(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Somebody looks at the Home tab (Slack also tells of the Messages tab)."""
    event = body["event"]
    if event.get("tab") != "home":
        return
    await _show(services, str(context.team_id), event["user"])


async def send(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    """With nothing chosen it opens the form and saves nothing, as in the weekly message."""
    who = _who(body, context)
    given = answer_form.parse(body["view"]["state"]["values"], who.round_id)
    if not given.has_answer:
        await open_form_with(services, body, who, given)
        await ack()
        return
    await answering.answer(services, who, given)
    await ack()
    await _show(services, who.workspace_id, who.user_id)


async def skip(services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
    who = _who(body, context)
    await answering.skip(services, who)
    await ack()
    await _show(services, who.workspace_id, who.user_id)


async def opt(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext, *, out: bool
) -> None:
    workspace_id, user_id = str(context.team_id), body["user"]["id"]
    await lifecycle.opt(
        services,
        workspace_id=workspace_id,
        user_id=user_id,
        channel_id=body["actions"][0]["value"],
        out=out,
    )
    await ack()
    await _show(services, workspace_id, user_id)


async def decide(
    services: Services, decision: Decision, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """An admin has a held message posted again, or drops it."""
    workspace_id, user_id = str(context.team_id), body["user"]["id"]
    await held_decisions.decide(
        services,
        decision,
        workspace_id=workspace_id,
        user_id=user_id,
        message_id=body["actions"][0]["value"],
    )
    await ack()
    await _show(services, workspace_id, user_id)


async def ask_for_link(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    """An admin saw a held message: where?"""
    workspace_id, user_id = str(context.team_id), body["user"]["id"]
    message_id = body["actions"][0]["value"]
    found = await held_decisions.held_one(services, workspace_id, user_id, message_id)
    await open_form(services.client_for(workspace_id), body, held_messages.build(found))
    await ack()


async def keep_link(
    services: Services, ack: AsyncAck, body: Body, context: AsyncBoltContext
) -> None:
    workspace_id, user_id = str(context.team_id), body["user"]["id"]
    view = body["view"]
    await held_decisions.decide(
        services,
        Decision.THERE,
        workspace_id=workspace_id,
        user_id=user_id,
        message_id=view["private_metadata"],
        link=held_messages.parse(view["state"]["values"]),
    )
    await ack()
    await _show(services, workspace_id, user_id)


async def show_help(ack: AsyncAck) -> None:
    said = help_message()
    await ack(text=said.text, blocks=said.blocks)


async def show_unknown(ack: AsyncAck, body: Body) -> None:
    said = unknown_message(parse(body.get("text", "")).name)
    await ack(text=said.text, blocks=said.blocks)


def _who(body: Body, context: AsyncBoltContext) -> Answering:
    return Answering(
        workspace_id=str(context.team_id),
        user_id=body["user"]["id"],
        round_id=body["actions"][0]["value"],
        place=None,
    )


async def _show(services: Services, workspace_id: str, user_id: str) -> None:
    channel_ids = await _channels_of(services.client_for(workspace_id), user_id)
    await lifecycle.show_home(
        services,
        workspace_id=workspace_id,
        user_id=user_id,
        channel_ids=channel_ids,
        is_admin=await _is_admin(services, workspace_id, user_id),
    )


async def _is_admin(services: Services, workspace_id: str, user_id: str) -> bool:
    """Whether held messages are shown; where Slack cannot be asked now they are not."""
    try:
        return await may_change(services, workspace_id, user_id)
    except (Refused, SlackApiError, ClientError, TimeoutError):
        return False


async def _channels_of(client: AsyncWebClient, user_id: str) -> tuple[str, ...]:
    """The channels this person and the bot are both in; none where Slack will not say."""
    try:
        answer = await client.users_conversations(
            user=user_id,
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=CHANNELS_LOOKED_AT,
        )
    except SlackApiError as error:
        log.warning("channels_not_read", reason=reason_of(error))
        return ()
    return tuple(channel["id"] for channel in answer["channels"])
