"""A token that Slack refuses: the workspace waits while the token is retried, then resumes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import PARKED, AgendaItem, NoLongerDue
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, keys
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.content import content
from bot.workspaces.lifecycle import install
from bot.workspaces.token_health import (
    LONGEST_WAIT,
    TRIES,
    halting_on_refused_token,
    token_refused,
    try_token,
)
from tests.harness import BEN, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW

INSTALLATION = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}


@pytest.fixture
async def installed(db: Database, clock: AdjustableClock) -> Database:
    await install(db, INSTALLATION, NOW)
    async with db.transaction() as tx:
        await enqueue.post(
            tx, WORKSPACE, key=keys.announcement("p"), to=BEN, content=content("Hello"), now=NOW
        )
    clock.advance(timedelta(hours=1))
    return db


async def state(db: Database) -> tuple[str | None, str | None]:
    """Return the state of the workspace, and why its messages are halted."""
    async with db.reading() as reader:
        return (
            await reader.scalar(select(schema.workspaces.c.state)),
            await reader.scalar(select(schema.sender_leases.c.halted)),
        )


async def refuse(db: Database, reason: str, at: datetime) -> None:
    async with db.transaction() as tx:
        await token_refused(tx, WORKSPACE, reason, at)


@pytest.mark.parametrize(
    ("reason", "tries"),
    [
        ("account_inactive", {"0": timedelta(minutes=15)}),
        ("invalid_auth", {"0": timedelta(minutes=15)}),
        ("token_revoked", {}),
        ("token_expired", {}),
    ],
)
async def test_refused_token_is_retried_unless_revoked_or_expired(
    installed: Database, clock: AdjustableClock, reason: str, tries: dict[str, timedelta]
) -> None:
    await refuse(installed, reason, clock.now())

    assert await state(installed) == ("uninstalled", reason)
    due = {tried: clock.now() + wait for tried, wait in tries.items()}
    assert await agenda_of(installed, ActionName.TRY_TOKEN) == due


async def test_refusal_older_than_the_installation_is_ignored(installed: Database) -> None:
    await refuse(installed, "invalid_auth", NOW - timedelta(seconds=1))

    assert await state(installed) == ("installed", None)
    assert await agenda_of(installed, ActionName.TRY_TOKEN) == {}


async def schedule_try(services: Services, tried: int) -> AgendaItem:
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action=ActionName.TRY_TOKEN, subject=str(tried), due_at=now
        )
    return AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.TRY_TOKEN, subject=str(tried), due_at=now
    )


@pytest.mark.parametrize(
    ("tried", "error", "next_try"),
    [
        (0, "invalid_auth", ("1", timedelta(minutes=30))),
        (1, "invalid_auth", ("2", timedelta(hours=1))),
        (5, "invalid_auth", ("6", timedelta(hours=16))),
        (6, "invalid_auth", ("7", LONGEST_WAIT)),
        (38, "account_inactive", ("39", LONGEST_WAIT)),
        (TRIES - 1, "account_inactive", None),
        (0, "token_revoked", None),
    ],
)
async def test_retry_interval_grows_until_the_token_is_given_up(
    installed: Database,
    services: Services,
    fake_slack: FakeSlack,
    tried: int,
    error: str,
    next_try: tuple[str, timedelta] | None,
) -> None:
    await refuse(installed, "invalid_auth", services.clock.now())
    async with installed.transaction() as tx:
        await schedule.remove(tx, WORKSPACE, action=ActionName.TRY_TOKEN, subject="0")
    fake_slack.faults.fail_next("auth.test", error=error)

    await try_token(services, await schedule_try(services, tried))

    due = await agenda_of(installed, ActionName.TRY_TOKEN)
    assert due == ({} if next_try is None else {next_try[0]: services.clock.now() + next_try[1]})
    assert (await state(installed))[0] == "uninstalled"


async def test_valid_token_resumes_the_workspace_and_its_agenda(
    installed: Database, services: Services
) -> None:
    await refuse(installed, "invalid_auth", services.clock.now())
    assert (await parked(installed))["tidy"]

    await try_token(services, await schedule_try(services, 0))

    assert await state(installed) == ("installed", None)
    assert await agenda_of(installed, ActionName.TRY_TOKEN) == {}
    assert await parked(installed) == {"tidy": False, "catch_up": False}
    assert (await agenda_of(installed, "catch_up"))[WORKSPACE] == services.clock.now()
    assert (await agenda_of(installed, "tidy"))[WORKSPACE] == NOW + timedelta(days=1)  # unchanged


async def parked(db: Database) -> dict[str, bool]:
    agenda = schema.agenda
    async with db.reading() as reader:
        rows = await reader.execute(select(agenda.c.action, agenda.c.retry_at))
        return {row.action: row.retry_at == PARKED for row in rows}


async def test_token_try_stays_scheduled_after_a_server_error(
    installed: Database, services: Services, fake_slack: FakeSlack
) -> None:
    item = await schedule_try(services, 3)
    fake_slack.faults.fail_next("auth.test", status=500)

    with pytest.raises(SlackApiError):
        await try_token(services, item)

    assert list(await agenda_of(installed, ActionName.TRY_TOKEN)) == ["3"]


@pytest.mark.parametrize(
    ("error", "raises", "expected"),
    [
        ("invalid_auth", NoLongerDue, ("uninstalled", "invalid_auth")),
        ("channel_not_found", SlackApiError, ("installed", None)),
        ("internal_error", SlackApiError, ("installed", None)),
    ],
)
async def test_agenda_action_halts_the_workspace_only_for_a_refused_token(
    installed: Database,
    services: Services,
    error: str,
    raises: type[Exception],
    expected: Sequence[str | None],
) -> None:
    async def act(_services: Services, _item: AgendaItem) -> None:
        raise SlackApiError("no", {"ok": False, "error": error})

    item = AgendaItem(workspace_id=WORKSPACE, action="any", subject="any", due_at=NOW)
    with pytest.raises(raises):
        await halting_on_refused_token(act)(services, item)

    assert await state(installed) == expected
