"""The agenda's rows: one for each action that is to run, and the transaction that runs it once."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import log_fields, start_of_subjects
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import insert_or_change
from bot.db.upserts import put_all as put_rows
from bot.db.upserts import put_all_if_new as put_rows_if_new
from bot.log import log

_agenda = schema.agenda
_KEY = (_agenda.c.workspace_id, _agenda.c.action, _agenda.c.subject)
#: A `retry_at` of what is not done until its workspace is installed again; see `claims.park`.
PARKED = datetime(9999, 12, 31, tzinfo=UTC)
#: The `retry_at` of what is free for anybody, but of a parked row.
_UNLESS_PARKED = case((_agenda.c.retry_at == PARKED, _agenda.c.retry_at))


# Who holds a row already carries it out, so nobody waits for one.
_FREE = (
    select(*_KEY)
    .where(
        _agenda.c.workspace_id == bindparam("workspace_id"),
        _agenda.c.action == bindparam("action"),
        tuple_(_agenda.c.subject, _agenda.c.due_at).in_(bindparam("mine", expanding=True)),
    )
    .with_for_update(skip_locked=True)
    .cte("free")
)
_STRIKE_OFF = delete(_agenda).where(tuple_(*_KEY).in_(select(_FREE))).returning(_agenda.c.subject)


class AlreadyTaken(Exception):
    """Another process carries this out, or it was dropped or moved."""


@dataclass(frozen=True, kw_only=True)
class AgendaItem:
    """One thing that is due. `subject` names what it is about, such as a round's id."""

    workspace_id: str
    action: str
    subject: str
    due_at: datetime
    attempts: int = 0


def item_from_row(row: Row[Any]) -> AgendaItem:
    return AgendaItem(
        workspace_id=row.workspace_id,
        action=row.action,
        subject=row.subject,
        due_at=row.due_at,
        attempts=row.attempts,
    )


async def add(
    tx: AsyncConnection, workspace_id: str, *, action: str, subject: str, due_at: datetime
) -> None:
    """Note what is to be done at `due_at` (business time), or move it there if it was noted."""
    await add_all(tx, workspace_id, action=action, due={subject: due_at})


async def add_all(
    tx: AsyncConnection, workspace_id: str, *, action: str, due: Mapping[str, datetime]
) -> None:
    """The same for many subjects, each at its own time."""
    await put_rows(
        tx, _agenda, [_row(workspace_id, action, subject, at) for subject, at in due.items()]
    )


async def add_actions(
    tx: AsyncConnection, workspace_id: str, *, subject: str, due: Mapping[str, datetime]
) -> None:
    """The same for many actions about one subject, each at its own time."""
    await put_rows(
        tx, _agenda, [_row(workspace_id, action, subject, at) for action, at in due.items()]
    )


def _row(workspace_id: str, action: str, subject: str, due_at: datetime) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "action": action,
        "subject": subject,
        "due_at": due_at,
        "attempts": 0,
        "retry_at": None,
    }


async def add_or_lock(
    tx: AsyncConnection, workspace_id: str, *, action: str, subject: str, due_at: datetime
) -> None:
    """Note what is to be done at `due_at` (business time), unless it was noted already.

    Then it is held: who carries it out does so before or after this transaction, not meanwhile
    and without what is written here. Whoever had begun to leaves off, so it is free again.
    """
    row = {"workspace_id": workspace_id, "action": action, "subject": subject, "due_at": due_at}
    await insert_or_change(tx, _agenda, row, {"retry_at": _UNLESS_PARKED})


async def add_all_if_absent(
    tx: AsyncConnection, workspace_id: str, *, action: str, due: Mapping[str, datetime]
) -> None:
    """Note each subject at its own time, unless it was noted already; that is left as it is."""
    rows = [
        {"workspace_id": workspace_id, "action": action, "subject": subject, "due_at": due_at}
        for subject, due_at in due.items()
    ]
    await put_rows_if_new(tx, _agenda, rows)


