"""The lifecycle of an installation: install, change settings, daily tidying, uninstall."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.claims import park, unpark
from bot.agenda.schedule import AgendaItem, run_item
from bot.db.engine import Database
from bot.log import log
from bot.outbox import sender_leases
from bot.services import Services
from bot.slack.command import NAME, installed
from bot.slack.errors import Refused
from bot.slack.event_dedup import forget_old, last_event_at
from bot.slack.request import Request
from bot.workspaces import personal_data, profile_refresh, retention, store
from bot.workspaces.messages import ADMINS_ONLY, UNKNOWN_PERSON
from bot.workspaces.rules import WorkspaceSettings, faults

#: Some actions take several agenda items of one workspace at once.
Action = Callable[..., Awaitable[None]]

TIDY_INTERVAL = timedelta(days=1)
#: Slack retries an event for the last time some six minutes after the first attempt.
EVENTS_RETRIED_FOR = timedelta(minutes=5)
#: Longer than the minute between two reports that events are being dropped.
LIMIT_SETTLES_IN = timedelta(minutes=3)


async def install(db: Database, identity: Mapping[str, Any], now: datetime) -> None:
    """Store the installation that auth.test reports, and schedule its daily tidying."""
    async with db.transaction() as tx:
        await store_installation(tx, identity, now)
        await _learn_command_name(tx)


async def resume_work(tx: AsyncConnection, now: datetime) -> None:
    """Resume work in all workspaces that installed the bot.

    They catch up unless an event came lately: then another process has received them all.
    """
    await _learn_command_name(tx)
    last = await last_event_at(tx)
    if last is None or now - last > EVENTS_RETRIED_FOR:
        await schedule_catch_up(tx, now)


async def _learn_command_name(tx: AsyncConnection) -> None:
    """Take the command's name from its last use; it is the app's, so the same everywhere."""
    installed.learn(await store.command_name(tx) or NAME)


async def store_installation(
    tx: AsyncConnection, identity: Mapping[str, Any], now: datetime
) -> None:
    """Store the installation that auth.test reports, in the caller's transaction.

    Messages and agenda items that waited while it was uninstalled become due again. Slack's events
    from that time are lost, so a catch-up is scheduled.
    """
    workspace_id = identity["team_id"]
    await store.remember_workspace(tx, identity, now)
    await sender_leases.resume(tx, workspace_id)
    await unpark(tx, workspace_id)
    await retention.cancel_purge(tx, workspace_id)
    await schedule.add(
        tx, workspace_id, action=ActionName.CATCH_UP, subject=workspace_id, due_at=now
    )
    if (
        await schedule.due_time(tx, workspace_id, action=ActionName.TIDY, subject=workspace_id)
        is None
    ):
        await schedule.add(
            tx,
            workspace_id,
            action=ActionName.TIDY,
            subject=workspace_id,
            due_at=now + TIDY_INTERVAL,
        )


async def schedule_catch_up(tx: AsyncConnection, now: datetime) -> None:
    """Schedule a catch-up for all workspaces, after a time in which Slack's events were lost."""
    for workspace_id in await store.installed_workspaces(tx):
        await schedule.add(
            tx,
            workspace_id,
            action=ActionName.CATCH_UP,
            subject=workspace_id,
            due_at=now,
        )


async def catch_up_after_limit(tx: AsyncConnection, workspace_id: str, now: datetime) -> None:
    """Schedule a catch-up of a workspace once Slack has stopped dropping its events.

    Slack reports each such minute; each report moves the catch-up.
    """
    await schedule.add(
        tx,
        workspace_id,
        action=ActionName.CATCH_UP,
        subject=workspace_id,
        due_at=now + LIMIT_SETTLES_IN,
    )


async def uninstall(tx: AsyncConnection, workspace_id: str, reason: str, at: datetime) -> bool:
    """Stop sending messages and running agenda items for this workspace until it is reinstalled.

    They stay in the queue, and are deleted with everything else after thirty days. A removal older
    than the installation changes nothing. Return whether the workspace was marked as uninstalled.
    """
    was_removed = await store.mark_uninstalled(tx, workspace_id, at)
    if was_removed:
        await sender_leases.halt(tx, workspace_id, reason)
        await park(tx, workspace_id)
        await retention.schedule_purge(tx, workspace_id, at)
    log.warning("uninstalled", workspace=workspace_id, reason=reason, acted_on=was_removed)
    return was_removed


async def change_settings(
    services: Services,
    request: Request,
    change: Callable[[WorkspaceSettings], WorkspaceSettings],
) -> tuple[str, ...]:
    """Store the settings as changed by `change`, with an audit row for each changed one.

    Return the names of the changed settings.

    Raises:
        Refused: the person is not an admin, or a setting is out of bounds (shown beside its field).
    """
    workspace_id = request.workspace_id
    if not await may_change(services, request):
        raise Refused(ADMINS_ONLY)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        settings = change(await store.settings_to_change(tx, workspace_id))
        wrong = faults(settings)
        if wrong:
            raise Refused(wrong[0].text, {fault.field: fault.text for fault in wrong})
        changed = await store.save_settings(
            tx, workspace_id, settings, actor=request.user_id, now=now
        )
        if "country" in changed:  # other days are holidays
            action = ActionName.REPLAN_ROUNDS
            await schedule.add(tx, workspace_id, action=action, subject=workspace_id, due_at=now)
        return changed


async def may_change(services: Services, request: Request) -> bool:
    """Return whether this person is an admin of the workspace.

    Raises:
        Refused: Slack does not know them.
    """
    client = services.client_for(request.workspace_id)
    person = await services.people.get(client, request.workspace_id, request.user_id)
    if person is None:
        raise Refused(UNKNOWN_PERSON)
    return person.is_admin and person.is_full_member


async def forget_me(services: Services, request: Request) -> bool:
    """Delete what is kept about the person who asks; return whether a running phase needs some."""
    async with services.db.transaction() as tx:
        return await personal_data.forget_person(tx, request.workspace_id, request.user_id)


async def tidy(services: Services, item: AgendaItem) -> None:
    """Delete what is kept no longer and schedule reads of outdated profiles, once a day."""
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        await forget_old(tx, now)
        settings = await store.settings_of(tx, item.workspace_id)
        await retention.delete_expired(tx, item.workspace_id, settings, now)
        await profile_refresh.schedule_stale_reads(tx, item.workspace_id, now)
        await schedule.add(
            tx,
            item.workspace_id,
            action=ActionName.TIDY,
            subject=item.subject,
            due_at=now + TIDY_INTERVAL,
        )


ACTIONS = (
    AgendaAction(name=ActionName.TIDY, run=tidy, is_visible=False),
    AgendaAction(name=ActionName.READ_PERSON, run=profile_refresh.read_person, is_visible=False),
    AgendaAction(
        name=ActionName.PURGE_WORKSPACE, run=retention.purge_uninstalled, is_visible=False
    ),
)
