"""Who may answer which round: read for many people at once, in the same few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.writing import padded
from bot.outbox import outbox
from bot.rounds import store
from bot.rounds.asking import ask_key, remind_key
from bot.rounds.facts import Asked, Round
from bot.slack.errors import Refused

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

Place: TypeAlias = tuple[str, str]  # the channel and ts of the message that was pressed in


@dataclass(frozen=True, kw_only=True)
class Answering:
    """One person at one round. `place` is None in App Home and in a form."""

    workspace_id: str
    user_id: str
    round_id: str
    place: Place | None


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Somebody who may answer now, and the messages about it that they were sent."""

    round: Round
    person: Asked
    channel_id: str
    sent: tuple[str, ...] = ()  # their keys


_rounds = schema.rounds
_phases = schema.phases
_roster = schema.round_people
_people = schema.phase_people
_messages = schema.messages

#: Made once, with a person's row beside the round's; the round's alone for who is not asked.
_FOUND = (
    select(
        _rounds,
        _phases.c.channel_id,
        _roster.c.user_id,
        _roster.c.role,
        _roster.c.slot_at,
        _people.c.user_id.label("there"),
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
    .where(
        _rounds.c.workspace_id.in_(bindparam("workspaces", expanding=True)),
        _rounds.c.round_id.in_(bindparam("rounds", expanding=True)),
    )
)
_FOUND_AND_HELD = _FOUND.with_for_update(read=True, of=_rounds)
_SENT = select(
    _messages.c.workspace_id, _messages.c.key, _messages.c.channel, _messages.c.ts
).where(
    _messages.c.workspace_id.in_(bindparam("workspaces", expanding=True)),
    _messages.c.key.in_(bindparam("keys", expanding=True)),
)

#: Workspace and key of a message, and where it is in Slack (None: not known to be there yet).
_Sent: TypeAlias = dict[tuple[str, str], Place | None]


async def admit(
    tx: AsyncConnection, many: Sequence[Answering], now: datetime, *, to_write: bool
) -> list[Admitted | Refused]:
    """For each whether they may answer at this moment, or why not.

    `to_write` keeps the rounds from closing until the transaction ends.
    """
    listed = await _listed(tx, many, now, to_write=to_write)
    sent = await _sent(tx, [(who, one) for who, one in listed if isinstance(one, Admitted)])
    return [
        one if isinstance(one, Refused) else await _at_place(tx, who, one, sent)
        for who, one in listed
    ]


async def _listed(
    tx: AsyncConnection, many: Sequence[Answering], now: datetime, *, to_write: bool
) -> list[tuple[Answering, Admitted | Refused]]:
    wanted = {
        "workspaces": padded(who.workspace_id for who in many),
        "rounds": padded(who.round_id for who in many),
        "users": padded(who.user_id for who in many),
    }
    rows = (await tx.execute(_FOUND_AND_HELD if to_write else _FOUND, wanted)).all()
    rounds = {(row.workspace_id, row.round_id): row for row in rows}
    people = {(row.workspace_id, row.round_id, row.user_id): row for row in rows}
    listed = []
    for who in many:
        of_round = rounds.get((who.workspace_id, who.round_id))
        person = people.get((who.workspace_id, who.round_id, who.user_id))
        listed.append((who, _judged(of_round, person, now)))
    return listed


def _judged(
    of_round: Row[Any] | None, person: Row[Any] | None, now: datetime
) -> Admitted | Refused:
    if of_round is None or of_round.state != "open" or now >= of_round.closes_at:
        return Refused(CLOSED)
    if person is None:
        return Refused(NOT_ASKED)
    asked = store.as_asked(person)
    if asked.has_left:
        return Refused(LEFT)
    found = store.as_round(person._mapping)
    return Admitted(round=found, person=asked, channel_id=person.channel_id)


async def _sent(tx: AsyncConnection, found: Sequence[tuple[Answering, Admitted]]) -> _Sent:
    if not found:
        return {}
    wanted = {
        "workspaces": padded(who.workspace_id for who, _ in found),
        "keys": padded(key for who, one in found for key in _keys(who, one)),
    }
    return {
        (row.workspace_id, row.key): None if row.ts is None else (row.channel, row.ts)
        for row in await tx.execute(_SENT, wanted)
    }


def _keys(who: Answering, found: Admitted) -> tuple[str, str]:
    return ask_key(who.round_id, found.person), remind_key(who.round_id, who.user_id)


async def _at_place(
    tx: AsyncConnection, who: Answering, found: Admitted, sent: _Sent
) -> Admitted | Refused:
    """With their messages; refused where what was pressed in was sent to somebody else.

    A message whose sending is still being proven has no place yet: then the list decides alone.
    """
    keys = [key for key in _keys(who, found) if (who.workspace_id, key) in sent]
    places = [sent[who.workspace_id, key] for key in keys]
    if who.place is not None and who.place not in places:
        channel, ts = who.place
        key = await outbox.key_at(tx, who.workspace_id, channel=channel, ts=ts)
        if key is not None and key.split(":")[1:] != [who.round_id, who.user_id]:
            return Refused(SOMEBODY_ELSES)
    return replace(found, sent=tuple(keys))
