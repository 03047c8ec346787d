"""People joining and leaving a phase's channel; changes take effect from the next round on.

Slack repeats these events and may send them out of order, so each only triggers a read of the
channel's current members.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, complete_or_abort, run_item
from bot.announcement import refresh
from bot.channel_health import channel_events
from bot.phases import store
from bot.rounds import membership
from bot.rounds.store import ended_phases_with_results_to_come
from bot.services import Services
from bot.slack.event_dedup import is_new
from bot.workspaces import profile_refresh

Body = dict[str, Any]

JOINED, LEFT = "member_joined_channel", "member_left_channel"


def register(app: AsyncApp, services: Services) -> None:
    for name in (JOINED, LEFT):
        app.event(name)(partial(on_membership_changed, services))


async def on_membership_changed(services: Services, body: Body, context: AsyncBoltContext) -> None:
    """Schedule a read of the channel's members after a person has joined or left."""
    event = body["event"]
    if event["user"] == context.bot_user_id:
        await channel_events.on_channel_changed(services, body, context)
        return
    workspace_id, now = str(context.team_id), services.clock.now()
    async with services.db.transaction() as tx:
        if not await is_new(tx, workspace_id, body, now):
            return
        channel_id = event["channel"]
        phase_ids = await ended_phases_with_results_to_come(tx, workspace_id, channel_id)
        phase = await store.active_in(tx, workspace_id, channel_id)
        if phase is not None:
            await store.lock(tx, workspace_id, phase.phase_id)
            at = datetime.fromtimestamp(body["event_time"], UTC)  # has whole seconds only
            if event["type"] == JOINED and at >= phase.started_at.replace(microsecond=0):
                user_id = event["user"]
                await membership.remove_non_participant(tx, workspace_id, phase.phase_id, user_id)
            phase_ids = (phase.phase_id, *phase_ids)
        due = dict.fromkeys(phase_ids, now)
        await schedule.add_all(tx, workspace_id, action=ActionName.SYNC_MEMBERS, due=due)


async def sync_members(services: Services, item: AgendaItem) -> None:
    """Make the current members of a phase's channel, as Slack lists them, its team."""
    seen = await membership.read_channel(services, item.workspace_id, item.subject)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await store.lock(tx, item.workspace_id, item.subject)
        await complete_or_abort(tx, item)
        if phase is None or seen is None:  # the check before the next round ends a pause
            return
        changed = await membership.with_current_team(tx, item.workspace_id, phase, seen, now)
        if changed is not phase and changed.is_active:
            await refresh.edit_announcement(tx, item.workspace_id, changed, now)


async def read_missed_changes(services: Services, item: AgendaItem) -> None:
    """Read what events may have been missed while the bot was down, spread out over time."""
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase_ids = (
            *await store.active_ids(tx, item.workspace_id),
            *await ended_phases_with_results_to_come(tx, item.workspace_id),
        )
        due = {
            phase_id: now + number * profile_refresh.SPACING
            for number, phase_id in enumerate(phase_ids)
        }
        await schedule.add_all_if_absent(
            tx, item.workspace_id, action=ActionName.SYNC_MEMBERS, due=due
        )
        await profile_refresh.schedule_all_reads(tx, item.workspace_id, now)


ACTIONS = (
    AgendaAction(name=ActionName.SYNC_MEMBERS, run=sync_members, is_visible=False),
    AgendaAction(name=ActionName.CATCH_UP, run=read_missed_changes, is_visible=False),
)
