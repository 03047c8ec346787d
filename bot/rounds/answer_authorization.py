"""Authorization to answer rounds, read for many people at once in the same few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.upserts import padded
from bot.keys import Wrapped
from bot.outbox import enqueue, keys
from bot.outbox.keys import MessageKey
from bot.rounds import ballots, store
from bot.rounds.model import AskedPerson, Round
from bot.slack.errors import Refused
from bot.slack.request import Request

CLOSED = (
    "Nothing was saved: these questions are closed, and answers are counted only together. "
    "The next ones come as a message from Imbalance."
)
NOT_ASKED = (
    "Nothing was saved: you are not among the people asked this time. Tell who leads the phase "
    "if you should be."
)
SOMEBODY_ELSES = (
    "Nothing was saved: this message was sent to somebody else. Answer in your own message from "
    "Imbalance."
)
LEFT = (
    "Nothing was saved: you left the team of this phase since the questions went out. Tell who "
    "leads the phase if that is wrong."
)


@dataclass(frozen=True, kw_only=True)
class AuthorizedAnswer:
    """Somebody who may answer now, and the messages about it that they were sent."""

    round: Round
    person: AskedPerson
    channel_id: str
    sent: Mapping[MessageKey, tuple[str | None, str | None]]  # by key, channel and ts where known
    secret: Wrapped | None = field(repr=False)  # of the round; None: destroyed


_rounds = schema.rounds
_phases = schema.phases
_roster = schema.round_people
_people = schema.phase_people
_PLACED = ("key", "channel", "ts")
_asked = schema.messages.alias("asked")
_reminded = schema.messages.alias("reminded")


def _said(message: Any, key: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(message.c.workspace_id == _rounds.c.workspace_id, message.c.key == key)


#: Made once, with a person's row beside the round's; the round's alone for who is not asked.
_FOUND = ballots.with_secrets(
    select(
        _rounds,
        _phases.c.channel_id,
        _roster.c.user_id,
        _roster.c.role,
        _roster.c.slot_at,
        _people.c.user_id.label("there"),
        *(
            one.c[name].label(f"{one.name}_{name}")
            for one in (_asked, _reminded)
            for name in _PLACED
        ),
    )
    .join(
        _phases,
        and_(
            _phases.c.workspace_id == _rounds.c.workspace_id,
            _phases.c.phase_id == _rounds.c.phase_id,
        ),
    )
    .outerjoin(
        _roster,
        and_(
            _roster.c.workspace_id == _rounds.c.workspace_id,
            _roster.c.round_id == _rounds.c.round_id,
            _roster.c.user_id.in_(bindparam("users", expanding=True)),
        ),
    )
    .outerjoin(
        _people,
        and_(
            _people.c.workspace_id == _rounds.c.workspace_id,
            _people.c.phase_id == _rounds.c.phase_id,
            _people.c.user_id == _roster.c.user_id,
            _people.c.left_at.is_(None),
        ),
    )
    .outerjoin(_asked, _said(_asked, keys.question_in_sql(_rounds, _roster)))
    .outerjoin(_reminded, _said(_reminded, keys.remind_in_sql(_rounds, _roster)))
    .where(
        _rounds.c.workspace_id.in_(bindparam("workspaces", expanding=True)),
        _rounds.c.round_id.in_(bindparam("rounds", expanding=True)),
    )
)
_FOUND_AND_HELD = _FOUND.with_for_update(read=True, of=_rounds)


async def authorize_all(
    tx: AsyncConnection, many: Sequence[Request], now: datetime, *, to_write: bool
) -> list[AuthorizedAnswer | Refused]:
    """For each whether they may answer at this moment, or why not.

    `to_write` keeps the rounds from closing until the transaction ends.
    """
    wanted = {
        "workspaces": padded(request.workspace_id for request in many),
        "rounds": padded(request.target_id for request in many),
        "users": padded(request.user_id for request in many),
    }
    rows = (await tx.execute(_FOUND_AND_HELD if to_write else _FOUND, wanted)).all()
    rounds = {(row.workspace_id, row.round_id): row for row in rows}
    people = {(row.workspace_id, row.round_id, row.user_id): row for row in rows}
    admitted = []
    for request in many:
        of_round = rounds.get((request.workspace_id, request.target_id))
        person = people.get((request.workspace_id, request.target_id, request.user_id))
        admitted.append(await _at_place(tx, request, _judged(of_round, person, now)))
    return admitted


def _judged(
    of_round: Row[Any] | None, person: Row[Any] | None, now: datetime
) -> AuthorizedAnswer | Refused:
    if of_round is None or of_round.state != "open" or now >= of_round.closes_at:
        return Refused(CLOSED)
    if person is None:
        return Refused(NOT_ASKED)
    asked = store.as_asked(person)
    if asked.has_left:
        return Refused(LEFT)
    found = store.as_round(person._mapping)
    messages = (
        (person.asked_key, person.asked_channel, person.asked_ts),
        (person.reminded_key, person.reminded_channel, person.reminded_ts),
    )
    sent = {MessageKey(key): (channel, ts) for key, channel, ts in messages if key is not None}
    return AuthorizedAnswer(
        round=found,
        person=asked,
        channel_id=person.channel_id,
        sent=sent,
        secret=ballots.secret_in(person._mapping),
    )


async def _at_place(
    tx: AsyncConnection, request: Request, found: AuthorizedAnswer | Refused
) -> AuthorizedAnswer | Refused:
    """Refused where what was pressed in was sent to somebody else.

    A message whose sending is still being proven has no place yet: then the list decides alone.
    """
    if (
        isinstance(found, AuthorizedAnswer)
        and request.message
        and request.message not in found.sent.values()
    ):
        channel, ts = request.message
        key = await enqueue.key_at(tx, request.workspace_id, channel=channel, ts=ts)
        if key is not None and (key.round_id, key.user_id) != (request.target_id, request.user_id):
            return Refused(SOMEBODY_ELSES)
    return found
