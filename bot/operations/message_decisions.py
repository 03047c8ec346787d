"""Decisions about a message that nobody can prove: the choices, and carrying one out."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channel_health import restore_announcement
from bot.outbox import admin_queries
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.slack.errors import Refused
from bot.workspaces.store import add_audit_entry

#: Clocks differ: what was posted a little before the first try may still be it. A proof looks from
#: further back, for it knows the message by its id; a link may lead anywhere.
SKEW = timedelta(seconds=60)
#: What operators are called in the audit; people are called by their ids.
OPERATOR = "operator"

NOT_FOUND = "Nothing was changed: no message has this id."
IN_SLACK = "Nothing was changed: it is in Slack."
ON_ITS_WAY = "Nothing was changed: it is sent by itself when its turn comes."
BEING_SENT = "Nothing was changed: it is being sent just now. Look again in a minute."
LOOKED_FOR = (
    "Nothing was changed: it is looked for in Slack, and sent again only if it is not there. If "
    "you see it, give its link."
)
GIVEN_UP = "Nothing was changed: it was given up, and its text is erased."
REFUSED = "Nothing was changed: Slack refused it, so it cannot be there."
TOO_LATE = "Nothing was changed: its time is over, so it would not be sent. Drop it."
NO_LINK = (
    "Nothing was changed: that is no link to a message. In Slack choose More actions, Copy link."
)
ELSEWHERE = "Nothing was changed: the link leads to another conversation than its own."
EARLIER = "Nothing was changed: the link leads to an older message than this one."
MEANWHILE = "Nothing was changed: somebody else decided meanwhile. Look again."


class Decision(StrEnum):
    """What is to become of it."""

    AGAIN = "again"
    THERE = "there"
    DROP = "drop"


_NOT = {
    Decision.AGAIN: {
        State.PENDING: ON_ITS_WAY,
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.UNKNOWN: LOOKED_FOR,
        State.EXPIRED: GIVEN_UP,
    },
    Decision.THERE: {
        State.PENDING: ON_ITS_WAY,
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.FAILED: REFUSED,
        State.EXPIRED: GIVEN_UP,
    },
    Decision.DROP: {
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.EXPIRED: GIVEN_UP,
    },
}


def refusal_of(decision: Decision, message: ListedMessage, now: datetime) -> str | None:
    """What speaks against it; None: nothing. Pure."""
    if (
        decision is Decision.AGAIN
        and message.state in admin_queries.STUCK
        and message.is_too_late(now)
    ):
        return TOO_LATE
    return _NOT[decision].get(message.state)


def refusal_of_location(message: ListedMessage, place: SlackLocation) -> str | None:
    """Why the message cannot be the one at this place; None: it may be. Pure."""
    channel, ts = str(place.channel), str(place.ts)
    expected = channel.startswith("D") if message.to_person else channel == message.conversation
    if not expected:
        return ELSEWHERE
    tried = message.first_try_at or message.decided_at
    return EARLIER if float(ts) < (tried - SKEW).timestamp() else None


async def decide(
    tx: AsyncConnection,
    decision: Decision,
    message: ListedMessage,
    *,
    actor: str,
    now: datetime,
    place: SlackLocation | None = None,
) -> None:
    """Carry it out and leave an audit row. `place` is where it was seen, for THERE.

    Raises:
        Refused: the message is not in a state for this, or another place is meant.
    """
    against = refusal_of(decision, message, now)
    if against is None and place is not None:
        against = refusal_of_location(message, place)
    if against is not None:
        raise Refused(against)
    if not await _carried_out(tx, decision, message, now, place):
        raise Refused(MEANWHILE)
    if decision is not Decision.DROP:
        await restore_announcement.restore(tx, message.workspace_id, message.key, now)
    await add_audit_entry(
        tx,
        message.workspace_id,
        actor=actor,
        action="message",
        subject=message.message_id,
        before={"state": message.state, "kind": message.kind},
        after={"decision": decision},
        now=now,
    )


async def _carried_out(
    tx: AsyncConnection,
    decision: Decision,
    message: ListedMessage,
    now: datetime,
    place: SlackLocation | None,
) -> bool:
    mine = message.workspace_id, message.message_id
    if decision is Decision.AGAIN:
        return await admin_queries.post_again(tx, *mine)
    if decision is Decision.DROP:
        return await admin_queries.drop(tx, *mine)
    assert place is not None  # without it nothing could be edited or pinned any more
    return await admin_queries.is_there(tx, *mine, place, now)
