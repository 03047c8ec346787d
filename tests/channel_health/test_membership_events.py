"""Membership sync with the channel, retry buttons, and reports of failed messages to leads."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.channel_health import delivery_failures, membership_events, pause
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, keys
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    EXTERNAL,
    FINN,
    GUEST,
    HANA,
    LAUNCH,
    MEMBERS,
    OTHER_BOT,
    OWNER,
    WORKSPACE,
)
from tests.rounds.evidence import agenda_of, delivered, said
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase

EDIT_KEY = f"edit:announcement:{PHASE}"


@pytest.fixture
async def phase_db(db: Database, fake_slack: FakeSlack) -> Database:
    """An announced phase, synced since its start, whose channel has exactly its team."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx, membership_synced_at=NOW)
        key = keys.announcement(PHASE)
        await enqueue.post(tx, WORKSPACE, key=key, to=LAUNCH, content=content("!"), now=NOW)
    await delivered(db, key, (LAUNCH, "1.1"))
    fake_slack.workspace.conversations[LAUNCH].members = [ANA, *MEMBERS]
    return db


async def participants(db: Database) -> dict[str, tuple[str, bool]]:
    """Return role and presence by user id."""
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.phase_people))
        return {row.user_id: (row.role, row.left_at is None) for row in rows}


async def non_participants(db: Database) -> set[str]:
    async with db.reading() as reader:
        return set(await reader.scalars(select(schema.non_participants.c.user_id)))


async def schedule_item(services: Services, action: str, subject: str) -> AgendaItem:
    at = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=at)
    return AgendaItem(workspace_id=WORKSPACE, action=action, subject=subject, due_at=at)


async def sync(services: Services) -> None:
    await membership_events.sync_members(
        services, await schedule_item(services, "sync_members", PHASE)
    )


async def update_phase(db: Database, **values: object) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.phases).values(**values))


async def test_colleagues_who_join_become_members_and_others_non_participants(
    phase_db: Database, services: Services, fake_slack: FakeSlack
) -> None:
    channel_members = fake_slack.workspace.conversations[LAUNCH].members
    channel_members += [OWNER, GUEST, OTHER_BOT, EXTERNAL]
    channel_members.remove(BEN)
    before = await participants(phase_db)
    await sync(services)

    assert EDIT_KEY in await said(phase_db)
    assert await participants(phase_db) == {
        **before,
        BEN: ("member", False),
        OWNER: ("member", True),
    }
    assert await non_participants(phase_db) == {GUEST, OTHER_BOT, EXTERNAL}
    assert await agenda_of(phase_db, "sync_members") == {}

    channel_members.append(BEN)
    channel_members.remove(GUEST)
    await sync(services)
    assert (await participants(phase_db))[BEN] == ("member", True)
    assert await non_participants(phase_db) == {OTHER_BOT, EXTERNAL}


async def test_leaving_one_channel_keeps_membership_in_other_phases(
    phase_db: Database, services: Services, fake_slack: FakeSlack
) -> None:
    async with phase_db.transaction() as tx:
        await a_phase(tx, phase_id="other", channel_id="C0PLATF")
    fake_slack.workspace.conversations[LAUNCH].members.remove(BEN)
    await sync(services)

    rows = schema.phase_people
    async with phase_db.reading() as reader:
        left = select(rows.c.phase_id, rows.c.user_id).where(rows.c.left_at.is_not(None))
        assert [tuple(row) for row in await reader.execute(left)] == [(PHASE, BEN)]


async def test_guest_turned_colleague_becomes_a_member_only_on_rejoining(
    phase_db: Database, services: Services, fake_slack: FakeSlack
) -> None:
    channel_members = fake_slack.workspace.conversations[LAUNCH].members
    channel_members.append(GUEST)
    await sync(services)
    async with phase_db.transaction() as tx:
        changed = update(schema.people).where(schema.people.c.user_id == GUEST)
        await tx.execute(changed.values(is_guest=False))
    await sync(services)
    assert GUEST not in await participants(phase_db)

    channel_members.remove(GUEST)
    await sync(services)
    channel_members.append(GUEST)
    await sync(services)
    assert (await participants(phase_db))[GUEST] == ("member", True)


@pytest.mark.parametrize("how", ["paused", "unreadable"])
async def test_sync_skips_paused_phases_and_unreadable_channels(
    phase_db: Database, services: Services, fake_slack: FakeSlack, how: str
) -> None:
    fake_slack.workspace.conversations[LAUNCH].members = [ANA, OWNER]
    before = await participants(phase_db)
    if how == "paused":
        await update_phase(phase_db, paused_at=NOW, pause_reason="archived")
    else:
        fake_slack.faults.fail_next("conversations.members", error="missing_scope")
    await sync(services)

    assert await participants(phase_db) == before
    assert await agenda_of(phase_db, "sync_members") == {}


