"""Rows written for channel and membership events, and by the channel check that follows them."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.channel_health import channel_events, membership_events
from bot.channel_health import pause as channel_health_pause
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.phases.model import PauseReason
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.playground.server import FakeSlack
from bot.services import Services
from tests.harness import ANA, BEN, FINN, LAUNCH, MEMBERS, PLATFORM, WORKSPACE
from tests.rounds.evidence import agenda_of, delivered, said
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase, a_round

CONTEXT: Any = SimpleNamespace(team_id=WORKSPACE, bot_user_id=BOT_USER_ID)
NEW_CHANNEL = "C0MOVED"


@pytest.fixture
async def phase_db(db: Database) -> Database:
    """A phase in #launch that started half a second past nine; Finn does not take part."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        started_at = NOW + timedelta(milliseconds=500)
        await a_phase(tx, started_at=started_at, membership_synced_at=started_at)
        key = {"workspace_id": WORKSPACE, "phase_id": PHASE}
        await tx.execute(insert(schema.non_participants).values(**key, user_id=FINN))
    return db


def event(kind: str, event_id: str = "Ev1", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "event_time": int(at.timestamp()),
        "event": {"type": kind, "channel": LAUNCH, **more},
    }


async def column_values(db: Database, column: Any) -> list[Any]:
    async with db.reading() as reader:
        return sorted(await reader.scalars(select(column)))


async def pause_state(db: Database) -> tuple[datetime | None, str | None]:
    phases = schema.phases
    async with db.reading() as reader:
        found = select(phases.c.paused_at, phases.c.pause_reason)
        return tuple((await reader.execute(found.where(phases.c.phase_id == PHASE))).one())


async def update_phase(db: Database, **values: object) -> None:
    phases = schema.phases
    async with db.transaction() as tx:
        await tx.execute(update(phases).where(phases.c.phase_id == PHASE).values(**values))


@pytest.mark.parametrize(
    ("kind", "user_id", "at", "non_participants"),
    [
        ("member_joined_channel", FINN, NOW, []),  # within the second in which the phase started
        ("member_joined_channel", FINN, NOW + timedelta(seconds=1), []),
        ("member_joined_channel", FINN, NOW - timedelta(seconds=1), [FINN]),
        ("member_joined_channel", BEN, NOW, [FINN]),
        ("member_left_channel", FINN, NOW, [FINN]),
    ],
)
async def test_join_after_the_start_removes_person_from_non_participants(
    phase_db: Database,
    services: Services,
    kind: str,
    user_id: str,
    at: datetime,
    non_participants: list[str],
) -> None:
    await membership_events.on_membership_changed(
        services, event(kind, at=at, user=user_id), CONTEXT
    )

    assert await column_values(phase_db, schema.non_participants.c.user_id) == non_participants
    assert await agenda_of(phase_db, "sync_members") == {PHASE: services.clock.now()}


@pytest.mark.parametrize("kind", ["member_joined_channel", "member_left_channel"])
async def test_bot_joining_or_leaving_schedules_a_channel_check(
    phase_db: Database, services: Services, kind: str
) -> None:
    await membership_events.on_membership_changed(services, event(kind, user=BOT_USER_ID), CONTEXT)

    assert await agenda_of(phase_db, "sync_members") == {}
    assert list(await agenda_of(phase_db, "check_channel")) == [PHASE]


async def test_duplicate_events_and_events_of_ended_phases_are_ignored(
    phase_db: Database, services: Services
) -> None:
    joined = event("member_joined_channel", user=FINN)
    await membership_events.on_membership_changed(services, {**joined, "event_id": "Ev2"}, CONTEXT)
    await clear_agenda(phase_db)
    await membership_events.on_membership_changed(services, {**joined, "event_id": "Ev2"}, CONTEXT)
    await channel_events.on_channel_changed(services, event("channel_archive", "Ev2"), CONTEXT)
    await membership_events.on_membership_changed(
        services, event("member_joined_channel", "Ev3", user=FINN), CONTEXT
    )
    assert list(await agenda_of(phase_db, "sync_members")) == [PHASE]
    await clear_agenda(phase_db)

    await update_phase(phase_db, state="ended")
    await membership_events.on_membership_changed(
        services, event("member_joined_channel", "Ev4", user=FINN), CONTEXT
    )
    await channel_events.on_channel_changed(services, event("channel_archive", "Ev5"), CONTEXT)
    assert await column_values(phase_db, schema.agenda.c.action) == []


