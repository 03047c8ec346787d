"""Follow-up once the team's results are in Slack: links to them, and the closing message."""

from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.db import schema
from bot.log import log
from bot.outbox import keys, requeue
from bot.outbox.queued_message import SlackLocation
from bot.results import store
from bot.results.model import ResultsView
from bot.results.result_notifications import edit_member_messages
from bot.services import Services
from bot.slack.errors import ErrorKind, classify, reason_of

#: The results are in Slack by then, so that a link can lead to them.
LINK_AFTER = timedelta(minutes=2)
LOOK_AGAIN_AFTER = timedelta(minutes=10)


async def schedule_link(
    tx: AsyncConnection, workspace_id: str, round_id: str, now: datetime
) -> None:
    """Schedule what follows once these results, which are about to be sent, are in Slack."""
    await _add(tx, workspace_id, ActionName.LINK_RESULTS, round_id, now + LINK_AFTER)


async def link_results(services: Services, item: AgendaItem) -> None:
    """Lead members from their direct messages to results that stand in the thread alone.

    For a phase that is over, have its closing message updated. Both wait until the results are
    known to be in Slack. Where Slack refuses them, or nobody can tell, nothing is done: it is
    scheduled anew when they are sent again, or turn out to be there.
    """
    workspace_id, round_id = item.workspace_id, item.subject
    async with services.db.reading() as reader:
        place = await requeue.location(reader, workspace_id, keys.results(round_id))
    link = await _permalink(services.client_for(workspace_id), place) if place else None
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.phase_of_round(tx, workspace_id, round_id)
        if phase is None:
            return
        rounds = await store.closed_rounds(tx, workspace_id, phase)
        shown = next(closed for closed in rounds if closed.round_id == round_id)
        if place is None:
            await _look_again(tx, item, now)
            return
        if phase.ended_at is not None and not shown.is_after_end:
            await _add(tx, workspace_id, ActionName.UPDATE_CLOSING, phase.phase_id, now)
        if link and shown.figures and not shown.is_broadcast:
            await _store_link(tx, workspace_id, round_id, link)
            view = ResultsView(
                phase=phase,
                rounds=rounds[: rounds.index(shown) + 1],
                reflections=(),
                team_sees_at=now,
            )
            await edit_member_messages(tx, workspace_id, view, link, now)


async def _permalink(client: AsyncWebClient, place: SlackLocation) -> str | None:
    """Return the address of a message; None if Slack does not give it.

    Raises:
        SlackApiError: Slack could not answer now.
    """
    try:
        answer = await client.chat_getPermalink(
            channel=str(place.channel), message_ts=str(place.ts)
        )
    except SlackApiError as error:
        if classify(error).kind is not ErrorKind.PERMANENT:
            raise
        log.warning("permalink_refused", reason=reason_of(error))
        return None
    return str(answer["permalink"])


async def _look_again(tx: AsyncConnection, item: AgendaItem, now: datetime) -> None:
    if not await requeue.is_open(tx, item.workspace_id, keys.results(item.subject)):
        log_skipped(item, "the results are not in Slack")
        return
    at = now + LOOK_AGAIN_AFTER
    await _add(tx, item.workspace_id, ActionName.LINK_RESULTS, item.subject, at)


async def _add(
    tx: AsyncConnection, workspace_id: str, action: ActionName, subject: str, due_at: datetime
) -> None:
    await schedule.add(tx, workspace_id, action=action, subject=subject, due_at=due_at)


async def _store_link(tx: AsyncConnection, workspace_id: str, round_id: str, link: str) -> None:
    rounds = schema.rounds
    await tx.execute(
        update(rounds)
        .where(rounds.c.workspace_id == workspace_id, rounds.c.round_id == round_id)
        .values(results_link=link)
    )
