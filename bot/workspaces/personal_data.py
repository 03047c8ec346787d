"""Deletion of what is kept about one person, except what unfinished phases need."""

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PlannedRound
from bot.db import schema
from bot.db.upserts import padded
from bot.outbox.keys import MessageKey
from bot.workspaces.retention import OWN_TEXTS, SETTLED

_phases = schema.phases
_people = schema.phase_people
_rounds = schema.rounds
_messages = schema.messages


async def forget_person(tx: AsyncConnection, workspace_id: str, user_id: str) -> bool:
    """Delete a person's data, except what unfinished phases need. Return whether one needs some.

    What they signed as a lead, the audit log and their wish not to be asked stay.
    """
    unfinished = await _unfinished_phases(tx, workspace_id, user_id)
    await _delete_from_phases(tx, workspace_id, user_id, unfinished)
    await _delete_messages(tx, workspace_id, user_id, unfinished)
    await _unsign_lines(tx, workspace_id, user_id, unfinished)
    await _hand_over_items(tx, workspace_id, user_id, unfinished)
    theirs = _of_person(_people, workspace_id, user_id)
    await tx.execute(update(_people).where(theirs).values(dict.fromkeys(OWN_TEXTS)))
    drafts, profiles = schema.phase_drafts, schema.people
    await tx.execute(delete(drafts).where(_of_person(drafts, workspace_id, user_id)))
    is_needed = await _is_needed(tx, workspace_id, user_id, unfinished)
    if not is_needed:  # the messages of a phase name its people, and its questions its leads
        await tx.execute(delete(profiles).where(_of_person(profiles, workspace_id, user_id)))
    return is_needed


async def _is_needed(
    tx: AsyncConnection, workspace_id: str, user_id: str, unfinished: frozenset[str]
) -> bool:
    """Return whether an unfinished phase has this person in its team, or on its list."""
    items = schema.set_aside_items
    in_team = _of_person(_people, workspace_id, user_id) & _within(_people, unfinished)
    owned = (items.c.workspace_id == workspace_id) & (items.c.owner_id == user_id)
    needing = (
        select(_people.c.phase_id)
        .where(in_team)
        .union(select(items.c.phase_id).where(owned, _within(items, unfinished)))
    )
    return (await tx.execute(needing)).first() is not None


async def _unfinished_phases(
    tx: AsyncConnection, workspace_id: str, user_id: str
) -> frozenset[str]:
    """Return the phases whose people have to stay as they are.

    They run, or people are asked about them afterwards; or another one of these shows no levels
    because its team is nearly theirs.
    """
    unfinished = set(
        await tx.scalars(
            select(_phases.c.phase_id)
            .where(_phases.c.workspace_id == workspace_id, _phases.c.state == "active")
            .union(
                select(_rounds.c.phase_id).where(
                    _rounds.c.workspace_id == workspace_id, _rounds.c.state == "open"
                )
            )
        )
    )
    theirs = select(_people.c.phase_id).where(_of_person(_people, workspace_id, user_id))
    if phase_ids := (await tx.scalars(theirs)).all():
        planned = await schedule.subjects_about(
            tx, workspace_id, action=ActionName.OPEN_ROUND, about=phase_ids
        )
        unfinished.update(PlannedRound.parse(subject).phase_id for subject in planned)
    similar = await tx.scalars(
        select(_phases.c.too_similar_to).where(
            _phases.c.workspace_id == workspace_id, _within(_phases, unfinished)
        )
    )
    return frozenset(unfinished.union(filter(None, similar)))


async def _delete_from_phases(
    tx: AsyncConnection, workspace_id: str, user_id: str, unfinished: frozenset[str]
) -> None:
    """Delete that they were in finished phases, were asked there, and proposed something."""
    roster, proposals = schema.round_people, schema.hold_proposals
    for table in (_people, schema.reflections, schema.non_participants):
        theirs = _of_person(table, workspace_id, user_id)
        await tx.execute(delete(table).where(theirs, ~_within(table, unfinished)))
    proposed = (proposals.c.workspace_id == workspace_id) & (proposals.c.proposed_by == user_id)
    await tx.execute(delete(proposals).where(proposed, ~_within(proposals, unfinished)))
    finished_rounds = select(_rounds.c.round_id).where(
        _rounds.c.workspace_id == workspace_id, ~_within(_rounds, unfinished)
    )
    asked = _of_person(roster, workspace_id, user_id)
    await tx.execute(delete(roster).where(asked, roster.c.round_id.in_(finished_rounds)))


async def _delete_messages(
    tx: AsyncConnection, workspace_id: str, user_id: str, unfinished: frozenset[str]
) -> None:
    """Delete the records of messages to this person, except of unfinished phases."""
    rounds = frozenset(
        await tx.scalars(
            select(_rounds.c.round_id).where(
                _rounds.c.workspace_id == workspace_id, _within(_rounds, unfinished)
            )
        )
    )
    rows = await tx.execute(
        select(_messages.c.message_id, _messages.c.key).where(
            _messages.c.workspace_id == workspace_id,
            _messages.c.conversation == user_id,
            _messages.c.state.in_(SETTLED),
        )
    )
    settled = [(row.message_id, MessageKey(row.key)) for row in rows]
    finished = [
        message_id
        for message_id, key in settled
        if key.phase_id not in unfinished and key.round_id not in rounds
    ]
    if finished:
        ids = _messages.c.message_id.in_(padded(finished))
        await tx.execute(delete(_messages).where(_messages.c.workspace_id == workspace_id, ids))


async def _unsign_lines(
    tx: AsyncConnection, workspace_id: str, user_id: str, unfinished: frozenset[str]
) -> None:
    """Delete who changed how a finished phase's team works, where it was this person."""
    finished = (_phases.c.workspace_id == workspace_id) & ~_within(_phases, unfinished)
    rows = await tx.execute(
        select(_phases.c.phase_id, _phases.c.how_we_work).where(
            finished, _phases.c.how_we_work.is_not(None)
        )
    )
    for phase_id, written in rows.all():
        if not written:
            continue
        kept = [change for change in written["changes"] if change["user_id"] != user_id]
        if len(kept) < len(written["changes"]):
            await tx.execute(
                update(_phases)
                .where(finished, _phases.c.phase_id == phase_id)
                .values(how_we_work={**written, "changes": kept})
            )


async def _hand_over_items(
    tx: AsyncConnection, workspace_id: str, user_id: str, unfinished: frozenset[str]
) -> None:
    """Give what they owned on a finished phase's list to who started it: it may be parked still."""
    items = schema.set_aside_items
    starter = (
        select(_phases.c.lead_id)
        .where(
            _phases.c.workspace_id == items.c.workspace_id, _phases.c.phase_id == items.c.phase_id
        )
        .scalar_subquery()
    )
    await tx.execute(
        update(items)
        .where(
            items.c.workspace_id == workspace_id,
            items.c.owner_id == user_id,
            ~_within(items, unfinished),
        )
        .values(owner_id=starter)
    )


def _of_person(table: Table, workspace_id: str, user_id: str) -> ColumnElement[bool]:
    return (table.c.workspace_id == workspace_id) & (table.c.user_id == user_id)


def _within(table: Table, phase_ids: frozenset[str] | set[str]) -> ColumnElement[bool]:
    return table.c.phase_id.in_(padded(phase_ids))
