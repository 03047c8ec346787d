"""Concerns: notes that reach the leads without a name."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import MORNING, next_working_morning, within_hours
from bot.announcement.contributions import check_length, running_phase_of_team
from bot.announcement.part_messages import CONCERN_LIMIT, concerns_for_leads
from bot.clock import shuffled
from bot.db import schema
from bot.db.upserts import put
from bot.outbox import enqueue, keys
from bot.phases import store
from bot.phases.model import Phase
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request

ID_LENGTH, BATCH_LENGTH = 32, 16  # of our own ids; of what tells one delivery from others

EMPTY = "Nothing was sent: the note is empty. Write what worries you, or close the form."

_concerns = schema.concerns


async def raise_concern(
    services: Services, request: Request, *, text: str, field: str, form: str
) -> Phase:
    """Keep a note for the leads, without who wrote it and when. Returns the phase.

    `form` is the id of the form it was typed in: sent once more, it is still one note.

    Raises:
        Refused: the phase has ended, they are not in its team, or the text is empty or too long.
    """
    if not text:
        raise Refused(EMPTY, {field: EMPTY})
    check_length(text, CONCERN_LIMIT, field)
    workspace_id, phase_id = request.workspace_id, request.target_id
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await running_phase_of_team(tx, request)
        concern_id = sha256(f"{phase_id}:{form}".encode()).hexdigest()[:ID_LENGTH]
        key = {"workspace_id": workspace_id, "phase_id": phase_id, "concern_id": concern_id}
        # The earliest note decides the morning: a later one does not put it off.
        await schedule.add_or_lock(
            tx,
            workspace_id,
            action=ActionName.DELIVER_CONCERNS,
            subject=phase_id,
            due_at=next_working_morning(now, phase.zone),
        )
        await put(tx, _concerns, key, text=text)
    return phase


async def deliver_concerns(services: Services, item: AgendaItem) -> None:
    """Give each lead the notes in an order that says nothing, and keep none.

    It comes on the working morning where the first lead lives; co-leads get theirs in the same
    hours of their own. A phase that ended meanwhile makes no difference.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        concerns = await _taken(tx, item.workspace_id, item.subject)
        if phase is not None and concerns:
            await _send(tx, item.workspace_id, phase, concerns, now)


async def _send(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    concerns: Mapping[str, str],
    now: datetime,
) -> None:
    said = concerns_for_leads(phase.channel_id, shuffled(concerns.values()))
    # Named by what is in them: had two deliveries one name, the later one would never be said.
    batch = sha256(":".join(sorted(concerns)).encode()).hexdigest()[:BATCH_LENGTH]
    starter = [one for one in phase.people if one.user_id == phase.lead_id]
    for lead in phase.reachable_leads or starter:  # who left the channel still answers for it
        at = within_hours(now, lead.zone or phase.zone, begin=MORNING)
        for number, content in enumerate(said, start=1):
            await enqueue.post(
                tx,
                workspace_id,
                key=keys.concerns(phase.phase_id, batch, number, lead.user_id),
                to=lead.user_id,
                content=content,
                now=at,
            )


async def _taken(tx: AsyncConnection, workspace_id: str, phase_id: str) -> dict[str, str]:
    """The notes by their ids. From here on the outbox keeps them until Slack has taken them."""
    mine = (_concerns.c.workspace_id == workspace_id) & (_concerns.c.phase_id == phase_id)
    rows = await tx.execute(select(_concerns.c.concern_id, _concerns.c.text).where(mine))
    found = {row.concern_id: row.text for row in rows}
    await tx.execute(delete(_concerns).where(mine))
    return found


ACTIONS = (AgendaAction(name=ActionName.DELIVER_CONCERNS, run=deliver_concerns),)
