"""Who comes and goes is followed once Slack was asked; and what leads press while a phase waits."""

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

EDIT = f"edit:announcement:{PHASE}"


@pytest.fixture
async def running(db: Database, fake_slack: FakeSlack) -> Database:
    """A phase whose channel has exactly its team, followed from its start, and announced."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx, membership_synced_at=NOW)
        key = keys.announcement(PHASE)
        await enqueue.post(tx, WORKSPACE, key=key, to=LAUNCH, content=content("!"), now=NOW)
    await delivered(db, key, (LAUNCH, "1.1"))
    fake_slack.workspace.conversations[LAUNCH].members = [ANA, *MEMBERS]
    return db


async def people(db: Database) -> dict[str, tuple[str, bool]]:
    """Role, and whether they are there."""
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.phase_people))
        return {row.user_id: (row.role, row.left_at is None) for row in rows}


async def onlookers(db: Database) -> set[str]:
    async with db.reading() as reader:
        return set(await reader.scalars(select(schema.non_participants.c.user_id)))


async def due(services: Services, action: str, subject: str) -> AgendaItem:
    at = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=at)
    return AgendaItem(workspace_id=WORKSPACE, action=action, subject=subject, due_at=at)


async def follow(services: Services) -> None:
    await membership_events.sync_members(services, await due(services, "follow_members", PHASE))


async def marked(db: Database, **values: object) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.phases).values(**values))


async def test_colleagues_who_come_are_of_the_team_and_others_look_on(
    running: Database, services: Services, fake_slack: FakeSlack
) -> None:
    there = fake_slack.workspace.conversations[LAUNCH].members
    there += [OWNER, GUEST, OTHER_BOT, EXTERNAL]
    there.remove(BEN)
    before = await people(running)
    await follow(services)

    assert EDIT in await said(running)
    assert await people(running) == {**before, BEN: ("member", False), OWNER: ("member", True)}
    assert await onlookers(running) == {GUEST, OTHER_BOT, EXTERNAL}
    assert await agenda_of(running, "follow_members") == {}

    there.append(BEN)
    there.remove(GUEST)
    await follow(services)
    assert (await people(running))[BEN] == ("member", True)
    assert await onlookers(running) == {OTHER_BOT, EXTERNAL}


async def test_who_leaves_one_channel_stays_in_the_others(
    running: Database, services: Services, fake_slack: FakeSlack
) -> None:
    async with running.transaction() as tx:
        await a_phase(tx, phase_id="other", channel_id="C0PLATF")
    fake_slack.workspace.conversations[LAUNCH].members.remove(BEN)
    await follow(services)

    rows = schema.phase_people
    async with running.reading() as reader:
        left = select(rows.c.phase_id, rows.c.user_id).where(rows.c.left_at.is_not(None))
        assert [tuple(row) for row in await reader.execute(left)] == [(PHASE, BEN)]


async def test_a_guest_who_becomes_a_colleague_is_of_the_team_once_they_come_anew(
    running: Database, services: Services, fake_slack: FakeSlack
) -> None:
    there = fake_slack.workspace.conversations[LAUNCH].members
    there.append(GUEST)
    await follow(services)
    async with running.transaction() as tx:
        changed = update(schema.people).where(schema.people.c.user_id == GUEST)
        await tx.execute(changed.values(is_guest=False))
    await follow(services)
    assert GUEST not in await people(running)

    there.remove(GUEST)
    await follow(services)
    there.append(GUEST)
    await follow(services)
    assert (await people(running))[GUEST] == ("member", True)


async def test_who_was_there_before_anybody_looked_only_looks_on(
    running: Database, services: Services, fake_slack: FakeSlack
) -> None:
    await marked(running, membership_synced_at=None)
    fake_slack.workspace.conversations[LAUNCH].members.append(OWNER)
    await follow(services)

    assert OWNER not in await people(running)
    assert await onlookers(running) == {OWNER}
    synced_at = select(schema.phases.c.membership_synced_at)
    async with running.reading() as reader:
        assert await reader.scalar(synced_at) == services.clock.now()


@pytest.mark.parametrize("how", ["paused", "ended", "unreadable"])
async def test_nobody_is_followed_where_it_waits_is_over_or_cannot_be_read(
    running: Database, services: Services, fake_slack: FakeSlack, how: str
) -> None:
    fake_slack.workspace.conversations[LAUNCH].members = [ANA, OWNER]
    before = await people(running)
    if how == "paused":
        await marked(running, paused_at=NOW, paused_because="archived")
    elif how == "ended":
        await marked(running, state="ended", ended_at=NOW)
    else:
        fake_slack.faults.fail_next("conversations.members", error="missing_scope")
    await follow(services)

    assert await people(running) == before
    assert await agenda_of(running, "follow_members") == {}


async def test_what_was_missed_is_asked_for_one_after_the_other(
    running: Database, services: Services
) -> None:
    started = {"p1": NOW, "p2": NOW - timedelta(days=1), "p3": NOW + timedelta(days=1)}
    now = services.clock.now()
    async with running.transaction() as tx:
        for phase_id, started_at in started.items():
            channel: dict[str, Any] = {
                "channel_id": f"C0{phase_id.upper()}",
                "started_at": started_at,
            }
            await a_phase(tx, phase_id=phase_id, **channel)
        await a_phase(tx, phase_id="over", state="ended")
        at = now - timedelta(hours=1)
        await schedule.add(tx, WORKSPACE, action="follow_members", subject="p3", due_at=at)
    item = await due(services, "ask_what_was_missed", WORKSPACE)
    await membership_events.read_missed_changes(services, item)

    found = await agenda_of(running, "follow_members")
    assert found.pop("p3") == now - timedelta(hours=1)  # noted before: not put off
    assert sorted(found, key=lambda one: (found[one], one)) == ["p2", "p1", PHASE]
    assert len(set(found.values())) == 3
    assert min(found.values()) == now
    assert set(await agenda_of(running, "read_person")) == {ANA, *MEMBERS}


def who(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id=PHASE)


@pytest.mark.parametrize(
    ("press", "change", "says"),
    [
        (pause.try_again, {"state": "active"}, "this phase is not paused any more"),
        (pause.try_again, {"state": "ended", "paused_at": NOW}, "this phase has ended"),
        (pause.post_again, {"state": "ended"}, "this phase has ended"),
    ],
)
async def test_what_cannot_be_tried_again_is_said(
    running: Database, services: Services, press: Any, change: dict[str, object], says: str
) -> None:
    await marked(running, **change)
    with pytest.raises(Refused, match=says):
        await press(services, who(ANA))


@pytest.mark.parametrize("press", [pause.try_again, pause.post_again])
@pytest.mark.parametrize("user_id", [BEN, GUEST])
async def test_only_leads_and_admins_try_again(
    running: Database, services: Services, press: Any, user_id: str
) -> None:
    await marked(running, paused_at=NOW, paused_because="outside")
    with pytest.raises(Refused):
        await press(services, who(user_id))
    async with running.reading() as reader:
        assert await reader.scalar(select(schema.phases.c.paused_at)) == NOW
    assert list(await said(running)) == [f"announcement:{PHASE}"]


@pytest.mark.parametrize(
    ("carry_out", "action", "subject"),
    [
        (pause.pause_phase, "pause_phase", "gone:archived"),
        (pause.check_channel, "look_at_channel", "gone"),
        (delivery_failures.report_missing_announcement, "tell_of_missing", "gone"),
        (delivery_failures.report_undelivered, "tell_of_unsaid", "gone:unsaid"),
        (membership_events.sync_members, "follow_members", "gone"),
    ],
)
async def test_what_is_due_of_a_phase_or_message_that_is_gone_is_done_with(
    running: Database, services: Services, carry_out: Any, action: str, subject: str
) -> None:
    await carry_out(services, await due(services, action, subject))

    assert await agenda_of(running, action) == {}
    assert list(await said(running)) == [f"announcement:{PHASE}"]


async def unsaid(services: Services, key: str, state: str = "failed") -> dict[str, Any]:
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
        services, await due(services, "tell_of_unsaid", "m1:unsaid")
    )
    told = await said(services.db)
    return {one: body for one, body in told.items() if one.startswith("not_said:")}


@pytest.mark.parametrize("state", ["failed", "pending"])
async def test_each_lead_is_told_what_could_not_be_said_unless_it_was_changed_since(
    running: Database, services: Services, state: str
) -> None:
    rows = schema.phase_people
    async with running.transaction() as tx:
        leads = rows.c.user_id.in_([CHIARA, FINN, HANA])
        await tx.execute(update(rows).where(leads).values(role="lead"))
        await tx.execute(update(rows).where(rows.c.user_id == FINN).values(left_at=NOW))
        closed = update(schema.people).where(schema.people.c.user_id == HANA)
        await tx.execute(closed.values(is_deleted=True))
    told = await unsaid(services, f"closing:{PHASE}", state)

    whom = {f"not_said:closing:{PHASE}::{lead}" for lead in (ANA, CHIARA)}
    assert set(told) == (whom if state == "failed" else set())
    assert all("The closing" in body["text"] for body in told.values())


async def test_nobody_is_told_of_what_belongs_to_a_phase_that_is_gone(
    running: Database, services: Services
) -> None:
    assert await unsaid(services, "closing:gone") == {}


@pytest.mark.parametrize(("state", "again"), [("active", True), ("ended", False)])
async def test_only_the_announcement_of_a_running_phase_is_posted_again(
    running: Database, services: Services, state: str, again: bool
) -> None:
    await marked(running, state=state)
    (body,) = (await unsaid(services, f"announcement:{PHASE}")).values()

    assert ("Post it again" in str(body)) is again
