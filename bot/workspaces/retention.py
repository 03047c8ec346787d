"""Deletion of what is kept no longer, and of all that a workspace has.

How long each kind is kept is a setting of the workspace. What is deleted is gone from the database;
copies in Slack and in backups are not ours to delete.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, null, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, run_item
from bot.db import schema
from bot.log import log
from bot.outbox.enqueue import State
from bot.services import Services
from bot.slack.people import is_stale
from bot.workspaces.rules import WorkspaceSettings, months_before

#: After an uninstallation, all data of the workspace is deleted.
PURGED_AFTER = timedelta(days=30)
#: The owner of parked work is reminded on its day or, if that is none, the next working day.
REMINDED_WITHIN = timedelta(days=14)
#: States of messages that nothing more will happen to.
SETTLED = (State.SENT, State.EXPIRED)
#: What people wrote about a phase, beside its milestone and promise.
_PHASE_TEXTS = (
    "justification",
    "team_said",
    "extension_reason",
    "difference",
    "planned",
    "outcome",
    "reason",
    "learning",
    "thanks",
    "how_we_work",
)
#: What a row of `phase_people` holds of people's words.
OWN_TEXTS = ("contribution", "expectation", "expectation_reply", "thanks_line")

_phases = schema.phases
_people = schema.phase_people
_messages = schema.messages


async def delete_expired(
    tx: AsyncConnection, workspace_id: str, settings: WorkspaceSettings, now: datetime
) -> None:
    """Delete what this workspace has kept for as long as its settings say."""
    await _delete_texts(tx, workspace_id, months_before(now, settings.keep_texts_months), now)
    ended_before = _phases.c.ended_at < months_before(now, settings.keep_levels_months)
    await tx.execute(delete(_phases).where(_phases.c.workspace_id == workspace_id, ended_before))
    audit = schema.audit
    old_entries = audit.c.at < months_before(now, settings.keep_audit_months)
    await tx.execute(delete(audit).where(audit.c.workspace_id == workspace_id, old_entries))
    await _delete_messages(tx, workspace_id, now - timedelta(days=settings.keep_messages_days))
    await _delete_profiles(tx, workspace_id, now)


async def _delete_texts(
    tx: AsyncConnection, workspace_id: str, before: datetime, now: datetime
) -> None:
    """Empty what people wrote in phases that ended before this time; the levels stay.

    Some of it may have been written after the rest was emptied, as in a late wrap-up. Parked work
    stays until its owner has been reminded of it.
    """
    ended = (_phases.c.workspace_id == workspace_id) & (_phases.c.ended_at < before)
    rows = await tx.execute(
        select(_phases.c.phase_id, _phases.c.promise).where(ended, ~_phases.c.texts_deleted)
    )
    for phase_id, promise in rows.all():
        await tx.execute(
            update(_phases)
            .where(ended, _phases.c.phase_id == phase_id)
            .values(milestone="", promise=dict.fromkeys(promise, ""), texts_deleted=True)
        )
    await _empty(tx, _phases, _PHASE_TEXTS, ended)
    in_ended = select(_phases.c.phase_id).where(ended)
    in_phase = (_people.c.workspace_id == workspace_id) & _people.c.phase_id.in_(in_ended)
    await _empty(tx, _people, OWN_TEXTS, in_phase)
    await _delete_promise_texts(tx, workspace_id, in_ended)
    rounds = schema.rounds
    in_phase = (rounds.c.workspace_id == workspace_id) & rounds.c.phase_id.in_(in_ended)
    await _empty(tx, rounds, ("check_text",), in_phase)
    reminded = (now - REMINDED_WITHIN).date()
    items, proposals = schema.set_aside_items, schema.hold_proposals
    is_followed_up = or_(items.c.parked_until.is_(None), items.c.parked_until < reminded)
    for table, is_done in ((items, is_followed_up), (proposals, true())):
        in_phase = (table.c.workspace_id == workspace_id) & table.c.phase_id.in_(in_ended)
        await tx.execute(delete(table).where(in_phase, is_done))


async def _delete_promise_texts(
    tx: AsyncConnection, workspace_id: str, phase_ids: Select[tuple[str]]
) -> None:
    """Empty what was promised and decided in these phases; whether it happened stays."""
    promises, decisions = schema.promises, schema.decisions
    of_phases = (promises.c.workspace_id == workspace_id) & promises.c.phase_id.in_(phase_ids)
    await tx.execute(
        update(promises).where(of_phases, promises.c.text != "").values(text="", heard=None)
    )
    of_phases = (decisions.c.workspace_id == workspace_id) & decisions.c.phase_id.in_(phase_ids)
    await _empty(tx, decisions, ("text",), of_phases)


async def _empty(
    tx: AsyncConnection, table: Table, texts: Sequence[str], rows: ColumnElement[bool]
) -> None:
    """Empty these columns in those of the rows that have anything in them."""
    any_text = or_(*(table.c[name].is_not(None) for name in texts))
    await tx.execute(update(table).where(rows, any_text).values(dict.fromkeys(texts, null())))


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
            _messages.c.state.in_(SETTLED),
            _messages.c.created_at < min(before, oldest or before),
        )
    )


async def _delete_profiles(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Delete the profiles of people in no phase, which are only a cache, instead of reading them.

    Whoever is to pick up work on hold is named with it, and messaged about it.
    """
    profiles, items = schema.people, schema.set_aside_items
    in_a_phase = select(_people.c.user_id).where(_people.c.workspace_id == workspace_id)
    owners = select(items.c.owner_id).where(items.c.workspace_id == workspace_id)
    await tx.execute(
        delete(profiles).where(
            profiles.c.workspace_id == workspace_id,
            is_stale(now),
            profiles.c.user_id.not_in(in_a_phase),
            profiles.c.user_id.not_in(owners),
        )
    )


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
