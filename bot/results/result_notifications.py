"""Messages with the results of a closed round: their readers, keys and times."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.key_deletion_schedule import schedule_key_deletion
from bot.agenda.slots import within_hours
from bot.outbox import enqueue, requeue
from bot.outbox import keys as message_keys
from bot.outbox.keys import MessageKey
from bot.outbox.sealed_content import seal_content
from bot.phases.model import Phase
from bot.results import messages, store
from bot.results.comments import comment_messages
from bot.results.model import ResultsView
from bot.round_keys import RoundKeys


async def post_to_leads(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    view: ResultsView,
    comments: Sequence[str],
    now: datetime,
) -> None:
    """Send the results to each lead within their hours, then all comments.

    Where no lead can be messaged, comments are kept for the person who started the phase.
    """
    phase = view.phase
    readers = phase.zones_of_readers if phase.reachable_leads or comments else {}
    message = messages.leads_message(view)
    for lead_id, zone in readers.items():
        key = message_keys.lead_results(view.round.round_id, lead_id)
        at = within_hours(now, zone, phase.calendar)
        await enqueue.post(tx, workspace_id, key=key, to=lead_id, content=message, now=at)
        await _post_comments(
            tx, keys, workspace_id, view, comments, to=lead_id, thread_of=None, now=at
        )


async def is_waiting_for_leads(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str
) -> bool:
    """Return whether a lead's message with these results is still in the queue."""
    for lead_id in phase.lead_ids:
        if await requeue.is_open(tx, workspace_id, message_keys.lead_results(round_id, lead_id)):
            return True
    return False


async def edit_lead_messages(
    tx: AsyncConnection, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Show the leads the reply as it was saved, and whether the team has read it."""
    message = messages.leads_message(view)
    for lead_id in view.phase.lead_ids:
        key = message_keys.lead_results(view.round.round_id, lead_id)
        await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)


async def post_to_team(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    view: ResultsView,
    comments: Sequence[str],
    now: datetime,
) -> None:
    """Post the results in the announcement's thread, then the comments if the form chose so."""
    phase = view.phase
    announcement = message_keys.announcement(phase.phase_id)
    await enqueue.post(
        tx,
        workspace_id,
        key=message_keys.results(view.round.round_id),
        to=phase.channel_id,
        content=messages.team_message(view),
        thread_of=announcement,
        now=now,
    )
    if messages.shows_comments_to_team(view):
        to = phase.channel_id
        await _post_comments(
            tx, keys, workspace_id, view, comments, to=to, thread_of=announcement, now=now
        )


async def edit_team_message(
    tx: AsyncConnection, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Add the reply that a lead wrote after the team had read the results."""
    key = message_keys.results(view.round.round_id)
    await enqueue.edit(tx, workspace_id, of=key, content=messages.team_message(view), now=now)


async def edit_member_messages(
    tx: AsyncConnection, workspace_id: str, view: ResultsView, link: str, now: datetime
) -> None:
    """Replace the questions to everyone asked, whether they answered or not, by a link."""
    round_id = view.round.round_id
    message = messages.members_message(view, link)
    for user_id in await store.members_asked(tx, workspace_id, round_id):
        for key in (message_keys.ask(round_id, user_id), message_keys.remind(round_id, user_id)):
            await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)


async def _post_comments(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    view: ResultsView,
    comments: Sequence[str],
    *,
    to: str,
    thread_of: MessageKey | None,
    now: datetime,
) -> None:
    """Post the comments, sealed while they wait."""
    pages = comment_messages(comments)
    if pages:
        await schedule_key_deletion(tx, keys, workspace_id, now.date())
    for number, page in enumerate(pages, start=1):
        await enqueue.post(
            tx,
            workspace_id,
            key=message_keys.comments(view.round.round_id, to, number),
            to=to,
            content=seal_content(keys, workspace_id, page, now),
            thread_of=thread_of,
            now=now,
        )