async def clear_agenda(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(schema.agenda.delete())


async def test_channel_id_change_moves_phases_drafts_and_optouts(
    phase_db: Database, services: Services
) -> None:
    optouts = [(LAUNCH, BEN), (LAUNCH, FINN), (NEW_CHANNEL, BEN), (PLATFORM, ANA)]
    async with phase_db.transaction() as tx:
        await a_phase(tx, phase_id="earlier", state="ended")
        await a_phase(tx, phase_id="other", channel_id=PLATFORM)
        for channel_id, user_id in optouts:
            optout = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
            await tx.execute(insert(schema.channel_optouts).values(**optout))
        for draft_id, channel_id in (("d1", LAUNCH), ("d2", PLATFORM)):
            draft = {"workspace_id": WORKSPACE, "draft_id": draft_id, "channel_id": channel_id}
            await tx.execute(
                insert(schema.phase_drafts).values(**draft, user_id=ANA, content={}, saved_at=NOW)
            )
    ids: dict[str, Any] = {"old_channel_id": LAUNCH, "new_channel_id": NEW_CHANNEL}
    await channel_events.on_channel_id_changed(
        services, event("channel_id_changed", **ids), CONTEXT
    )

    async with phase_db.reading() as reader:
        left = (await reader.execute(select(schema.channel_optouts))).all()
    assert {(one.channel_id, one.user_id) for one in left} == {
        (NEW_CHANNEL, BEN),
        (NEW_CHANNEL, FINN),
        (PLATFORM, ANA),
    }
    assert await column_values(phase_db, schema.phases.c.channel_id) == [
        NEW_CHANNEL,
        NEW_CHANNEL,
        PLATFORM,
    ]
    assert await column_values(phase_db, schema.phase_drafts.c.channel_id) == [
        NEW_CHANNEL,
        PLATFORM,
    ]
    assert await column_values(phase_db, schema.phases.c.state) == ["active", "active", "ended"]
    assert list(await agenda_of(phase_db, "check_channel")) == [PHASE]


async def test_channel_id_change_to_the_same_id_changes_nothing(
    phase_db: Database, services: Services
) -> None:
    async with phase_db.transaction() as tx:
        optout = {"workspace_id": WORKSPACE, "channel_id": LAUNCH, "user_id": BEN}
        await tx.execute(insert(schema.channel_optouts).values(**optout))
    ids: dict[str, Any] = {"old_channel_id": LAUNCH, "new_channel_id": LAUNCH}
    await channel_events.on_channel_id_changed(
        services, event("channel_id_changed", **ids), CONTEXT
    )

    assert await column_values(phase_db, schema.channel_optouts.c.user_id) == [BEN]
    assert await column_values(phase_db, schema.phases.c.state) == ["active"]


@pytest.mark.parametrize("state", ["active", "ended"])
async def test_channel_deletion_ends_the_phase_and_cancels_its_rounds(
    phase_db: Database, services: Services, state: str
) -> None:
    await update_phase(phase_db, state=state, ended_at=None if state == "active" else NOW)
    async with phase_db.transaction() as tx:
        await a_round(tx, state="closed", reached_minimum=True)
        for action in ("open_round", "post_talking_points"):
            subject = f"{PHASE}:after:2027-01-01"
            at = NOW + timedelta(weeks=5)
            await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=at)
    await channel_events.on_channel_deleted(services, event("channel_deleted"), CONTEXT)

    assert await pause_state(phase_db) == (services.clock.now(), "deleted")
    assert await column_values(phase_db, schema.phases.c.state) == ["ended"]
    assert (
        await agenda_of(phase_db, "open_round")
        == await agenda_of(phase_db, "post_talking_points")
        == {}
    )
    assert list(await agenda_of(phase_db, "show_results")) == ["round1"]  # its comments are deleted
    notices = [key for key in await said(phase_db) if key.endswith(f":{ANA}")]
    assert bool(notices) is (state == "active")
    goodbyes = [subject.split(":")[1] for subject in await agenda_of(phase_db, "send_goodbye")]
    assert sorted(goodbyes) == (sorted(MEMBERS) if state == "active" else [])


