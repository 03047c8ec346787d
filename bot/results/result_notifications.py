"""Messages with the results of a closed round: their readers, keys and times."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.key_deletion_schedule import schedule_key_deletion
from bot.agenda.slots import within_hours
from bot.outbox import enqueue, requeue
from bot.outbox import keys as message_keys
from bot.outbox.keys import MessageKey
from bot.outbox.sealed_content import SealedContent, seal_content
from bot.phases.model import Phase
from bot.results import messages
from bot.results.comments import in_replies
from bot.results.model import ResultsView
from bot.round_keys import RoundKeys
from bot.slack.content import Content


async def post_to_leads(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Send the results to each lead within their hours, with all comments.

    Where no lead can be messaged, comments are kept for the person who started the phase.
    """
    phase = view.phase
    readers = {lead.user_id: lead.zone or phase.zone for lead in phase.reachable_leads}
    if not readers and view.comments:
        readers = {phase.lead_id: phase.zone}
    message = await _sealed(tx, keys, workspace_id, view, messages.leads_message(view), now)
    for lead_id, zone in readers.items():
        key = message_keys.lead_results(view.round.round_id, lead_id)
        at = within_hours(now, zone, phase.calendar)
        await enqueue.post(tx, workspace_id, key=key, to=lead_id, content=message, now=at)
        await _post_other_comments(tx, keys, workspace_id, view, lead_id, key, at)


async def is_waiting_for_leads(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str
) -> bool:
    """Return whether a lead's message with these results is still in the queue."""
    for lead_id in phase.lead_ids:
        if await requeue.is_open(tx, workspace_id, message_keys.lead_results(round_id, lead_id)):
            return True
    return False


async def edit_lead_messages(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Show the leads the note as it was saved or, once the team has read it, without the box."""
    message = await _sealed(tx, keys, workspace_id, view, messages.leads_message(view), now)
    for lead_id in view.phase.lead_ids:
        key = message_keys.lead_results(view.round.round_id, lead_id)
        await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)


async def post_to_team(
    tx: AsyncConnection, keys: RoundKeys, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Post the results in the announcement's thread, with the comments if the form chose so."""
    phase, key = view.phase, message_keys.results(view.round.round_id)
    announcement = message_keys.announcement(phase.phase_id)
    message = await _sealed(tx, keys, workspace_id, view, messages.team_message(view), now)
    await enqueue.post(
        tx,
        workspace_id,
        key=key,
        to=phase.channel_id,
        content=message,
        thread_of=announcement,
        now=now,
    )
    if messages.shows_comments_to_team(view):
        await _post_other_comments(
            tx, keys, workspace_id, view, phase.channel_id, announcement, now
        )


async def _sealed(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    view: ResultsView,
    message: Content,
    now: datetime,
) -> Content | SealedContent:
    """Return the message sealed if there are comments; levels are stored in the open anyway."""
    if not view.comments:
        return message
    await schedule_key_deletion(tx, keys, workspace_id, now.date())
    return seal_content(keys, workspace_id, message, now)


async def _post_other_comments(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    view: ResultsView,
    to: str,
    thread_of: MessageKey,
    now: datetime,
) -> None:
    """Post the comments that did not fit into the message."""
    for number, page in enumerate(in_replies(view.comments), start=2):
        await enqueue.post(
            tx,
            workspace_id,
            key=message_keys.comments(view.round.round_id, to, number),
            to=to,
            content=seal_content(keys, workspace_id, page, now),
            thread_of=thread_of,
            now=now,
        )
