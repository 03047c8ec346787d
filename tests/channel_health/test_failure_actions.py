"""Agenda items that follow from a refused message, and notices to admins if nobody leads."""

from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.channel_health import unreachable_people
from bot.channel_health.delivery_failures import on_refused
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import Operation
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import ErrorKind
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, LAUNCH, MEMBERS, OWNER, PLATFORM, WORKSPACE
from tests.rounds.evidence import said
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

POST, UPDATE, PIN = Operation.POST, Operation.UPDATE, Operation.PIN
ANNOUNCEMENT_KEY, RESULTS_KEY = f"announcement:{PHASE}", f"results:{ROUND}"


@pytest.fixture
async def phase_db(db: Database) -> Database:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx)
    return db


async def scheduled_items(db: Database) -> set[tuple[str, str, datetime]]:
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.agenda))
        return {(row.action, row.subject, row.due_at) for row in rows}


async def refuse(db: Database, reason: str, key: str, to: str, operation: Operation) -> None:
    refusal = FailedMessage(
        workspace_id=WORKSPACE,
        message_id="m1",
        key=MessageKey(key),
        operation=operation,
        conversation=to,
        reason=reason,
        error_kind=ErrorKind.PERMANENT,
    )
    async with db.transaction() as tx:
        await on_refused(tx, refusal, NOW)


@pytest.mark.parametrize(
    ("reason", "key", "to", "operation", "expected"),
    [
        ("user_disabled", f"ask:{ROUND}:{BEN}", BEN, POST, ("drop_person", BEN)),
        ("user_disabled", f"ask:{ROUND}:W0EVE", "W0EVE", POST, ("drop_person", "W0EVE")),
        ("is_archived", ANNOUNCEMENT_KEY, LAUNCH, POST, ("pause_phase", f"{PHASE}:archived")),
        ("not_in_channel", RESULTS_KEY, LAUNCH, POST, ("pause_phase", f"{PHASE}:outside")),
        ("channel_not_found", RESULTS_KEY, LAUNCH, POST, ("pause_phase", f"{PHASE}:unseen")),
        ("no_permission", RESULTS_KEY, LAUNCH, POST, ("pause_phase", f"{PHASE}:restricted")),
        ("is_archived", "announcement:x", PLATFORM, POST, None),  # no phase in this channel
        (
            "message_not_found",
            f"edit:{ANNOUNCEMENT_KEY}",
            LAUNCH,
            UPDATE,
            ("report_missing_announcement", PHASE),
        ),
        ("thread_not_found", RESULTS_KEY, LAUNCH, POST, ("report_missing_announcement", PHASE)),
        ("never_heard_of", RESULTS_KEY, LAUNCH, POST, ("report_undelivered", "m1:unsaid")),
        ("never_heard_of", f"edit:{RESULTS_KEY}", LAUNCH, UPDATE, None),
        (
            "cannot_reply_to_message",
            RESULTS_KEY,
            LAUNCH,
            POST,
            ("report_undelivered", "m1:no_reply"),
        ),
        (
            "invalid_blocks",
            f"edit:{RESULTS_KEY}",
            LAUNCH,
            UPDATE,
            ("report_undelivered", "m1:defect"),
        ),
        ("invalid_blocks", f"remind:{ROUND}:{BEN}", BEN, POST, None),  # nobody expects it
        ("missing_scope", ANNOUNCEMENT_KEY, LAUNCH, POST, ("report_undelivered", "m1:without")),
        ("missing_scope", f"pin:{ANNOUNCEMENT_KEY}", LAUNCH, PIN, None),
        ("restricted_action", f"pin:{ANNOUNCEMENT_KEY}", LAUNCH, PIN, None),
    ],
)
async def test_refusal_schedules_its_action_immediately(
    phase_db: Database,
    reason: str,
    key: str,
    to: str,
    operation: Operation,
    expected: tuple[str, str] | None,
) -> None:
    await refuse(phase_db, reason, key, to, operation)

    assert await scheduled_items(phase_db) == ({(*expected, NOW)} if expected else set())


@pytest.mark.parametrize(("because", "again"), [("archived", False), ("unseen", True)])
async def test_phase_already_paused_for_the_same_reason_is_not_paused_again(
    phase_db: Database, because: str, again: bool
) -> None:
    async with phase_db.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW, pause_reason=because))
    await refuse(phase_db, "is_archived", RESULTS_KEY, LAUNCH, POST)

    assert bool(await scheduled_items(phase_db)) is again


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


async def test_three_admins_are_told_within_their_working_hours(
    leaderless_db: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))  # 21:00 in Tokyo
    people = schema.people
    async with leaderless_db.transaction() as tx:
        admins = people.c.user_id.in_([BEN, CHIARA, DEV, EMI])
        await tx.execute(update(people).where(admins).values(is_admin=True, zone="Asia/Tokyo"))

    assert set(await tell_admins(services)) == {
        notice_key(BEN),
        notice_key(CHIARA),
        notice_key(DEV),
    }
    async with leaderless_db.reading() as reader:
        at = set(await reader.scalars(select(schema.messages.c.not_before)))
    assert at == {datetime(2026, 11, 23, 23, tzinfo=UTC)}


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
