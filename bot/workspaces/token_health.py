"""Refused tokens: everything of the workspace waits until its token works again.

Slack occasionally refuses valid tokens during outages. A token that was not clearly revoked is
therefore tried again, at growing intervals.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, TokenRetry
from bot.agenda.schedule import AgendaItem, NoLongerDue, run_item
from bot.log import log
from bot.services import Services
from bot.slack.errors import NOT_INSTALLED, ErrorKind, classify
from bot.workspaces import store
from bot.workspaces.installation_store import delete_token, remove_access
from bot.workspaces.lifecycle import Action, store_installation, uninstall

#: Revoked for good: only a new installation helps.
FINAL = {NOT_INSTALLED, "token_expired", "token_revoked"}
#: An organisation's installation covers this workspace no longer.
ACCESS_REMOVED = "team_access_not_granted"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(days=1)
TRIES = 40  # about a month


async def token_refused(tx: AsyncConnection, workspace_id: str, reason: str, now: datetime) -> None:
    """Stop messages and agenda items of the workspace until its token works again.

    If it was its own and its organisation has one too, `bot.workspaces.clients` has tried that.
    """
    org_id = await store.org_of(tx, workspace_id)
    if reason == ACCESS_REMOVED and org_id is not None:
        await remove_access(tx, workspace_id, reason, now)
    elif await uninstall(tx, workspace_id, reason, now):
        if reason in FINAL:
            await delete_token(tx, workspace_id)
        else:
            await _try_later(tx, workspace_id, 0, now)


def halting_on_refused_token(action: Action) -> Action:
    """Wrap an action so that a refused token halts the workspace instead of failing the item."""

    async def carry_out(services: Services, item: AgendaItem, *others: AgendaItem) -> None:
        try:
            await action(services, item, *others)
        except SlackApiError as error:
            refusal = classify(error)
            if refusal.kind is not ErrorKind.WORKSPACE:
                raise
            async with services.db.transaction() as tx:
                await token_refused(tx, item.workspace_id, refusal.reason, services.clock.now())
            raise NoLongerDue(item.action) from error  # the item waits; this is not a failure

    return carry_out


async def try_token(services: Services, item: AgendaItem) -> None:
    """Try the token again; if it works, resume everything as after an installation."""
    identity, final = await _test_token(services, item.workspace_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        tries = TokenRetry.parse(item.subject).tries + 1
        if identity is None and not final and tries < TRIES:
            await _try_later(tx, item.workspace_id, tries, now)
        if identity is not None:
            await store_installation(tx, _in_workspace(identity, item.workspace_id), now)
            log.info("token_valid_again", workspace=item.workspace_id)


ACTIONS = (AgendaAction(name=ActionName.TRY_TOKEN, run=try_token, is_visible=False),)


def _in_workspace(identity: Mapping[str, Any], workspace_id: str) -> Mapping[str, Any]:
    """Return the identity in this workspace; an organisation's token names the organisation."""
    is_own = identity["team_id"] == workspace_id
    return identity if is_own else {**identity, "team_id": workspace_id, "team": None}


async def _test_token(
    services: Services, workspace_id: str
) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the response of auth.test, None if it refuses the token, and whether that is final."""
    try:
        response = (await services.client_for(workspace_id).auth_test()).data
    except SlackApiError as error:
        refusal = classify(error)
        if refusal.kind in (ErrorKind.RETRYABLE, ErrorKind.UNKNOWN):
            raise
        return None, refusal.reason in FINAL
    assert isinstance(response, dict)
    return response, False


async def _try_later(tx: AsyncConnection, workspace_id: str, tries: int, now: datetime) -> None:
    wait: timedelta = min(FIRST_WAIT * 2 ** min(tries, 10), LONGEST_WAIT)
    await schedule.add(
        tx,
        workspace_id,
        action=ActionName.TRY_TOKEN,
        subject=str(TokenRetry(tries)),
        due_at=now + wait,
    )
