"""Rows written for channel and membership events."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.channel_health import channel_events, membership_events
from bot.db import schema
from bot.db.engine import Database
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.services import Services
from tests.harness import ANA, BEN, FINN, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of
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


async def test_channel_deletion_cancels_all_rounds_and_deletes_their_comments(
    phase_db: Database, services: Services
) -> None:
    async with phase_db.transaction() as tx:
        await a_round(tx, state="closed", reached_minimum=True)
        for action in ("open_round", "post_talking_points"):
            subject = f"{PHASE}:after:2027-01-01"
            at = NOW + timedelta(weeks=5)
            await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=at)
    await channel_events.on_channel_deleted(services, event("channel_deleted"), CONTEXT)

    assert await agenda_of(phase_db, "open_round") == {}
    assert await agenda_of(phase_db, "post_talking_points") == {}
    assert list(await agenda_of(phase_db, "show_results")) == ["round1"]  # its comments are deleted
