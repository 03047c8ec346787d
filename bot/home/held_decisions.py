"""Decisions of workspace admins about held messages; their rights are checked each time."""

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.home.held_messages import LINK, SHOWN
from bot.home.model import HeldMessage
from bot.operations import message_decisions, message_names
from bot.operations.message_decisions import Decision
from bot.outbox import admin_queries
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.services import Services
from bot.slack.errors import ErrorKind, Refused, classify
from bot.slack.links import parse_message_link
from bot.slack.request import Request
from bot.workspaces.lifecycle import may_change

ADMINS_ONLY = "Only workspace admins can decide about messages. Ask one of them."
NOT_SEEN = (
    "Slack can't find a message at this link, so nothing was changed. Copy the link again "
    "from the message."
)
CANNOT_ASK = "Slack didn't answer, so nothing was changed. Try again in a minute."


async def held_messages_of(
    tx: AsyncConnection, workspace_id: str
) -> tuple[tuple[HeldMessage, ...], int]:
    """Return the first few held messages of a workspace, and the number of all."""
    messages = await admin_queries.list_messages(
        tx, (State.HELD,), limit=SHOWN, workspace_id=workspace_id
    )
    count = await admin_queries.count(tx, (State.HELD,), workspace_id) if messages else 0
    return tuple(_as_held(message) for message in messages), count


async def held_message(services: Services, request: Request) -> HeldMessage:
    """Return a held message, for an admin who says that it was delivered.

    Raises:
        Refused: the person is not an admin, or the message is no longer held.
    """
    await _require_admin(services, request)
    async with services.db.reading() as reader:
        message = await _message(reader, request)
    refusal = message_decisions.refusal_of(Decision.THERE, message, services.clock.now())
    if refusal is not None:
        raise Refused(refusal)
    return _as_held(message)


async def decide(
    services: Services, decision: Decision, request: Request, *, link: str | None = None
) -> None:
    """Carry out an admin's decision; for THERE, `link` points to the message.

    Raises:
        Refused: the person is not an admin, the link leads to no message, or it was decided before.
    """
    await _require_admin(services, request)
    location = None if link is None else await _location_from(services, request.workspace_id, link)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        message = await _message(tx, request)
        await message_decisions.decide(
            tx, decision, message, actor=request.user_id, now=now, location=location
        )


async def _require_admin(services: Services, request: Request) -> None:
    if not await may_change(services, request):
        raise Refused(ADMINS_ONLY)


async def _message(tx: AsyncConnection, request: Request) -> ListedMessage:
    message = await admin_queries.get_message(tx, request.workspace_id, request.target_id)
    if message is None:
        raise Refused(message_decisions.NOT_FOUND)
    return message


async def _location_from(services: Services, workspace_id: str, link: str) -> SlackLocation:
    """Return the location a link points to, if Slack knows a message there."""
    target = parse_message_link(link)
    if target is None:
        raise Refused(message_decisions.NO_LINK, {LINK: message_decisions.NO_LINK})
    channel, ts = target
    try:
        await services.client_for(workspace_id).chat_getPermalink(channel=channel, message_ts=ts)
    except (SlackApiError, ClientError, TimeoutError) as error:
        is_missing = classify(error).kind is ErrorKind.PERMANENT
        refusal = NOT_SEEN if is_missing else CANNOT_ASK
        raise Refused(refusal, {LINK: refusal}) from error
    return SlackLocation(channel=channel, ts=ts)


def _as_held(message: ListedMessage) -> HeldMessage:
    return HeldMessage(
        message_id=message.message_id,
        description=message_names.name_of(message),
        channel_id=None if message.to_person else message.conversation,
        due_at=message.not_before,
    )