async def test_missed_changes_are_synced_one_phase_at_a_time_oldest_first(
    phase_db: Database, services: Services
) -> None:
    started = {"p1": NOW, "p2": NOW - timedelta(days=1), "p3": NOW + timedelta(days=1)}
    now = services.clock.now()
    async with phase_db.transaction() as tx:
        for phase_id, started_at in started.items():
            channel: dict[str, Any] = {
                "channel_id": f"C0{phase_id.upper()}",
                "started_at": started_at,
            }
            await a_phase(tx, phase_id=phase_id, **channel)
        await a_phase(tx, phase_id="over", state="ended")
        at = now - timedelta(hours=1)
        await schedule.add(tx, WORKSPACE, action="sync_members", subject="p3", due_at=at)
    item = await schedule_item(services, "catch_up", WORKSPACE)
    await membership_events.read_missed_changes(services, item)

    found = await agenda_of(phase_db, "sync_members")
    assert found.pop("p3") == now - timedelta(hours=1)  # already scheduled: not delayed
    assert sorted(found, key=lambda one: (found[one], one)) == ["p2", "p1", PHASE]
    assert len(set(found.values())) == 3
    assert min(found.values()) == now
    assert set(await agenda_of(phase_db, "read_person")) == {ANA, *MEMBERS}


def request_by(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id=PHASE)


@pytest.mark.parametrize(
    ("press", "change", "message"),
    [
        (pause.try_again, {"state": "active"}, "This phase isn't paused any more"),
        (pause.try_again, {"state": "ended", "paused_at": NOW}, "This phase has ended"),
        (pause.post_again, {"state": "ended"}, "This phase has ended"),
    ],
)
async def test_retry_buttons_are_refused_if_nothing_is_paused_or_the_phase_ended(
    phase_db: Database, services: Services, press: Any, change: dict[str, object], message: str
) -> None:
    await update_phase(phase_db, **change)
    with pytest.raises(Refused, match=message):
        await press(services, request_by(ANA))


@pytest.mark.parametrize("press", [pause.try_again, pause.post_again])
@pytest.mark.parametrize("user_id", [BEN, GUEST])
async def test_only_leads_and_admins_may_use_the_retry_buttons(
    phase_db: Database, services: Services, press: Any, user_id: str
) -> None:
    await update_phase(phase_db, paused_at=NOW, pause_reason="outside")
    with pytest.raises(Refused):
        await press(services, request_by(user_id))
    async with phase_db.reading() as reader:
        assert await reader.scalar(select(schema.phases.c.paused_at)) == NOW
    assert list(await said(phase_db)) == [f"announcement:{PHASE}"]


@pytest.mark.parametrize(
    ("carry_out", "action", "subject"),
    [
        (pause.pause_phase, "pause_phase", "gone:archived"),
        (pause.check_channel, "check_channel", "gone"),
        (delivery_failures.report_missing_announcement, "report_missing_announcement", "gone"),
        (delivery_failures.report_undelivered, "report_undelivered", "gone:unsaid"),
        (membership_events.sync_members, "sync_members", "gone"),
    ],
)
async def test_agenda_items_of_deleted_phases_or_messages_complete_without_effect(
    phase_db: Database, services: Services, carry_out: Any, action: str, subject: str
) -> None:
    await carry_out(services, await schedule_item(services, action, subject))

    assert await agenda_of(phase_db, action) == {}
    assert list(await said(phase_db)) == [f"announcement:{PHASE}"]


async def report_undelivered(services: Services, key: str, state: str = "failed") -> dict[str, Any]:
    row = {
        "workspace_id": WORKSPACE,
        "message_id": "m1",
        "key": key,
        "operation": "post",
        "conversation": LAUNCH,
        "state": state,
        "not_before": NOW,
        "created_at": NOW,
        "error": "never_heard_of",
    }
    messages = schema.messages
    async with services.db.transaction() as tx:
        await tx.execute(delete(messages).where(messages.c.key == key))
        await tx.execute(insert(messages).values(**row))
    await delivery_failures.report_undelivered(
        services, await schedule_item(services, "report_undelivered", "m1:unsaid")
    )
    messages_by_key = await said(services.db)
    return {one: body for one, body in messages_by_key.items() if one.startswith("not_said:")}


@pytest.mark.parametrize("state", ["failed", "pending"])
async def test_reachable_leads_are_told_about_a_failed_message_but_not_a_pending_one(
    phase_db: Database, services: Services, state: str
) -> None:
    rows = schema.phase_people
    async with phase_db.transaction() as tx:
        leads = rows.c.user_id.in_([CHIARA, FINN, HANA])
        await tx.execute(update(rows).where(leads).values(role="lead"))
        await tx.execute(update(rows).where(rows.c.user_id == FINN).values(left_at=NOW))
        closed = update(schema.people).where(schema.people.c.user_id == HANA)
        await tx.execute(closed.values(is_deleted=True))
    notices = await report_undelivered(services, f"closing:{PHASE}", state)

    expected = {f"not_said:closing:{PHASE}::{lead}" for lead in (ANA, CHIARA)}
    assert set(notices) == (expected if state == "failed" else set())
    assert all("The closing message" in body["text"] for body in notices.values())


async def test_failed_message_of_a_deleted_phase_is_not_reported(
    phase_db: Database, services: Services
) -> None:
    assert await report_undelivered(services, "closing:gone") == {}


@pytest.mark.parametrize(("state", "is_offered"), [("active", True), ("ended", False)])
async def test_posting_again_is_offered_only_for_a_running_phase(
    phase_db: Database, services: Services, state: str, is_offered: bool
) -> None:
    await update_phase(phase_db, state=state)
    (body,) = (await report_undelivered(services, f"announcement:{PHASE}")).values()

    assert ("Post It Again" in str(body)) is is_offered