async def run_channel_check(services: Services) -> None:
    at = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="check_channel", subject=PHASE, due_at=at)
    item = AgendaItem(workspace_id=WORKSPACE, action="check_channel", subject=PHASE, due_at=at)
    await channel_health_pause.check_channel(services, item)


@pytest.mark.parametrize(
    ("before", "channel", "expected"),
    [
        (None, {}, None),
        (None, {"is_archived": True}, "archived"),
        (None, {"members": []}, "outside"),
        (None, {"members": [], "is_private": True}, "unseen"),
        (None, {"members": [], "is_archived": True}, "archived"),
        ("archived", {}, None),
        ("outside", {}, None),
        ("unseen", {}, None),
        ("archived", {"members": []}, None),  # archiving removed the bot: it rejoins
        ("outside", {"members": []}, "outside"),
        ("restricted", {}, "restricted"),  # conversations.info does not show this
        ("restricted", {"is_archived": True}, "archived"),
        ("deleted", {}, "deleted"),
        ("deleted", {"is_archived": True}, "deleted"),
    ],
)
async def test_channel_check_pauses_or_resumes_the_phase(
    phase_db: Database,
    services: Services,
    fake_slack: FakeSlack,
    before: str | None,
    channel: dict[str, Any],
    expected: str | None,
) -> None:
    since = NOW - timedelta(days=1) if before else None
    await update_phase(phase_db, paused_at=since, pause_reason=before)
    for name, value in channel.items():
        setattr(fake_slack.workspace.conversations[LAUNCH], name, value)
    await run_channel_check(services)

    paused_at, because = await pause_state(phase_db)
    assert because == expected
    assert paused_at == (None if expected is None else since or services.clock.now())


@pytest.mark.parametrize("before", [None, "outside"])
async def test_channel_check_keeps_pause_when_refused_and_raises_on_server_error(
    phase_db: Database, services: Services, fake_slack: FakeSlack, before: str | None
) -> None:
    await update_phase(phase_db, paused_at=NOW if before else None, pause_reason=before)
    fake_slack.faults.fail_next("conversations.info", error="missing_scope")
    await run_channel_check(services)
    assert (await pause_state(phase_db))[1] == before

    fake_slack.faults.fail_next("conversations.info", error="internal_error")
    with pytest.raises(SlackApiError):
        await run_channel_check(services)


async def test_leads_get_one_pause_notice_that_is_edited_when_the_phase_resumes(
    phase_db: Database, services: Services, clock: AdjustableClock
) -> None:
    async def pause(why: PauseReason) -> None:
        async with phase_db.transaction() as tx:
            await channel_health_pause.pause(tx, WORKSPACE, PHASE, why, clock.now())

    key = f"paused:{PHASE}:{int(clock.now().timestamp())}:{ANA}"
    await pause(PauseReason.ARCHIVED)
    clock.advance(timedelta(minutes=1))
    await pause(PauseReason.ARCHIVED)
    assert [one for one in await said(phase_db) if ANA in one] == [key]
    await delivered(phase_db, key, ("D1", "1.1"))
    await pause(PauseReason.BOT_REMOVED)  # another reason: edits the same message
    assert [one for one in await said(phase_db) if ANA in one] == [key, f"edit:{key}"]

    async with phase_db.transaction() as tx:
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, clock.now())
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, clock.now())
    messages = await said(phase_db)
    assert "goes on" in messages[f"edit:{key}"]["text"]
    assert await pause_state(phase_db) == (None, None)


async def test_resuming_expires_an_undelivered_pause_notice(
    phase_db: Database, services: Services
) -> None:
    now = services.clock.now()
    async with phase_db.transaction() as tx:
        await channel_health_pause.pause(tx, WORKSPACE, PHASE, PauseReason.ARCHIVED, now)
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, now)

    messages = schema.messages
    async with phase_db.reading() as reader:
        states = select(messages.c.state).where(messages.c.conversation == ANA)
        assert list(await reader.scalars(states)) == ["expired"]


async def test_pausing_an_ended_phase_sends_no_notice(
    phase_db: Database, services: Services
) -> None:
    now = services.clock.now()
    await update_phase(phase_db, state="ended", ended_at=NOW)
    async with phase_db.transaction() as tx:
        await channel_health_pause.pause(tx, WORKSPACE, PHASE, PauseReason.ARCHIVED, now)

    assert (await pause_state(phase_db))[1] == "archived"
    assert await said(phase_db) == {}
