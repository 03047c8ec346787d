"""Notices to admins if nobody leads a phase, and the search for admins."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.channel_health import unreachable_people
from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.services import Services
from tests.harness import ANA, BEN, MEMBERS, OWNER, WORKSPACE
from tests.rounds.evidence import said
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase, a_round


@pytest.fixture
async def phase_db(db: Database) -> Database:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx)
    return db


@pytest.fixture
async def leaderless_db(phase_db: Database) -> Database:
    """A database with a phase whose only lead has a closed account."""
    people = schema.people
    async with phase_db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == ANA).values(is_deleted=True))
        await schedule.add(tx, WORKSPACE, action="tell_admins", subject=PHASE, due_at=NOW)
    return phase_db


async def tell_admins(services: Services) -> dict[str, Any]:
    item = AgendaItem(workspace_id=WORKSPACE, action="tell_admins", subject=PHASE, due_at=NOW)
    await unreachable_people.tell_admins(services, item)
    return await said(services.db)


def notice_key(user_id: str) -> str:
    return f"nobody_leads:{PHASE}:{user_id}"


@pytest.mark.parametrize(("pages", "found"), [(15, True), (1, False)])
async def test_admin_lookup_stops_after_the_page_limit(
    leaderless_db: Database,
    services: Services,
    fake_slack: FakeSlack,
    monkeypatch: pytest.MonkeyPatch,
    pages: int,
    found: bool,
) -> None:
    monkeypatch.setattr(unreachable_people, "PAGE", 1)
    monkeypatch.setattr(unreachable_people, "PAGES", pages)
    users = fake_slack.workspace.users
    fake_slack.workspace.users = {BEN: users[BEN], **users}  # an ordinary member first

    assert (notice_key(OWNER) in await tell_admins(services)) is found
    read = [call for call in fake_slack.calls if call.method == "users.list"]
    assert len(read) <= pages


@pytest.mark.parametrize("change", [{"state": "ended"}, None])
async def test_no_new_lead_is_requested_if_the_phase_ended_or_has_a_lead_again(
    leaderless_db: Database, services: Services, change: dict[str, str] | None
) -> None:
    """For an ended phase, admins are told instead that nobody reads its outcome."""
    people = schema.people
    async with leaderless_db.transaction() as tx:
        await a_person(tx, OWNER, is_admin=True)
        if change:
            await tx.execute(update(schema.phases).values(**change))
        else:
            await tx.execute(update(people).where(people.c.user_id == ANA).values(is_deleted=False))

    expected_keys = {f"nobody_reads:{PHASE}:{OWNER}"}
    assert set(await tell_admins(services)) == (expected_keys if change else set())


async def test_admin_lookup_logs_a_refusal_and_raises_on_server_error(
    leaderless_db: Database, services: Services, fake_slack: FakeSlack
) -> None:
    fake_slack.faults.fail_next("users.list", error="internal_error")
    with pytest.raises(SlackApiError):
        await tell_admins(services)
    fake_slack.faults.fail_next("users.list", error="missing_scope")
    with capture_logs() as logs:
        assert await tell_admins(services) == {}

    assert [line["event"] for line in logs] == ["admins_not_read", "no_admin_found"]
