"""What is left behind by each event of a channel, and by looking at it afterwards."""

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

US: Any = SimpleNamespace(team_id=WORKSPACE, bot_user_id=BOT_USER_ID)
MOVED = "C0MOVED"


@pytest.fixture
async def running(db: Database) -> Database:
    """A phase in #launch that began half a second past nine; Finn looks on."""
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


async def rows_of(db: Database, column: Any) -> list[Any]:
    async with db.reading() as reader:
        return sorted(await reader.scalars(select(column)))


async def paused(db: Database) -> tuple[datetime | None, str | None]:
    phases = schema.phases
    async with db.reading() as reader:
        found = select(phases.c.paused_at, phases.c.paused_because)
        return tuple((await reader.execute(found.where(phases.c.phase_id == PHASE))).one())


async def marked(db: Database, **values: object) -> None:
    phases = schema.phases
    async with db.transaction() as tx:
        await tx.execute(update(phases).where(phases.c.phase_id == PHASE).values(**values))


@pytest.mark.parametrize(
    ("kind", "who", "at", "onlookers"),
    [
        ("member_joined_channel", FINN, NOW, []),  # in the second in which the phase began
        ("member_joined_channel", FINN, NOW + timedelta(seconds=1), []),
        ("member_joined_channel", FINN, NOW - timedelta(seconds=1), [FINN]),
        ("member_joined_channel", BEN, NOW, [FINN]),
        ("member_left_channel", FINN, NOW, [FINN]),
    ],
)
async def test_who_comes_while_it_runs_looks_on_no_longer(
    running: Database,
    services: Services,
    kind: str,
    who: str,
    at: datetime,
    onlookers: list[str],
) -> None:
    await membership_events.on_membership_changed(services, event(kind, at=at, user=who), US)

    assert await rows_of(running, schema.non_participants.c.user_id) == onlookers
    assert await agenda_of(running, "follow_members") == {PHASE: services.clock.now()}


@pytest.mark.parametrize("kind", ["member_joined_channel", "member_left_channel"])
async def test_our_own_coming_and_going_is_about_the_channel(
    running: Database, services: Services, kind: str
) -> None:
    await membership_events.on_membership_changed(services, event(kind, user=BOT_USER_ID), US)

    assert await agenda_of(running, "follow_members") == {}
    assert list(await agenda_of(running, "look_at_channel")) == [PHASE]


async def test_an_event_that_comes_twice_or_concerns_no_phase_is_nothing(
    running: Database, services: Services
) -> None:
    joined = event("member_joined_channel", user=FINN)
    await membership_events.on_membership_changed(services, {**joined, "event_id": "Ev2"}, US)
    await agenda_is_empty_after(running)
    await membership_events.on_membership_changed(services, {**joined, "event_id": "Ev2"}, US)
    await channel_events.on_channel_changed(services, event("channel_archive", "Ev2"), US)
    await membership_events.on_membership_changed(
        services, event("member_joined_channel", "Ev3", user=FINN), US
    )
    assert list(await agenda_of(running, "follow_members")) == [PHASE]
    await agenda_is_empty_after(running)

    await marked(running, state="ended")
    await membership_events.on_membership_changed(
        services, event("member_joined_channel", "Ev4", user=FINN), US
    )
    await channel_events.on_channel_changed(services, event("channel_archive", "Ev5"), US)
    assert await rows_of(running, schema.agenda.c.action) == []


async def agenda_is_empty_after(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(schema.agenda.delete())


async def test_a_channel_with_another_id_takes_its_drafts_and_optouts_along(
    running: Database, services: Services
) -> None:
    optouts = [(LAUNCH, BEN), (LAUNCH, FINN), (MOVED, BEN), (PLATFORM, ANA)]
    async with running.transaction() as tx:
        await a_phase(tx, phase_id="earlier", state="ended")
        await a_phase(tx, phase_id="other", channel_id=PLATFORM)
        for channel_id, user_id in optouts:
            who = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
            await tx.execute(insert(schema.channel_optouts).values(**who))
        for draft_id, channel_id in (("d1", LAUNCH), ("d2", PLATFORM)):
            draft = {"workspace_id": WORKSPACE, "draft_id": draft_id, "channel_id": channel_id}
            await tx.execute(
                insert(schema.phase_drafts).values(**draft, user_id=ANA, content={}, saved_at=NOW)
            )
    ids: dict[str, Any] = {"old_channel_id": LAUNCH, "new_channel_id": MOVED}
    await channel_events.on_channel_id_changed(services, event("channel_id_changed", **ids), US)

    async with running.reading() as reader:
        left = (await reader.execute(select(schema.channel_optouts))).all()
    assert {(one.channel_id, one.user_id) for one in left} == {
        (MOVED, BEN),
        (MOVED, FINN),
        (PLATFORM, ANA),
    }
    assert await rows_of(running, schema.phases.c.channel_id) == [MOVED, MOVED, PLATFORM]
    assert await rows_of(running, schema.phase_drafts.c.channel_id) == [MOVED, PLATFORM]
    assert await rows_of(running, schema.phases.c.state) == ["active", "active", "ended"]
    assert list(await agenda_of(running, "look_at_channel")) == [PHASE]


async def test_a_channel_that_keeps_its_id_keeps_everything(
    running: Database, services: Services
) -> None:
    async with running.transaction() as tx:
        who = {"workspace_id": WORKSPACE, "channel_id": LAUNCH, "user_id": BEN}
        await tx.execute(insert(schema.channel_optouts).values(**who))
    ids: dict[str, Any] = {"old_channel_id": LAUNCH, "new_channel_id": LAUNCH}
    await channel_events.on_channel_id_changed(services, event("channel_id_changed", **ids), US)

    assert await rows_of(running, schema.channel_optouts.c.user_id) == [BEN]
    assert await rows_of(running, schema.phases.c.state) == ["active"]


@pytest.mark.parametrize("state", ["active", "ended"])
async def test_with_its_channel_a_phase_is_over_and_nothing_is_asked_or_kept_of_it(
    running: Database, services: Services, state: str
) -> None:
    await marked(running, state=state, ended_at=None if state == "active" else NOW)
    async with running.transaction() as tx:
        await a_round(tx, state="closed", reached_minimum=True, answered=4)
        for action in ("open_round", "talk"):
            subject = f"{PHASE}:after:2027-01-01"
            at = NOW + timedelta(weeks=5)
            await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=at)
    await channel_events.on_channel_deleted(services, event("channel_deleted"), US)

    assert await paused(running) == (services.clock.now(), "deleted")
    assert await rows_of(running, schema.phases.c.state) == ["ended"]
    assert await agenda_of(running, "open_round") == await agenda_of(running, "talk") == {}
    assert list(await agenda_of(running, "show_results")) == ["round1"]  # its comments are deleted
    told = [key for key in await said(running) if key.endswith(f":{ANA}")]
    assert bool(told) is (state == "active")
    goodbyes = [subject.split(":")[1] for subject in await agenda_of(running, "say_goodbye")]
    assert sorted(goodbyes) == (sorted(MEMBERS) if state == "active" else [])


