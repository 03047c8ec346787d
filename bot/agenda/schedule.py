"""The agenda's rows, one for each scheduled action, and the transaction that runs an item once."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, case, delete, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import log_fields, subject_prefix
from bot.db import schema
from bot.db.engine import Database
from bot.db.tenancy import across_workspaces
from bot.db.upserts import insert_all_if_new as put_rows_if_new
from bot.db.upserts import insert_or_change
from bot.db.upserts import upsert_all as put_rows
from bot.log import log

_agenda = schema.agenda
_KEY_COLUMNS = (_agenda.c.workspace_id, _agenda.c.action, _agenda.c.subject)
#: The `retry_at` of items not to be run until their workspace is installed again; see
#: `claims.park`.
PARKED = datetime(9999, 12, 31, tzinfo=UTC)
#: Resets `retry_at`, so that any process may take the item, unless it is parked.
_UNLESS_PARKED = case((_agenda.c.retry_at == PARKED, _agenda.c.retry_at))


# Whoever has locked a row is already running it, so nobody waits for one.
_FREE = (
    select(*_KEY_COLUMNS)
    .where(
        _agenda.c.workspace_id == bindparam("workspace_id"),
        _agenda.c.action == bindparam("action"),
        tuple_(_agenda.c.subject, _agenda.c.due_at).in_(bindparam("items", expanding=True)),
    )
    .with_for_update(skip_locked=True)
    .cte("free")
)
_DELETE_FREE = (
    delete(_agenda).where(tuple_(*_KEY_COLUMNS).in_(select(_FREE))).returning(_agenda.c.subject)
)


class NoLongerDue(Exception):
    """Raised if another process is running the item, or it was dropped or rescheduled."""


@dataclass(frozen=True, kw_only=True)
class AgendaItem:
    """One due action. `subject` says what it is about, such as a round's id."""

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
    """Schedule an action for `due_at` (business time), or reschedule it if it is on the agenda."""
    await add_all(tx, workspace_id, action=action, due={subject: due_at})


async def add_all(
    tx: AsyncConnection, workspace_id: str, *, action: str, due: Mapping[str, datetime]
) -> None:
    """Schedule or reschedule one action for many subjects, each at its own time."""
    await put_rows(
        tx,
        _agenda,
        [_row(workspace_id, action, subject, due_at) for subject, due_at in due.items()],
    )


async def add_actions(
    tx: AsyncConnection, workspace_id: str, *, subject: str, due: Mapping[str, datetime]
) -> None:
    """Schedule or reschedule many actions for one subject, each at its own time."""
    await put_rows(
        tx, _agenda, [_row(workspace_id, action, subject, due_at) for action, due_at in due.items()]
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
    """Schedule an action for `due_at` (business time), unless it is on the agenda already.

    Either way the row is locked: a process that runs it does so before or after this transaction,
    not meanwhile without seeing what is written here. A run that had already begun is aborted, so
    the item is made available again.
    """
    row = {"workspace_id": workspace_id, "action": action, "subject": subject, "due_at": due_at}
    await insert_or_change(tx, _agenda, row, {"retry_at": _UNLESS_PARKED})


async def add_all_if_absent(
    tx: AsyncConnection, workspace_id: str, *, action: str, due: Mapping[str, datetime]
) -> None:
    """Schedule each subject at its own time; leave those already on the agenda as they are."""
    rows = [
        {"workspace_id": workspace_id, "action": action, "subject": subject, "due_at": due_at}
        for subject, due_at in due.items()
    ]
    await put_rows_if_new(tx, _agenda, rows)


async def remove(tx: AsyncConnection, workspace_id: str, *, action: str, subject: str) -> None:
    """Remove an action from the agenda."""
    await tx.execute(
        delete(_agenda).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject == subject,
        )
    )


async def remove_about(
    tx: AsyncConnection, workspace_id: str, *, actions: Collection[str], about: str
) -> None:
    """Remove these actions for the subject that is this id, and for all that start with it."""
    await tx.execute(
        delete(_agenda).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action.in_(actions),
            or_(
                _agenda.c.subject == about,
                _agenda.c.subject.startswith(subject_prefix(about), autoescape=True),
            ),
        )
    )


