"""Deletion of what is kept no longer, of one person's data, and of all that a workspace has.

How long each kind is kept is a setting of the workspace. What is deleted is gone from the database;
copies in Slack and in backups are not ours to delete.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, run_item
from bot.db import schema
from bot.log import log
from bot.outbox.enqueue import State
from bot.services import Services
from bot.workspaces.rules import WorkspaceSettings, months_before

#: After an uninstallation, all data of the workspace is deleted.
PURGED_AFTER = timedelta(days=30)
#: Profiles of people in no phase are only a cache.
PROFILES_KEPT = timedelta(days=90)
#: States of messages that nothing more will happen to.
_SETTLED = (State.SENT, State.EXPIRED)

_phases = schema.phases
_people = schema.phase_people
_messages = schema.messages


async def delete_expired(
    tx: AsyncConnection, workspace_id: str, settings: WorkspaceSettings, now: datetime
) -> None:
    """Delete what this workspace has kept for as long as its settings say."""
    await _delete_texts(tx, workspace_id, months_before(now, settings.keep_texts_months))
    ended_before = _phases.c.ended_at < months_before(now, settings.keep_levels_months)
    await tx.execute(delete(_phases).where(_phases.c.workspace_id == workspace_id, ended_before))
    audit = schema.audit
    old_entries = audit.c.at < months_before(now, settings.keep_audit_months)
    await tx.execute(delete(audit).where(audit.c.workspace_id == workspace_id, old_entries))
    await _delete_messages(tx, workspace_id, now - timedelta(days=settings.keep_messages_days))
    await _delete_profiles(tx, workspace_id, now - PROFILES_KEPT)


async def _delete_texts(tx: AsyncConnection, workspace_id: str, before: datetime) -> None:
    """Empty what people wrote in phases that ended before this time; the levels stay."""
    rows = await tx.execute(
        select(_phases.c.phase_id, _phases.c.promise).where(
            _phases.c.workspace_id == workspace_id,
            _phases.c.ended_at < before,
            ~_phases.c.texts_deleted,
        )
    )
    for phase_id, promise in rows.all():
        of_phase = (_phases.c.workspace_id == workspace_id) & (_phases.c.phase_id == phase_id)
        emptied: dict[str, Any] = dict.fromkeys(
            ("justification", "extension_reason", "outcome", "learning", "thanks", "how_we_work")
        )
        await tx.execute(
            update(_phases)
            .where(of_phase)
            .values(**emptied, milestone="", promise=dict.fromkeys(promise, ""), texts_deleted=True)
        )
        await _delete_own_texts(tx, _in_phase(_people, workspace_id, phase_id))
        rounds = schema.rounds
        for lines in (schema.set_aside_items, schema.hold_proposals):
            await tx.execute(delete(lines).where(_in_phase(lines, workspace_id, phase_id)))
        noted = _in_phase(rounds, workspace_id, phase_id)
        await tx.execute(update(rounds).where(noted).values(note=None, noted_by=None))


async def _delete_own_texts(tx: AsyncConnection, whose: ColumnElement[bool]) -> None:
    """Delete what these rows of people say about their part."""
    texts = dict.fromkeys(("contribution", "expectation", "expectation_reply", "thanks_line"))
    await tx.execute(update(_people).where(whose).values(**texts))


async def _delete_messages(tx: AsyncConnection, workspace_id: str, before: datetime) -> None:
    """Delete the records of messages, except of phases that run or ended after `before`."""
    oldest = await tx.scalar(
        select(func.min(_phases.c.started_at)).where(
            _phases.c.workspace_id == workspace_id,
            or_(_phases.c.state == "active", _phases.c.ended_at >= before),
        )
    )
    await tx.execute(
        delete(_messages).where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.state.in_(_SETTLED),
            _messages.c.created_at < min(before, oldest or before),
        )
    )


async def _delete_profiles(tx: AsyncConnection, workspace_id: str, before: datetime) -> None:
    profiles = schema.people
    in_a_phase = select(_people.c.user_id).where(_people.c.workspace_id == workspace_id)
    await tx.execute(
        delete(profiles).where(
            profiles.c.workspace_id == workspace_id,
            profiles.c.refreshed_at < before,
            profiles.c.user_id.not_in(in_a_phase),
        )
    )


async def forget_person(tx: AsyncConnection, workspace_id: str, user_id: str) -> bool:
    """Delete a person's data, except what a running phase needs. Return whether one needs some.

    What they signed as a lead, the audit log and their wish not to be asked stay.
    """
    running = select(_phases.c.phase_id).where(
        _phases.c.workspace_id == workspace_id, _phases.c.state == "active"
    )
    for table in (_people, schema.reflections, schema.non_participants):
        theirs = (table.c.workspace_id == workspace_id) & (table.c.user_id == user_id)
        await tx.execute(delete(table).where(theirs, table.c.phase_id.not_in(running)))
    proposals = schema.hold_proposals
    theirs = (proposals.c.workspace_id == workspace_id) & (proposals.c.proposed_by == user_id)
    await tx.execute(delete(proposals).where(theirs, proposals.c.phase_id.not_in(running)))
    of_ended = select(schema.rounds.c.round_id).where(
        schema.rounds.c.workspace_id == workspace_id, schema.rounds.c.phase_id.not_in(running)
    )
    asked, drafts, profiles = schema.round_people, schema.phase_drafts, schema.people
    for table, which in (
        (asked, asked.c.round_id.in_(of_ended)),
        (drafts, true()),
        (profiles, true()),
    ):
        theirs = (table.c.workspace_id == workspace_id) & (table.c.user_id == user_id)
        await tx.execute(delete(table).where(theirs, which))
    theirs = (_people.c.workspace_id == workspace_id) & (_people.c.user_id == user_id)
    await _delete_own_texts(tx, theirs)
    return await tx.scalar(select(_people.c.phase_id).where(theirs).limit(1)) is not None


async def schedule_purge(tx: AsyncConnection, workspace_id: str, at: datetime) -> None:
    """Schedule the deletion of all data of a workspace that was uninstalled at this time.

    Hearing of the same uninstallation again does not postpone it.
    """
    about = {"action": ActionName.PURGE_WORKSPACE, "subject": workspace_id}
    due_at = await schedule.due_time(tx, workspace_id, **about) or at + PURGED_AFTER
    await schedule.remove(tx, workspace_id, **about)  # it may be parked with the others
    await schedule.add(tx, workspace_id, **about, due_at=due_at)


async def cancel_purge(tx: AsyncConnection, workspace_id: str) -> None:
    await schedule.remove(tx, workspace_id, action=ActionName.PURGE_WORKSPACE, subject=workspace_id)


async def purge_uninstalled(services: Services, item: AgendaItem) -> None:
    """Delete all data of a workspace, thirty days after it was uninstalled."""
    async with run_item(services.db, item) as tx:
        state = await tx.scalar(_state_of(item.workspace_id))
        if state == "uninstalled":
            await purge(tx, item.workspace_id)


async def purge(tx: AsyncConnection, workspace_id: str) -> int:
    """Delete every row of a workspace; return how many there were.

    Rows of answers go with their rounds.
    """
    count = 0
    for table in reversed(schema.metadata.sorted_tables):
        if "workspace_id" in table.c:
            removed = await tx.execute(delete(table).where(table.c.workspace_id == workspace_id))
            count += max(removed.rowcount, 0)
    log.warning("workspace_purged", workspace=workspace_id, rows=count)
    return count


def _state_of(workspace_id: str) -> Any:
    workspaces = schema.workspaces
    return select(workspaces.c.state).where(workspaces.c.workspace_id == workspace_id)


def _in_phase(table: Table, workspace_id: str, phase_id: str) -> ColumnElement[bool]:
    return and_(table.c.workspace_id == workspace_id, table.c.phase_id == phase_id)
