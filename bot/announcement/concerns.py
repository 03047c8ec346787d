"""Concerns: anonymous notes to the leads."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.key_deletion_schedule import schedule_key_deletion
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import next_working_morning, within_hours
from bot.agenda.work_calendar import MORNING
from bot.announcement.concern_answers import new_answer_id
from bot.announcement.contributions import check_length, running_phase_of_team
from bot.announcement.part_messages import CONCERN_LIMIT, EMPTY_CONCERN, concerns_for_leads
from bot.clock import shuffled
from bot.db import schema
from bot.db.upserts import upsert
from bot.outbox import enqueue
from bot.outbox import keys as message_keys
from bot.outbox.sealed_content import seal_content
from bot.phases import store
from bot.phases.model import Phase
from bot.round_keys import RoundKeys, readable_texts, seal_text
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.request import Request

BATCH_LENGTH = 16  # of the batch part of a key


_concerns = schema.concerns


async def raise_concern(
    services: Services, request: Request, *, text: str, field: str, view_id: str
) -> Phase:
    """Store an anonymous note for the leads, encrypted, without its author. Return the phase.

    `view_id` is the id of the submitted form, so that submitting it twice stores one note.

    Raises:
        Refused: the phase has ended, the person is not in its team, the text is empty or too long.
    """
    if not text:
        raise Refused(EMPTY_CONCERN, {field: EMPTY_CONCERN})
    check_length(text, CONCERN_LIMIT, field)
    workspace_id, phase_id = request.workspace_id, request.target_id
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await running_phase_of_team(tx, request)
        concern_id = form_digest(phase_id, view_id)
        key = {"workspace_id": workspace_id, "phase_id": phase_id, "concern_id": concern_id}
        # The first note sets the delivery morning; later ones do not postpone it.
        await schedule.add_or_lock(
            tx,
            workspace_id,
            action=ActionName.DELIVER_CONCERNS,
            subject=phase_id,
            due_at=next_working_morning(now, phase.zone, phase.calendar),
        )
        columns = seal_text(services.keys, text, _context(workspace_id, phase_id), now.date())
        await upsert(tx, _concerns, key, **columns)
        await schedule_key_deletion(tx, services.keys, workspace_id, now.date())
    return phase


async def deliver_concerns(services: Services, item: AgendaItem) -> None:
    """Send the notes to each lead in random order, and delete them here.

    They become due on the next working morning where the first lead lives; each co-lead gets them
    during the same hours in their own zone. This holds even if the phase has ended meanwhile.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.load(tx, item.workspace_id, item.subject)
        concerns = await _take(tx, services.keys, item.workspace_id, item.subject)
        if phase is not None and concerns:
            await _send(tx, services.keys, item.workspace_id, phase, concerns, now)


async def _send(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    phase: Phase,
    concerns: Mapping[str, str],
    now: datetime,
) -> None:
    texts = {new_answer_id(): text for text in shuffled(concerns.values())}
    messages = concerns_for_leads(phase, texts)
    # The key is derived from the concern ids: a batch with the key of an earlier one would
    # never be sent.
    batch = sha256(":".join(sorted(concerns)).encode()).hexdigest()[:BATCH_LENGTH]
    await schedule_key_deletion(tx, keys, workspace_id, now.date())
    for lead_id, zone in phase.zones_of_readers.items():
        at = within_hours(now, zone, phase.calendar, begin=MORNING)
        for number, content in enumerate(messages, start=1):
            await enqueue.post(
                tx,
                workspace_id,
                key=message_keys.concerns(phase.phase_id, batch, number, lead_id),
                to=lead_id,
                content=seal_content(keys, workspace_id, content, now),
                now=at,
            )


async def _take(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, phase_id: str
) -> dict[str, str]:
    """Delete the notes and return them by id. From here on the outbox keeps them until delivery."""
    of_phase = (_concerns.c.workspace_id == workspace_id) & (_concerns.c.phase_id == phase_id)
    rows = (await tx.execute(select(_concerns).where(of_phase))).all()
    context = _context(workspace_id, phase_id)
    texts = {row.concern_id: text for row in rows for text in readable_texts(keys, [row], context)}
    await tx.execute(delete(_concerns).where(of_phase))
    return texts


def _context(workspace_id: str, phase_id: str) -> str:
    return f"{workspace_id}:{phase_id}:concern"


ACTIONS = (AgendaAction(name=ActionName.DELIVER_CONCERNS, run=deliver_concerns),)
