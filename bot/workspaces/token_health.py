"""Slack refuses our token: everything of that workspace waits until it is good again.

Slack also refuses good tokens now and then, on its bad days. So a token that was not plainly
taken back is asked about, ever more seldom.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, TokenTry
from bot.agenda.schedule import AgendaItem, AlreadyTaken, run_item
from bot.log import log
from bot.services import Services
from bot.slack.errors import ErrorKind, verdict
from bot.workspaces.lifecycle import Action, installed, uninstall

#: Taken back for good: only a new installation helps.
FINAL = {"token_expired", "token_revoked"}
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(days=1)
TRIES = 40  # about a month


async def token_refused(tx: AsyncConnection, workspace_id: str, reason: str, now: datetime) -> None:
    """Say nothing and carry out nothing there until the token is good again."""
    gone = await uninstall(tx, workspace_id, reason, now)
    if gone and reason not in FINAL:
        await _try_later(tx, workspace_id, 0, now)


def watching_token(action: Action) -> Action:
    """The action; where Slack refuses our token in it, what is due there waits."""

    async def carry_out(services: Services, item: AgendaItem, *others: AgendaItem) -> None:
        try:
            await action(services, item, *others)
        except SlackApiError as error:
            why = verdict(error)
            if why.meaning is not ErrorKind.WORKSPACE:
                raise
            async with services.db.transaction() as tx:
                await token_refused(tx, item.workspace_id, why.reason, services.clock.now())
            raise AlreadyTaken(item.action) from error  # it waits, and is no failure

    return carry_out


async def try_token(services: Services, item: AgendaItem) -> None:
    """Ask Slack once more; if the token is good, everything goes on as after an installation."""
    us, final = await _asked(services, item.workspace_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        tries = TokenTry.parse(item.subject).tries + 1
        if us is None and not final and tries < TRIES:
            await _try_later(tx, item.workspace_id, tries, now)
        if us is not None:
            await installed(tx, us, now)
            log.info("installed_again", workspace=item.workspace_id)


ACTIONS = (AgendaAction(name=ActionName.TRY_TOKEN, run=try_token, is_noticed=False),)


async def _asked(services: Services, workspace_id: str) -> tuple[Mapping[str, Any] | None, bool]:
    """What auth.test says of us, None where it refuses the token; and whether that is final."""
    try:
        answer = (await services.client_for(workspace_id).auth_test()).data
    except SlackApiError as error:
        why = verdict(error)
        if why.meaning in (ErrorKind.LATER, ErrorKind.UNKNOWN):
            raise
        return None, why.reason in FINAL
    assert isinstance(answer, dict)
    return answer, False


async def _try_later(tx: AsyncConnection, workspace_id: str, tries: int, now: datetime) -> None:
    wait: timedelta = min(FIRST_WAIT * 2 ** min(tries, 10), LONGEST_WAIT)
    await schedule.add(
        tx,
        workspace_id,
        action=ActionName.TRY_TOKEN,
        subject=str(TokenTry(tries)),
        due_at=now + wait,
    )