async def looks(services: Services) -> None:
    at = services.clock.now()
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="look_at_channel", subject=PHASE, due_at=at)
    item = AgendaItem(workspace_id=WORKSPACE, action="look_at_channel", subject=PHASE, due_at=at)
    await channel_health_pause.check_channel(services, item)


@pytest.mark.parametrize(
    ("before", "channel", "then"),
    [
        (None, {}, None),
        (None, {"is_archived": True}, "archived"),
        (None, {"members": []}, "outside"),
        (None, {"members": [], "is_private": True}, "unseen"),
        (None, {"members": [], "is_archived": True}, "archived"),
        ("archived", {}, None),
        ("outside", {}, None),
        ("unseen", {}, None),
        ("archived", {"members": []}, None),  # it was emptied: we come back
        ("outside", {"members": []}, "outside"),
        ("restricted", {}, "restricted"),  # of that Slack tells nothing
        ("restricted", {"is_archived": True}, "archived"),
        ("deleted", {}, "deleted"),
        ("deleted", {"is_archived": True}, "deleted"),
    ],
)
async def test_a_look_at_the_channel_decides_whether_the_phase_waits(
    running: Database,
    services: Services,
    fake_slack: FakeSlack,
    before: str | None,
    channel: dict[str, Any],
    then: str | None,
) -> None:
    since = NOW - timedelta(days=1) if before else None
    await marked(running, paused_at=since, paused_because=before)
    for name, value in channel.items():
        setattr(fake_slack.workspace.conversations[LAUNCH], name, value)
    await looks(services)

    paused_at, because = await paused(running)
    assert because == then
    assert paused_at == (None if then is None else since or services.clock.now())


@pytest.mark.parametrize("before", [None, "outside"])
async def test_where_slack_will_not_say_what_was_known_holds(
    running: Database, services: Services, fake_slack: FakeSlack, before: str | None
) -> None:
    await marked(running, paused_at=NOW if before else None, paused_because=before)
    fake_slack.faults.fail_next("conversations.info", error="missing_scope")
    await looks(services)
    assert (await paused(running))[1] == before

    fake_slack.faults.fail_next("conversations.info", error="internal_error")
    with pytest.raises(SlackApiError):
        await looks(services)


async def test_leads_are_told_of_a_pause_once_and_of_its_end_in_the_same_place(
    running: Database, services: Services, clock: AdjustableClock
) -> None:
    async def pause(why: PauseReason) -> None:
        async with running.transaction() as tx:
            await channel_health_pause.pause(tx, WORKSPACE, PHASE, why, clock.now())

    key = f"paused:{PHASE}:{int(clock.now().timestamp())}:{ANA}"
    await pause(PauseReason.ARCHIVED)
    clock.advance(timedelta(minutes=1))
    await pause(PauseReason.ARCHIVED)
    assert [one for one in await said(running) if ANA in one] == [key]
    await delivered(running, key, ("D1", "1.1"))
    await pause(PauseReason.OUTSIDE)  # another reason: said in the same place
    assert [one for one in await said(running) if ANA in one] == [key, f"edit:{key}"]

    async with running.transaction() as tx:
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, clock.now())
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, clock.now())
    told = await said(running)
    assert "goes on" in told[f"edit:{key}"]["text"]
    assert await paused(running) == (None, None)


async def test_who_has_not_heard_of_a_pause_need_not_hear_of_its_end(
    running: Database, services: Services
) -> None:
    now = services.clock.now()
    async with running.transaction() as tx:
        await channel_health_pause.pause(tx, WORKSPACE, PHASE, PauseReason.ARCHIVED, now)
        await channel_health_pause.resume(tx, WORKSPACE, PHASE, now)

    messages = schema.messages
    async with running.reading() as reader:
        told = select(messages.c.state).where(messages.c.conversation == ANA)
        assert list(await reader.scalars(told)) == ["expired"]


async def test_nobody_is_told_of_the_pause_of_a_phase_that_ended(
    running: Database, services: Services
) -> None:
    now = services.clock.now()
    await marked(running, state="ended", ended_at=NOW)
    async with running.transaction() as tx:
        await channel_health_pause.pause(tx, WORKSPACE, PHASE, PauseReason.ARCHIVED, now)

    assert (await paused(running))[1] == "archived"
    assert await said(running) == {}
