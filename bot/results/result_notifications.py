"""Messages with the results of a closed round: their readers, keys and times."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.outbox import enqueue, keys, requeue
from bot.outbox.keys import MessageKey
from bot.phases.model import Phase
from bot.results import messages
from bot.results.comments import in_replies
from bot.results.model import ResultsView


async def tell_leads(
    tx: AsyncConnection, workspace_id: str, showing: ResultsView, now: datetime
) -> None:
    """Each when messages are welcome where they are, with all comments.

    Where nobody who leads can be written to, comments are kept for who started the phase.
    """
    phase = showing.phase
    readers = {one.user_id: one.zone or phase.zone for one in phase.reachable_leads}
    if not readers and showing.comments:
        readers = {phase.lead_id: phase.zone}
    said = messages.to_leads(showing)
    for lead_id, zone in readers.items():
        key = keys.lead_results(showing.round.round_id, lead_id)
        at = within_hours(now, zone)
        await enqueue.post(tx, workspace_id, key=key, to=lead_id, content=said, now=at)
        await _say_more(tx, workspace_id, showing, lead_id, key, at)


async def leads_wait(tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str) -> bool:
    """Whether a lead's message with these results is still on its way to Slack."""
    for lead_id in phase.lead_ids:
        if await requeue.is_waiting(tx, workspace_id, keys.lead_results(round_id, lead_id)):
            return True
    return False


async def edit_leads(
    tx: AsyncConnection, workspace_id: str, showing: ResultsView, now: datetime
) -> None:
    """Show them the note as it was saved or, once the team has read it, without the box."""
    said = messages.to_leads(showing)
    for lead_id in showing.phase.lead_ids:
        key = keys.lead_results(showing.round.round_id, lead_id)
        await enqueue.edit(tx, workspace_id, of=key, content=said, now=now)


async def tell_team(
    tx: AsyncConnection, workspace_id: str, showing: ResultsView, now: datetime
) -> None:
    """In the announcement's thread, with the comments if the form chose so."""
    phase, key = showing.phase, keys.results(showing.round.round_id)
    announcement = keys.announcement(phase.phase_id)
    said = messages.to_team(showing)
    await enqueue.post(
        tx,
        workspace_id,
        key=key,
        to=phase.channel_id,
        content=said,
        thread_of=announcement,
        now=now,
    )
    if messages.to_everyone(showing):
        await _say_more(tx, workspace_id, showing, phase.channel_id, announcement, now)


async def _say_more(
    tx: AsyncConnection,
    workspace_id: str,
    showing: ResultsView,
    to: str,
    thread_of: MessageKey,
    now: datetime,
) -> None:
    """The comments that did not fit into the message."""
    for number, page in enumerate(in_replies(showing.comments), start=2):
        await enqueue.post(
            tx,
            workspace_id,
            key=keys.comments(showing.round.round_id, to, number),
            to=to,
            content=page,
            thread_of=thread_of,
            now=now,
        )
