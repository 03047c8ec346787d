"""Retries of a refused token: their intervals, their number, and what ends them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem, NoLongerDue
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.workspaces.lifecycle import install
from bot.workspaces.token_health import TRIES, halting_on_refused_token, token_refused, try_token
from tests.harness import LAUNCH, WORKSPACE
from tests.rounds.evidence import agenda_of

INSTALLATION = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}


@pytest.fixture
async def installed(db: Database, clock: AdjustableClock) -> Database:
    async with db.transaction() as tx:
        await tx.execute(insert(schema.sender_leases).values(workspace_id=WORKSPACE))
    await install(db, INSTALLATION, clock.now())
    clock.advance(timedelta(days=1))
    return db


async def refuse(db: Database, clock: AdjustableClock, reason: str) -> None:
    async with db.transaction() as tx:
        await token_refused(tx, WORKSPACE, reason, clock.now())


async def run_try(services: Services, tries: int) -> dict[str, Any]:
    """Run the try of this number; return the delay of the next try by its number."""
    now, subject = services.clock.now(), str(tries)
    async with services.db.transaction() as tx:
        await tx.execute(schema.agenda.delete().where(schema.agenda.c.action == "try_token"))
        await schedule.add(tx, WORKSPACE, action="try_token", subject=subject, due_at=now)
    await try_token(
        services,
        AgendaItem(workspace_id=WORKSPACE, action="try_token", subject=subject, due_at=now),
    )
    next_tries = await agenda_of(services.db, "try_token")
    return {subject: due_at - now for subject, due_at in next_tries.items()}


async def state(db: Database) -> tuple[str, str | None]:
    """Return the state of the workspace, and why its messages are halted."""
    async with db.reading() as reader:
        found = await reader.scalar(select(schema.workspaces.c.state))
        return str(found), await reader.scalar(select(schema.sender_leases.c.halted))


@pytest.mark.parametrize(
    ("reason", "is_retried"),
    [
        ("token_revoked", False),
        ("token_expired", False),
        ("invalid_auth", True),
        ("account_inactive", True),
    ],
)
async def test_refused_token_is_retried_unless_revoked_or_expired(
    installed: Database, clock: AdjustableClock, reason: str, is_retried: bool
) -> None:
    await refuse(installed, clock, reason)

    first = {"0": clock.now() + timedelta(minutes=15)} if is_retried else {}
    assert await agenda_of(installed, "try_token") == first
    assert await state(installed) == ("uninstalled", reason)


async def test_refusal_older_than_the_installation_schedules_no_try(
    installed: Database, clock: AdjustableClock
) -> None:
    """The app has been installed again since."""
    clock.advance(-timedelta(days=2))
    await refuse(installed, clock, "invalid_auth")

    assert await agenda_of(installed, "try_token") == {}
    assert await state(installed) == ("installed", None)


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        (0, {"1": timedelta(minutes=30)}),
        (1, {"2": timedelta(hours=1)}),
        (5, {"6": timedelta(hours=16)}),
        (6, {"7": timedelta(days=1)}),
        (TRIES - 2, {"39": timedelta(days=1)}),
        (TRIES - 1, {}),
    ],
)
async def test_token_is_tried_forty_times_at_growing_intervals(
    installed: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    tries: int,
    expected: dict[str, timedelta],
) -> None:
    await refuse(installed, clock, "invalid_auth")
    fake_slack.faults.fail_next("auth.test", error="invalid_auth")

    assert await run_try(services, tries) == expected
    assert (await state(installed))[0] == "uninstalled"


async def test_revoked_token_ends_the_tries(
    installed: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await refuse(installed, clock, "invalid_auth")
    fake_slack.faults.fail_next("auth.test", error="token_revoked")

    assert await run_try(services, 1) == {}
    assert (await state(installed))[0] == "uninstalled"


async def test_valid_token_ends_the_tries(
    installed: Database, services: Services, clock: AdjustableClock
) -> None:
    await refuse(installed, clock, "invalid_auth")

    assert await run_try(services, 1) == {}
    assert await state(installed) == ("installed", None)


@pytest.mark.parametrize(
    ("error", "raised"), [("invalid_auth", NoLongerDue), ("not_in_channel", Exception)]
)
async def test_only_a_refused_token_halts_its_workspace(
    installed: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    error: str,
    raised: type[Exception],
) -> None:
    async def act(services: Services, _: AgendaItem) -> None:
        await services.client_for(WORKSPACE).conversations_info(channel=LAUNCH)

    fake_slack.faults.fail_next("conversations.info", error=error)
    item = AgendaItem(workspace_id=WORKSPACE, action="act", subject="any", due_at=clock.now())
    with pytest.raises(raised) as ended:
        await halting_on_refused_token(act)(services, item)

    refused = error == "invalid_auth"
    assert isinstance(ended.value, NoLongerDue) == refused
    assert (await state(installed))[0] == ("uninstalled" if refused else "installed")