async def lock(tx: AsyncConnection, workspace_id: str, *, action: str, subject: str) -> None:
    """Keep others from starting this action until the transaction ends, if it is on the agenda."""
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
    """Return when this is due, or None if it is not on the agenda."""
    due_at: datetime | None = await tx.scalar(
        select(_agenda.c.due_at).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject == subject,
        )
    )
    return due_at


async def due_times_about(
    tx: AsyncConnection, workspace_id: str, *, action: str, about: str
) -> dict[str, datetime]:
    """Return when the action is due for each multi-part subject that starts with this id.

    The earliest comes first.
    """
    rows = await tx.execute(
        select(_agenda.c.subject, _agenda.c.due_at)
        .where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            _agenda.c.subject.startswith(subject_prefix(about), autoescape=True),
        )
        .order_by(_agenda.c.due_at, _agenda.c.subject)
    )
    return {row.subject: row.due_at for row in rows}


async def is_scheduled(tx: AsyncConnection, workspace_id: str, *, action: str, about: str) -> bool:
    """Return whether the action is scheduled for a multi-part subject that starts with this id."""
    return bool(await due_times_about(tx, workspace_id, action=action, about=about))


async def subjects_about(
    tx: AsyncConnection, workspace_id: str, *, action: str, about: Iterable[str]
) -> tuple[str, ...]:
    """Return the scheduled multi-part subjects of an action that start with one of these ids."""
    prefixes = [subject_prefix(one) for one in about]
    subjects = await tx.scalars(
        select(_agenda.c.subject).where(
            _agenda.c.workspace_id == workspace_id,
            _agenda.c.action == action,
            or_(*(_agenda.c.subject.startswith(prefix, autoescape=True) for prefix in prefixes)),
        )
    )
    return tuple(subjects)


async def next_due(
    reader: AsyncConnection, excluding: Iterable[str] = (), *, after: datetime | None = None
) -> datetime | None:
    """Return when the next action is due, or None if nothing is.

    Actions in `excluding` are left out, and those due at `after` or before.
    """
    wanted: list[ColumnElement[bool]] = [_agenda.c.action.not_in(list(excluding))]
    if after is not None:
        wanted.append(_agenda.c.due_at > after)
    awaiting_retry = (_agenda.c.retry_at.is_not(None), _agenda.c.retry_at < PARKED)
    earliest = [
        await reader.scalar(
            across_workspaces(
                select(func.min(_agenda.c.due_at)).where(*wanted, *conditions),
                "one ticker sleeps until the next action of any workspace",
            )
        )
        for conditions in ((_agenda.c.retry_at.is_(None),), awaiting_retry)
    ]
    return min((due_at for due_at in earliest if due_at is not None), default=None)


def log_skipped(item: AgendaItem, reason: str) -> None:
    """Log why a due item is not run. The reason never depends on what a person said."""
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
    """Run due items and remove them from the agenda, in one transaction.

    `others` belong to the same workspace and action; all of the items are done, or none.

    Raises:
        NoLongerDue: another process runs one of them, or it is no longer due; do nothing.
    """
    async with db.transaction() as tx:
        await complete_or_abort(tx, item, *others)
        yield tx


async def complete_or_abort(tx: AsyncConnection, item: AgendaItem, *others: AgendaItem) -> None:
    """Remove these items in the caller's transaction.

    If the transaction changes their phase, it must have locked the phase first: whoever has locked
    a phase may reschedule or drop its items, and two transactions taking the two locks in different
    orders would deadlock.

    Raises:
        NoLongerDue: another process runs one of them, or it is no longer due; do nothing.
    """
    due = [(due_item.subject, due_item.due_at) for due_item in (item, *others)]
    key = {"workspace_id": item.workspace_id, "action": item.action, "items": due}
    removed = await tx.execute(_DELETE_FREE, key)
    if len(removed.all()) < len(due):
        raise NoLongerDue(item.action)
