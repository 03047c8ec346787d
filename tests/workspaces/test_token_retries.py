"""A token that Slack refuses is asked about, ever more seldom, until it is plainly no use."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem, AlreadyTaken
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.workspaces.lifecycle import install
from bot.workspaces.token_health import TRIES, token_refused, try_token, watching_token
from tests.harness import LAUNCH, WORKSPACE
from tests.rounds.evidence import agenda_of

US = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}


@pytest.fixture
async def installed(db: Database, clock: AdjustableClock) -> Database:
    async with db.transaction() as tx:
        await tx.execute(insert(schema.sender_leases).values(workspace_id=WORKSPACE))
    await install(db, US, clock.now())
    clock.advance(timedelta(days=1))
    return db


async def refuse(db: Database, clock: AdjustableClock, reason: str) -> None:
    async with db.transaction() as tx:
        await token_refused(tx, WORKSPACE, reason, clock.now())


async def ask_again(services: Services, tries: int) -> dict[str, Any]:
    """Ask for this time. Returns what is noted then: the next try, and when."""
    now, subject = services.clock.now(), str(tries)
    async with services.db.transaction() as tx:
        await tx.execute(schema.agenda.delete().where(schema.agenda.c.action == "try_token"))
        await schedule.add(tx, WORKSPACE, action="try_token", subject=subject, due_at=now)
    await try_token(
        services,
        AgendaItem(workspace_id=WORKSPACE, action="try_token", subject=subject, due_at=now),
    )
    noted = await agenda_of(services.db, "try_token")
    return {subject: due_at - now for subject, due_at in noted.items()}


async def state(db: Database) -> tuple[str, str | None]:
    """Of the workspace, and why nothing is sent for it."""
    async with db.reading() as reader:
        found = await reader.scalar(select(schema.workspaces.c.state))
        return str(found), await reader.scalar(select(schema.sender_leases.c.halted))


@pytest.mark.parametrize(
    ("reason", "asked"),
    [
        ("token_revoked", False),
        ("token_expired", False),
        ("invalid_auth", True),
        ("account_inactive", True),
    ],
)
async def test_only_a_token_that_was_not_taken_back_is_asked_about(
    installed: Database, clock: AdjustableClock, reason: str, asked: bool
) -> None:
    await refuse(installed, clock, reason)

    first = {"0": clock.now() + timedelta(minutes=15)} if asked else {}
    assert await agenda_of(installed, "try_token") == first
    assert await state(installed) == ("uninstalled", reason)


async def test_an_old_refusal_is_not_asked_about(
    installed: Database, clock: AdjustableClock
) -> None:
    """We were installed again since."""
    clock.advance(-timedelta(days=2))
    await refuse(installed, clock, "invalid_auth")

    assert await agenda_of(installed, "try_token") == {}
    assert await state(installed) == ("installed", None)


@pytest.mark.parametrize(
    ("tries", "again"),
    [
        (0, {"1": timedelta(minutes=30)}),
        (1, {"2": timedelta(hours=1)}),
        (5, {"6": timedelta(hours=16)}),
        (6, {"7": timedelta(days=1)}),
        (TRIES - 2, {"39": timedelta(days=1)}),
        (TRIES - 1, {}),
    ],
)
async def test_it_is_asked_forty_times_in_a_month_and_then_no_more(
    installed: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    tries: int,
    again: dict[str, timedelta],
) -> None:
    await refuse(installed, clock, "invalid_auth")
    fake_slack.faults.fail_next("auth.test", error="invalid_auth")

    assert await ask_again(services, tries) == again
    assert (await state(installed))[0] == "uninstalled"


async def test_once_it_is_taken_back_it_is_not_asked_about_any_more(
    installed: Database, services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    await refuse(installed, clock, "invalid_auth")
    fake_slack.faults.fail_next("auth.test", error="token_revoked")

    assert await ask_again(services, 1) == {}
    assert (await state(installed))[0] == "uninstalled"


async def test_a_token_that_is_good_again_is_asked_about_no_more(
    installed: Database, services: Services, clock: AdjustableClock
) -> None:
    await refuse(installed, clock, "invalid_auth")

    assert await ask_again(services, 1) == {}
    assert await state(installed) == ("installed", None)


@pytest.mark.parametrize(
    ("error", "ends"), [("invalid_auth", AlreadyTaken), ("not_in_channel", Exception)]
)
async def test_only_a_refused_token_makes_its_workspace_wait(
    installed: Database,
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    error: str,
    ends: type[Exception],
) -> None:
    async def act(services: Services, _: AgendaItem) -> None:
        await services.client_for(WORKSPACE).conversations_info(channel=LAUNCH)

    fake_slack.faults.fail_next("conversations.info", error=error)
    item = AgendaItem(workspace_id=WORKSPACE, action="act", subject="it", due_at=clock.now())
    with pytest.raises(ends) as ended:
        await watching_token(act)(services, item)

    refused = error == "invalid_auth"
    assert isinstance(ended.value, AlreadyTaken) == refused
    assert (await state(installed))[0] == ("uninstalled" if refused else "installed")
