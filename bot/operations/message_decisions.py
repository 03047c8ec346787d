"""Decisions about a message of unknown outcome: the choices, and carrying one out."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channel_health import late_deliveries
from bot.outbox import admin_queries
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.slack.errors import Refused
from bot.slack.ids import can_contain
from bot.workspaces.store import add_audit_entry

#: Allowance for clock differences: a message posted slightly before the first attempt may be this
#: one. The lookup allows more, as it identifies the message by its id; a link may lead anywhere.
SKEW = timedelta(seconds=60)

NOT_FOUND = "Nothing was changed: no message has this id."
IN_SLACK = "Nothing was changed: it's in Slack."
STILL_PENDING = "Nothing was changed: it's sent by itself when its turn comes."
BEING_SENT = "Nothing was changed: it's being sent right now. Look again in a minute."
BEING_LOOKED_UP = (
    "Nothing was changed: the bot is looking for it in Slack, and sends it again only if it isn't "
    "there. If you see it, give its link."
)
ALREADY_EXPIRED = "Nothing was changed: it was given up, and its text has been erased."
REFUSED = "Nothing was changed: Slack refused it, so it can't be there."
TOO_LATE = "Nothing was changed: it's too late to send this message. Drop it."
NO_LINK = (
    "Nothing was changed: that isn't a link to a message. In Slack choose More actions, Copy link."
)
WRONG_CONVERSATION = "Nothing was changed: the link leads to a different conversation."
TOO_OLD = "Nothing was changed: the link leads to an older message than this one."
DECIDED_MEANWHILE = "Nothing was changed: somebody else has already decided. Look again."


class Decision(StrEnum):
    """The possible decisions about a message."""

    AGAIN = "again"
    THERE = "there"
    DROP = "drop"


_REFUSALS = {
    Decision.AGAIN: {
        State.PENDING: STILL_PENDING,
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.UNKNOWN: BEING_LOOKED_UP,
        State.EXPIRED: ALREADY_EXPIRED,
    },
    Decision.THERE: {
        State.PENDING: STILL_PENDING,
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.FAILED: REFUSED,
        State.EXPIRED: ALREADY_EXPIRED,
    },
    Decision.DROP: {
        State.SENDING: BEING_SENT,
        State.SENT: IN_SLACK,
        State.EXPIRED: ALREADY_EXPIRED,
    },
}


def refusal_of(decision: Decision, message: ListedMessage, now: datetime) -> str | None:
    """Return the reason against a decision, or None if it is possible. Pure."""
    if (
        decision is Decision.AGAIN
        and message.state in admin_queries.STUCK
        and message.is_too_late(now)
    ):
        return TOO_LATE
    return _REFUSALS[decision].get(message.state)


def refusal_of_location(message: ListedMessage, location: SlackLocation) -> str | None:
    """Return why the message cannot be the one at this location, or None if it may be. Pure."""
    channel, ts = str(location.channel), str(location.ts)
    if not can_contain(channel, message.conversation):
        return WRONG_CONVERSATION
    earliest = message.first_try_at or message.enqueued_at
    return TOO_OLD if float(ts) < (earliest - SKEW).timestamp() else None


async def decide(
    tx: AsyncConnection,
    decision: Decision,
    message: ListedMessage,
    *,
    actor: str,
    now: datetime,
    location: SlackLocation | None = None,
) -> None:
    """Carry out a decision and add an audit row. `place` is the location it was seen at, for THERE.

    Raises:
        Refused: the message is not in a suitable state, or the location does not fit it.
    """
    refusal = refusal_of(decision, message, now)
    if refusal is None and location is not None:
        refusal = refusal_of_location(message, location)
    if refusal is not None:
        raise Refused(refusal)
    if not await _carry_out(tx, decision, message, now, location):
        raise Refused(DECIDED_MEANWHILE)
    if decision is not Decision.DROP:
        await late_deliveries.follow_up(tx, message.workspace_id, message.key, now)
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


async def _carry_out(
    tx: AsyncConnection,
    decision: Decision,
    message: ListedMessage,
    now: datetime,
    location: SlackLocation | None,
) -> bool:
    ids = message.workspace_id, message.message_id
    if decision is Decision.AGAIN:
        return await admin_queries.post_again(tx, *ids)
    if decision is Decision.DROP:
        return await admin_queries.drop(tx, *ids)
    assert location is not None  # needed for later edits and pins
    return await admin_queries.mark_seen_in_slack(tx, *ids, location, now)
