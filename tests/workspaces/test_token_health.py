"""A token that Slack refuses: everything waits, it is asked about ever more seldom, and goes on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import PARKED, AgendaItem, AlreadyTaken
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
    token_refused,
    try_token,
    watching_token,
)
from tests.harness import BEN, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW

US = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": "Play"}


@pytest.fixture
async def installed(db: Database, clock: AdjustableClock) -> Database:
    await install(db, US, NOW)
    async with db.transaction() as tx:
        await enqueue.post(
            tx, WORKSPACE, key=keys.announcement("p"), to=BEN, content=content("Hello"), now=NOW
        )
    clock.advance(timedelta(hours=1))
    return db


async def state(db: Database) -> tuple[str | None, str | None]:
    """Of the workspace, and why its messages are halted."""
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
async def test_a_token_that_was_not_taken_back_for_good_is_asked_about(
    installed: Database, clock: AdjustableClock, reason: str, tries: dict[str, timedelta]
) -> None:
    await refuse(installed, reason, clock.now())

    assert await state(installed) == ("uninstalled", reason)
    due = {tried: clock.now() + wait for tried, wait in tries.items()}
    assert await agenda_of(installed, ActionName.TRY_TOKEN) == due


async def test_a_refusal_from_before_the_installation_changes_nothing(installed: Database) -> None:
    await refuse(installed, "invalid_auth", NOW - timedelta(seconds=1))

    assert await state(installed) == ("installed", None)
    assert await agenda_of(installed, ActionName.TRY_TOKEN) == {}


async def a_try(services: Services, tried: int) -> AgendaItem:
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action=ActionName.TRY_TOKEN, subject=str(tried), due_at=now
        )
    return AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.TRY_TOKEN, subject=str(tried), due_at=now
    )


@pytest.mark.parametrize(
    ("tried", "error", "later"),
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
async def test_it_is_asked_about_ever_more_seldom_until_it_is_given_up(
    installed: Database,
    services: Services,
    fake_slack: FakeSlack,
    tried: int,
    error: str,
    later: tuple[str, timedelta] | None,
) -> None:
    await refuse(installed, "invalid_auth", services.clock.now())
    async with installed.transaction() as tx:
        await schedule.remove(tx, WORKSPACE, action=ActionName.TRY_TOKEN, subject="0")
    fake_slack.faults.fail_next("auth.test", error=error)

    await try_token(services, await a_try(services, tried))

    due = await agenda_of(installed, ActionName.TRY_TOKEN)
    assert due == ({} if later is None else {later[0]: services.clock.now() + later[1]})
    assert (await state(installed))[0] == "uninstalled"


async def test_when_it_is_good_again_everything_goes_on(
    installed: Database, services: Services
) -> None:
    await refuse(installed, "invalid_auth", services.clock.now())
    assert (await parked(installed))["tidy"]

    await try_token(services, await a_try(services, 0))

    assert await state(installed) == ("installed", None)
    assert await parked(installed) == {"tidy": False, "ask_what_was_missed": False}
    assert (await agenda_of(installed, "ask_what_was_missed"))[WORKSPACE] == services.clock.now()
    assert (await agenda_of(installed, "tidy"))[WORKSPACE] == NOW + timedelta(days=1)  # as before


async def parked(db: Database) -> dict[str, bool]:
    agenda_ = schema.agenda
    async with db.reading() as reader:
        rows = await reader.execute(select(agenda_.c.action, agenda_.c.retry_at))
        return {row.action: row.retry_at == PARKED for row in rows}


async def test_where_slack_cannot_say_now_the_try_itself_is_tried_again(
    installed: Database, services: Services, fake_slack: FakeSlack
) -> None:
    item = await a_try(services, 3)
    fake_slack.faults.fail_next("auth.test", status=500)

    with pytest.raises(SlackApiError):
        await try_token(services, item)

    assert list(await agenda_of(installed, ActionName.TRY_TOKEN)) == ["3"]


@pytest.mark.parametrize(
    ("error", "raises", "then"),
    [
        ("invalid_auth", AlreadyTaken, ("uninstalled", "invalid_auth")),
        ("channel_not_found", SlackApiError, ("installed", None)),
        ("internal_error", SlackApiError, ("installed", None)),
    ],
)
async def test_an_action_notices_a_refused_token_and_nothing_else(
    installed: Database,
    services: Services,
    error: str,
    raises: type[Exception],
    then: Sequence[str | None],
) -> None:
    async def act(_services: Services, _item: AgendaItem) -> None:
        raise SlackApiError("no", {"ok": False, "error": error})

    item = AgendaItem(workspace_id=WORKSPACE, action="any", subject="any", due_at=NOW)
    with pytest.raises(raises):
        await watching_token(act)(services, item)

    assert await state(installed) == then
