"""What is noted when Slack refuses a message for good, and who is told where nobody leads."""

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
ANNOUNCED, RESULTS = f"announcement:{PHASE}", f"results:{ROUND}"


@pytest.fixture
async def running(db: Database) -> Database:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx)
    return db


async def noted(db: Database) -> set[tuple[str, str, datetime]]:
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
        meaning=ErrorKind.PERMANENT,
    )
    async with db.transaction() as tx:
        await on_refused(tx, refusal, NOW)


@pytest.mark.parametrize(
    ("reason", "key", "to", "operation", "follows"),
    [
        ("user_disabled", f"ask:{ROUND}:{BEN}", BEN, POST, ("drop_person", BEN)),
        ("user_disabled", f"ask:{ROUND}:W0EVE", "W0EVE", POST, ("drop_person", "W0EVE")),
        ("is_archived", ANNOUNCED, LAUNCH, POST, ("pause_phase", f"{PHASE}:archived")),
        ("not_in_channel", RESULTS, LAUNCH, POST, ("pause_phase", f"{PHASE}:outside")),
        ("channel_not_found", RESULTS, LAUNCH, POST, ("pause_phase", f"{PHASE}:unseen")),
        ("no_permission", RESULTS, LAUNCH, POST, ("pause_phase", f"{PHASE}:restricted")),
        ("is_archived", "announcement:x", PLATFORM, POST, None),  # no phase is there
        ("message_not_found", f"edit:{ANNOUNCED}", LAUNCH, UPDATE, ("tell_of_missing", PHASE)),
        ("thread_not_found", RESULTS, LAUNCH, POST, ("tell_of_missing", PHASE)),
        ("never_heard_of", RESULTS, LAUNCH, POST, ("tell_of_unsaid", "m1:unsaid")),
        ("never_heard_of", f"edit:{RESULTS}", LAUNCH, UPDATE, None),
        ("cannot_reply_to_message", RESULTS, LAUNCH, POST, ("tell_of_unsaid", "m1:no_reply")),
        ("invalid_blocks", f"edit:{RESULTS}", LAUNCH, UPDATE, ("tell_of_unsaid", "m1:defect")),
        ("invalid_blocks", f"remind:{ROUND}:{BEN}", BEN, POST, None),  # nobody waits for it
        ("missing_scope", ANNOUNCED, LAUNCH, POST, ("tell_of_unsaid", "m1:without")),
        ("missing_scope", f"pin:{ANNOUNCED}", LAUNCH, PIN, None),
        ("restricted_action", f"pin:{ANNOUNCED}", LAUNCH, PIN, None),
    ],
)
async def test_what_follows_from_a_refusal_is_noted_once_and_at_once(
    running: Database,
    reason: str,
    key: str,
    to: str,
    operation: Operation,
    follows: tuple[str, str] | None,
) -> None:
    await refuse(running, reason, key, to, operation)

    assert await noted(running) == ({(*follows, NOW)} if follows else set())


@pytest.mark.parametrize(("because", "again"), [("archived", False), ("unseen", True)])
async def test_a_phase_that_waits_for_this_reason_is_not_paused_anew(
    running: Database, because: str, again: bool
) -> None:
    async with running.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW, paused_because=because))
    await refuse(running, "is_archived", RESULTS, LAUNCH, POST)

    assert bool(await noted(running)) is again


@pytest.fixture
async def leaderless(running: Database) -> Database:
    """A phase whose only lead has a closed account."""
    people = schema.people
    async with running.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == ANA).values(is_deleted=True))
        await schedule.add(tx, WORKSPACE, action="tell_admins", subject=PHASE, due_at=NOW)
    return running


async def tell_admins(services: Services) -> dict[str, Any]:
    item = AgendaItem(workspace_id=WORKSPACE, action="tell_admins", subject=PHASE, due_at=NOW)
    await unreachable_people.tell_admins(services, item)
    return await said(services.db)


def told(user_id: str) -> str:
    return f"nobody_leads:{PHASE}:{user_id}"


async def test_three_admins_are_told_within_their_hours(
    leaderless: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))  # 21:00 in Tokyo
    people = schema.people
    async with leaderless.transaction() as tx:
        admins = people.c.user_id.in_([BEN, CHIARA, DEV, EMI])
        await tx.execute(update(people).where(admins).values(is_admin=True, zone="Asia/Tokyo"))

    assert set(await tell_admins(services)) == {told(BEN), told(CHIARA), told(DEV)}
    async with leaderless.reading() as reader:
        at = set(await reader.scalars(select(schema.messages.c.not_before)))
    assert at == {datetime(2026, 11, 23, 23, tzinfo=UTC)}


@pytest.mark.parametrize(("pages", "found"), [(15, True), (1, False)])
async def test_an_admin_is_looked_for_in_the_first_pages(
    leaderless: Database,
    services: Services,
    fake_slack: FakeSlack,
    monkeypatch: pytest.MonkeyPatch,
    pages: int,
    found: bool,
) -> None:
    monkeypatch.setattr(unreachable_people, "PAGE", 1)
    monkeypatch.setattr(unreachable_people, "PAGES", pages)
    keep = fake_slack.workspace.users
    fake_slack.workspace.users = {BEN: keep[BEN], **keep}  # an ordinary member first

    assert (told(OWNER) in await tell_admins(services)) is found
    read = [call for call in fake_slack.calls if call.method == "users.list"]
    assert len(read) <= pages


@pytest.mark.parametrize("change", [{"state": "ended"}, None])
async def test_nobody_is_asked_to_lead_a_phase_that_ended_or_is_led_again(
    leaderless: Database, services: Services, change: dict[str, str] | None
) -> None:
    """Of one that ended admins hear that nobody reads what it brought."""
    people = schema.people
    async with leaderless.transaction() as tx:
        await a_person(tx, OWNER, is_admin=True)
        if change:
            await tx.execute(update(schema.phases).values(**change))
        else:
            await tx.execute(update(people).where(people.c.user_id == ANA).values(is_deleted=False))

    reads = {f"nobody_reads:{PHASE}:{OWNER}"}
    assert set(await tell_admins(services)) == (reads if change else set())


async def test_where_slack_will_not_list_people_that_is_logged_and_a_failure_is_tried_again(
    leaderless: Database, services: Services, fake_slack: FakeSlack
) -> None:
    fake_slack.faults.fail_next("users.list", error="internal_error")
    with pytest.raises(SlackApiError):
        await tell_admins(services)
    fake_slack.faults.fail_next("users.list", error="missing_scope")
    with capture_logs() as logs:
        assert await tell_admins(services) == {}

    assert [line["event"] for line in logs] == ["admins_not_read", "nobody_leads"]