async def remove(tx: AsyncConnection, workspace_id: str, *, action: str, subject: str) -> None:
    """Do not do it any more."""
    await tx.execute(
        delete(_agenda).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject == subject,
        )
    )


async def remove_actions(
    tx: AsyncConnection, workspace_id: str, *, actions: Collection[str], subject: str
) -> None:
    """Do none of these actions about this subject any more."""
    await tx.execute(
        delete(_agenda).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action.in_(actions),
            _agenda.c.subject == subject,
        )
    )


async def remove_about(
    tx: AsyncConnection, workspace_id: str, *, actions: Collection[str], about: str
) -> None:
    """Do none of these any more about any subject of several parts that starts with this id."""
    await tx.execute(
        delete(_agenda).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action.in_(actions),
            _agenda.c.subject.startswith(start_of_subjects(about), autoescape=True),
        )
    )


async def lock(tx: AsyncConnection, workspace_id: str, *, action: str, subject: str) -> None:
    """Let nobody begin to carry this out until the transaction ends, if it is noted."""
    await tx.execute(
        select(_agenda.c.subject)
        .where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject == subject,
        )
        .with_for_update()
    )


async def due_time(
    tx: AsyncConnection, workspace_id: str, *, action: str, subject: str
) -> datetime | None:
    """When this is due; None where it is not on the agenda."""
    due_at: datetime | None = await tx.scalar(
        select(_agenda.c.due_at).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject == subject,
        )
    )
    return due_at


async def is_scheduled(tx: AsyncConnection, workspace_id: str, *, action: str, about: str) -> bool:
    """Whether this is to be done about any subject of several parts that starts with this id."""
    found = await tx.scalar(
        select(_agenda.c.subject)
        .where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject.startswith(start_of_subjects(about), autoescape=True),
        )
        .limit(1)
    )
    return found is not None


async def next_due(reader: AsyncConnection, besides: Iterable[str] = ()) -> datetime | None:
    """When the next thing is due, `besides` these actions; None where nothing is."""
    others = _agenda.c.action.not_in(list(besides))
    failed = (_agenda.c.retry_at.is_not(None), _agenda.c.retry_at < PARKED)
    earliest = [
        await reader.scalar(select(func.min(_agenda.c.due_at)).where(others, *waits))
        for waits in ((_agenda.c.retry_at.is_(None),), failed)
    ]
    return min((found for found in earliest if found is not None), default=None)


def log_skipped(item: AgendaItem, reason: str) -> None:
    """Say in the log why something due is not done any more. Never because of what one said."""
    log.info(
        "agenda_action_stale",
        **log_fields(item.action, item.subject),
        workspace=item.workspace_id,
        reason=reason,
    )


@asynccontextmanager
async def run_item(
    db: Database, item: AgendaItem, *others: AgendaItem
) -> AsyncIterator[AsyncConnection]:
    """The one transaction that does what is due and strikes it off the list.

    Others are of the same workspace and action, and are done with it or not at all.

    Raises:
        Taken: someone else does it, or it is not due any more; nothing is to be done.
    """
    async with db.transaction() as tx:
        await complete_or_abort(tx, item, *others)
        yield tx


async def complete_or_abort(tx: AsyncConnection, item: AgendaItem, *others: AgendaItem) -> None:
    """Strike these off in the caller's transaction, which holds their phase if it changes it.

    In this order: who holds a phase may move or drop what is due about it, and two that took the
    two in different orders would wait for each other.

    Raises:
        Taken: someone else does it, or it is not due any more; nothing is to be done.
    """
    mine = [(one.subject, one.due_at) for one in (item, *others)]
    key = {"workspace_id": item.workspace_id, "action": item.action, "mine": mine}
    struck_off = await tx.execute(_STRIKE_OFF, key)
    if len(struck_off.all()) < len(mine):
        raise AlreadyTaken(item.action)
