"""An installation's way: installed, set, kept tidy, uninstalled."""

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
from bot.slack.errors import Refused
from bot.slack.event_dedup import forget_old
from bot.slack.request import Request
from bot.workspaces import profile_refresh, store
from bot.workspaces.messages import ADMINS_ONLY, UNKNOWN_PERSON
from bot.workspaces.rules import WorkspaceSettings, faults

#: Some take several items of one workspace at once.
Action = Callable[..., Awaitable[None]]

EVERY = timedelta(days=1)


async def install(db: Database, us: Mapping[str, Any], now: datetime) -> None:
    """Keep what auth.test said of our installation, and tidy up after it from now on."""
    async with db.transaction() as tx:
        await installed(tx, us, now)


async def installed(tx: AsyncConnection, us: Mapping[str, Any], now: datetime) -> None:
    """What auth.test said is kept in the caller's transaction.

    What waited while it was not installed goes on: messages are sent, the agenda is carried out.
    What Slack told of meanwhile is lost, so it is asked for.
    """
    workspace_id = us["team_id"]
    await store.remember_workspace(tx, us, now)
    await sender_leases.resume(tx, workspace_id)
    await unpark(tx, workspace_id)
    await schedule.add(
        tx, workspace_id, action=ActionName.ASK_WHAT_WAS_MISSED, subject=workspace_id, due_at=now
    )
    if (
        await schedule.due_time(tx, workspace_id, action=ActionName.TIDY, subject=workspace_id)
        is None
    ):
        await schedule.add(
            tx, workspace_id, action=ActionName.TIDY, subject=workspace_id, due_at=now + EVERY
        )


async def ask_what_was_missed(tx: AsyncConnection, now: datetime) -> None:
    """Slack could not tell us anything for a while, of any workspace."""
    for workspace_id in await store.installed_workspaces(tx):
        await schedule.add(
            tx,
            workspace_id,
            action=ActionName.ASK_WHAT_WAS_MISSED,
            subject=workspace_id,
            due_at=now,
        )


async def uninstall(tx: AsyncConnection, workspace_id: str, reason: str, at: datetime) -> bool:
    """Say nothing and carry out nothing for this workspace until it is installed again.

    What is due waits. An older removal than the installation changes nothing.
    """
    gone = await store.mark_uninstalled(tx, workspace_id, at)
    if gone:
        await sender_leases.halt(tx, workspace_id, reason)
        await park(tx, workspace_id)
    log.warning("uninstalled", workspace=workspace_id, reason=reason, acted_on=gone)
    return gone


async def change_settings(
    services: Services,
    request: Request,
    change: Callable[[WorkspaceSettings], WorkspaceSettings],
) -> tuple[str, ...]:
    """Keep what `change` makes of the settings, an audit row for each one that changed.

    Returns the names of the changed ones.

    Raises:
        Refused: not an admin, or a setting out of its bounds (beside its field).
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
        return await store.save_settings(tx, workspace_id, settings, actor=request.user_id, now=now)


async def may_change(services: Services, request: Request) -> bool:
    """Whether this person is an admin of the workspace.

    Raises:
        Refused: Slack does not know them.
    """
    client = services.client_for(request.workspace_id)
    person = await services.people.one(client, request.workspace_id, request.user_id)
    if person is None:
        raise Refused(UNKNOWN_PERSON)
    return person.is_admin and person.is_full_member


async def tidy(services: Services, item: AgendaItem) -> None:
    """Once a day, forget which events were seen long ago, and ask anew about people."""
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        await forget_old(tx, now)
        await profile_refresh.read_old(tx, item.workspace_id, now)
        await schedule.add(
            tx, item.workspace_id, action=ActionName.TIDY, subject=item.subject, due_at=now + EVERY
        )


ACTIONS = (
    AgendaAction(name=ActionName.TIDY, run=tidy, is_noticed=False),
    AgendaAction(name=ActionName.READ_PERSON, run=profile_refresh.read_person, is_noticed=False),
)
