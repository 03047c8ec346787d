"""Authorization to answer rounds, read for many people at once in the same few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.upserts import padded
from bot.keys import Wrapped
from bot.outbox import enqueue, keys
from bot.outbox.keys import MessageKey
from bot.rounds import ballots, questionnaires, store
from bot.rounds.messages import LEFT_TEAM, NOT_ASKED, NOT_OPEN, OTHER_RECIPIENT, OUTSIDER
from bot.rounds.model import QuestionnaireView, RosterEntry, Round
from bot.slack.errors import Refused
from bot.slack.request import Request


@dataclass(frozen=True, kw_only=True)
class AuthorizedAnswer:
    """A person who may answer now, with the messages about it that they were sent."""

    round: Round
    person: RosterEntry
    questionnaire: QuestionnaireView
    sent: Mapping[MessageKey, tuple[str | None, str | None]]  # by key: channel and ts, where known
    secret: Wrapped | None = field(repr=False)  # the round's; None if destroyed


COMMITTED_TOGETHER = "answers of several workspaces are committed together"
_rounds = schema.rounds
_roster = schema.round_people
_people = schema.phase_people
_MESSAGE_COLUMNS = ("key", "channel", "ts")
_asked = schema.messages.alias("asked")
_reminded = schema.messages.alias("reminded")


def _message_join(message: Any, key: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(message.c.workspace_id == _rounds.c.workspace_id, message.c.key == key)


#: Built once. Selects a row for each round and listed person; a round with none of the given people
#: on its list comes as a single row without a person.
_QUERY = ballots.with_secrets(
    select(
        _rounds,
        *questionnaires.COLUMNS,
        _roster.c.user_id,
        _roster.c.role,
        _roster.c.slot_at,
        _people.c.user_id.label("there"),
        schema.people.c.is_guest,
        schema.people.c.team_id,
        *(
            message.c[name].label(f"{message.name}_{name}")
            for message in (_asked, _reminded)
            for name in _MESSAGE_COLUMNS
        ),
    )
    .join(schema.phases, questionnaires.IS_PHASE)
    .outerjoin(
        _roster,
        and_(
            _roster.c.workspace_id == _rounds.c.workspace_id,
            _roster.c.round_id == _rounds.c.round_id,
            _roster.c.user_id.in_(bindparam("users", expanding=True)),
            _roster.c.slot_at.is_not(None),
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
    .outerjoin(schema.people, store.is_profile_of(_roster))
    .outerjoin(_asked, _message_join(_asked, keys.question_in_sql(_rounds, _roster)))
    .outerjoin(_reminded, _message_join(_reminded, keys.remind_in_sql(_rounds, _roster)))
    .where(
        _rounds.c.workspace_id.in_(bindparam("workspaces", expanding=True)),
        _rounds.c.round_id.in_(bindparam("rounds", expanding=True)),
    )
)
# Rows are matched to requests by workspace, round and person.
_QUERY = across_workspaces(_QUERY, COMMITTED_TOGETHER)
_LOCKING_QUERY = _QUERY.with_for_update(read=True, of=_rounds)


async def authorize_all(
    tx: AsyncConnection, requests: Sequence[Request], now: datetime, *, to_write: bool
) -> list[AuthorizedAnswer | Refused]:
    """Return for each request whether its person may answer now, or why not.

    `to_write` keeps the rounds from closing, and other processes from changing the same people's
    answers, until the transaction ends.
    """
    if to_write:
        await _lock_people(tx, requests)
    parameters = {
        "workspaces": padded(request.workspace_id for request in requests),
        "rounds": padded(request.target_id for request in requests),
        "users": padded(request.user_id for request in requests),
    }
    rows = (await tx.execute(_LOCKING_QUERY if to_write else _QUERY, parameters)).all()
    rounds = {(row.workspace_id, row.round_id): row for row in rows}
    people = {(row.workspace_id, row.round_id, row.user_id): row for row in rows}
    authorizations = []
    for request in requests:
        round_row = rounds.get((request.workspace_id, request.target_id))
        person_row = people.get((request.workspace_id, request.target_id, request.user_id))
        authorizations.append(
            await _check_message(tx, request, _authorize(round_row, person_row, now))
        )
    return authorizations


async def _lock_people(tx: AsyncConnection, requests: Sequence[Request]) -> None:
    """Lock these people's entries on the rosters; SQLite's only writer needs no lock.

    It takes a statement of its own: one that waits for a lock may read older answers than those
    that were stored meanwhile.
    """
    if tx.dialect.name == "sqlite":
        return
    key = [_roster.c[name] for name in ("workspace_id", "round_id", "user_id")]
    people = [(request.workspace_id, request.target_id, request.user_id) for request in requests]
    is_wanted = tuple_(*key).in_(padded(people))
    locked = select(_roster.c.user_id).where(is_wanted).order_by(*key)
    await tx.execute(across_workspaces(locked.with_for_update(key_share=True), COMMITTED_TOGETHER))


def _authorize(
    round_row: Row[Any] | None, person_row: Row[Any] | None, now: datetime
) -> AuthorizedAnswer | Refused:
    if round_row is None or round_row.state != "open" or now >= round_row.closes_at:
        return Refused(NOT_OPEN)
    if person_row is None:
        return Refused(NOT_ASKED)
    person = store.as_asked(person_row)
    if person.has_left:
        return Refused(LEFT_TEAM)
    if person.is_outsider:
        return Refused(OUTSIDER)
    round_ = store.as_round(person_row._mapping)
    messages = (
        (person_row.asked_key, person_row.asked_channel, person_row.asked_ts),
        (person_row.reminded_key, person_row.reminded_channel, person_row.reminded_ts),
    )
    sent = {MessageKey(key): (channel, ts) for key, channel, ts in messages if key is not None}
    return AuthorizedAnswer(
        round=round_,
        person=person,
        questionnaire=questionnaires.as_questionnaire(person_row, round_),
        sent=sent,
        secret=ballots.secret_in(person_row._mapping),
    )


async def _check_message(
    tx: AsyncConnection, request: Request, authorization: AuthorizedAnswer | Refused
) -> AuthorizedAnswer | Refused:
    """Refuse an answer given in a message that was sent to somebody else.

    A message whose delivery is not confirmed yet has no known place; then the list alone decides.
    """
    if (
        isinstance(authorization, AuthorizedAnswer)
        and request.message
        and request.message not in authorization.sent.values()
    ):
        channel, ts = request.message
        key = await enqueue.key_at(tx, request.workspace_id, channel=channel, ts=ts)
        if key is not None and (key.round_id, key.user_id) != (request.target_id, request.user_id):
            return Refused(OTHER_RECIPIENT)
    return authorization
