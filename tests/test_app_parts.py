"""The application's own decisions: whom it serves, when it is next due, when it can hear Slack."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert

from bot.agenda import schedule
from bot.app import Imbalance, _authorize_only, advance_clock
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox import enqueue, keys
from bot.settings import Settings
from bot.slack.content import content
from tests.conftest import MONDAY
from tests.harness import BEN, LAUNCH, WORKSPACE

US: dict[str, Any] = {"team_id": WORKSPACE, "user_id": "U0BOT", "bot_id": "B0BOT"}


@pytest.fixture
async def app(settings: Settings, clock: AdjustableClock) -> AsyncIterator[Imbalance]:
    """The application, not started."""
    built = Imbalance(settings, clock)
    yield built
    await built.db.close()


@pytest.mark.parametrize(
    ("checks", "can_receive"),
    [
        ((), True),
        (("agenda",), True),
        (("outbox",), True),
        (("socket",), False),
        (("database",), False),
        (("agenda", "socket"), False),
    ],
)
async def test_events_are_missed_without_a_connection_or_a_database(
    app: Imbalance, monkeypatch: pytest.MonkeyPatch, checks: tuple[str, ...], can_receive: bool
) -> None:
    async def not_ready() -> dict[str, str]:
        return dict.fromkeys(checks, "It fails.")

    monkeypatch.setattr(app, "not_ready", not_ready)

    assert await app._can_receive() is can_receive


async def test_only_events_of_the_own_workspace_are_authorized(app: Imbalance) -> None:
    authorize = _authorize_only(US, app.client)

    ours = await authorize(team_id=WORKSPACE)
    assert (ours.team_id, ours.bot_user_id, ours.bot_id) == (WORKSPACE, "U0BOT", "B0BOT")
    assert ours.bot_token == app.client.token
    assert await authorize(team_id="T0OTHER") is None
    assert await authorize(team_id=None) is None


async def test_what_is_due_next_is_an_action_or_a_message_whichever_comes_first(
    app: Imbalance,
) -> None:
    assert await app.next_due() is None
    action_at, message_at = MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=3)
    async with app.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="r:u", due_at=action_at)
        await tx.execute(insert(schema.sender_leases).values(workspace_id=WORKSPACE))
        key = keys.ask("r", BEN)
        said = content("Later.")
        await enqueue.post(tx, WORKSPACE, key=key, to=LAUNCH, content=said, now=message_at)
    assert await app.next_due() == action_at

    async with app.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action="remind", subject="r:u", due_at=MONDAY + timedelta(hours=4)
        )
    assert await app.next_due() == message_at


async def test_moved_time_goes_on_without_an_action_that_keeps_failing(
    app: Imbalance, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.RETRY_PATIENCE_SECONDS", 0.3)
    async with app.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="unknown", subject="s", due_at=MONDAY)
    passed: list[datetime] = []

    async def catch_up() -> None:
        passed.append(clock.now())

    monkeypatch.setattr(app, "catch_up", catch_up)  # it fails, and waits to be tried again
    until = MONDAY + timedelta(days=1)

    async with asyncio.timeout(10):
        await advance_clock(app, clock, until)

    assert clock.now() == until
    assert len(passed) < 20  # it is looked at now and then


async def test_the_next_event_is_one_that_somebody_notices(app: Imbalance) -> None:
    silent_at, noticed_at = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2)
    async with app.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="tidy", subject=WORKSPACE, due_at=silent_at)
    assert await app.next_event() is None

    async with app.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="r:u", due_at=noticed_at)
    assert await app.next_event() == noticed_at
    assert await app.next_due() == silent_at


@pytest.mark.parametrize(("sockets", "is_connected"), [(None, False), (False, False), (True, True)])
async def test_over_sockets_it_is_connected_while_one_of_them_is(
    app: Imbalance, sockets: bool | None, is_connected: bool
) -> None:
    async def any_connected() -> bool:
        return bool(sockets)

    stub: Any = SimpleNamespace(is_connected=any_connected)
    app._sockets = None if sockets is None else stub

    assert await app._is_connected() is is_connected
