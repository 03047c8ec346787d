"""The state of each workspace for operators, read from the database alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.actions import ActionName
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.outbox.admin_queries import STUCK
from bot.outbox.enqueue import State
from bot.outbox.queue_heads import literal_states
from bot.workspaces.retention import PURGED_AFTER

_workspaces, _leases, _agenda = schema.workspaces, schema.sender_leases, schema.agenda
_messages, _phases = schema.messages, schema.phases
EVERY_WORKSPACE = "an operator looks at every workspace"
#: Reasons for a halt that mean that the app was removed there; the others are a refused token.
REMOVAL_REASONS = (
    *("app_uninstalled", "tokens_revoked"),
    *("team_access_revoked", "team_access_not_granted"),
)


class Condition(StrEnum):
    """The state of a workspace, in the words that an operator reads."""

    ACTIVE = "active"
    PAUSED = "paused"  # every running phase is: the bot cannot post in its channel
    UNINSTALLED = "uninstalled"
    TOKEN_REFUSED = "token refused"


@dataclass(frozen=True, kw_only=True)
class StuckMessages:
    """Messages that wait for a decision of an admin or an operator."""

    held: int = 0
    failed: int = 0

    @property
    def count(self) -> int:
        return self.held + self.failed


@dataclass(frozen=True, kw_only=True)
class WorkspaceState:
    """One workspace."""

    workspace_id: str
    name: str
    condition: Condition
    reason: str | None  # Slack's, if nothing can be sent there
    purged_on: datetime | None  # when all its data will be deleted
    last_delivery_at: datetime | None  # null: nothing was sent in the time that messages are kept
    stuck: StuckMessages
    running_phases: int  # the paused ones included
    paused_phases: int

    @property
    def uninstalled_at(self) -> datetime | None:
        """Return since when nothing can be sent; None if it can be, or if that is not known."""
        return self.purged_on - PURGED_AFTER if self.purged_on is not None else None


async def workspace_states(reader: AsyncConnection) -> tuple[WorkspaceState, ...]:
    """Return every workspace in the database, by id."""
    deliveries = await _last_deliveries(reader)
    stuck = await stuck_messages(reader)
    phases = await _phase_counts(reader)
    rows = await reader.execute(across_workspaces(_WITH_LEASE, EVERY_WORKSPACE))
    return tuple(
        _state(
            row,
            deliveries.get(row.workspace_id),
            stuck.get(row.workspace_id, StuckMessages()),
            *phases.get(row.workspace_id, (0, 0)),
        )
        for row in rows
    )


async def stuck_messages(reader: AsyncConnection) -> Mapping[str, StuckMessages]:
    """Return the held and failed messages of each workspace that has some."""
    rows = await reader.execute(
        across_workspaces(
            select(
                _messages.c.workspace_id,
                _count_if(_messages.c.state == State.HELD),
                _count_if(_messages.c.state == State.FAILED),
            )
            .where(_messages.c.state.in_(literal_states(STUCK)))
            .group_by(_messages.c.workspace_id)
            .order_by(_messages.c.workspace_id),
            EVERY_WORKSPACE,
        )
    )
    return {row[0]: StuckMessages(held=row[1], failed=row[2]) for row in rows}


_WITH_LEASE = (
    select(
        _workspaces.c.workspace_id,
        _workspaces.c.name,
        _workspaces.c.state,
        _leases.c.halted,
        _agenda.c.due_at.label("purged_on"),
    )
    .outerjoin(_leases, _leases.c.workspace_id == _workspaces.c.workspace_id)
    .outerjoin(
        _agenda,
        and_(
            _agenda.c.workspace_id == _workspaces.c.workspace_id,
            _agenda.c.action == ActionName.PURGE_WORKSPACE,
            _agenda.c.subject == _workspaces.c.workspace_id,
        ),
    )
    .order_by(_workspaces.c.workspace_id)
)


async def _last_deliveries(reader: AsyncConnection) -> Mapping[str, datetime | None]:
    rows = await reader.execute(
        across_workspaces(
            select(_messages.c.workspace_id, func.max(_messages.c.sent_at)).group_by(
                _messages.c.workspace_id
            ),
            EVERY_WORKSPACE,
        )
    )
    return {row[0]: row[1] for row in rows}


async def _phase_counts(reader: AsyncConnection) -> Mapping[str, tuple[int, int]]:
    """Return how many phases run in each workspace, and how many of these are paused."""
    rows = await reader.execute(
        across_workspaces(
            select(
                _phases.c.workspace_id, func.count(), _count_if(_phases.c.paused_at.is_not(None))
            )
            .where(_phases.c.state == "active")
            .group_by(_phases.c.workspace_id),
            EVERY_WORKSPACE,
        )
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _state(
    row: Any, last_delivery_at: datetime | None, stuck: StuckMessages, running: int, paused: int
) -> WorkspaceState:
    return WorkspaceState(
        workspace_id=row.workspace_id,
        name=row.name,
        condition=_condition(row.state, row.halted, is_paused=0 < running == paused),
        reason=row.halted,
        purged_on=row.purged_on,
        last_delivery_at=last_delivery_at,
        stuck=stuck,
        running_phases=running,
        paused_phases=paused,
    )


def _condition(state: str, halted: str | None, *, is_paused: bool) -> Condition:
    if halted is not None and halted not in REMOVAL_REASONS:
        return Condition.TOKEN_REFUSED
    if halted is not None or state == "uninstalled":
        return Condition.UNINSTALLED
    return Condition.PAUSED if is_paused else Condition.ACTIVE
