"""Sync of a phase's team with its channel: joins, departures, returns, non-participants."""

from collections.abc import Collection
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import delete, select, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, NoLongerDue
from bot.channel_health import membership_events
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox import enqueue, keys
from bot.playground.server import FakeSlack
from bot.rounds import membership
from bot.services import Services
from bot.slack.content import content
from bot.slack.people import SLACKBOT
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN, GUEST, HANA, LAUNCH, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase, the_phase

LATER = NOW + timedelta(days=1)


@pytest.fixture
async def synced(services: Services, fake_slack: FakeSlack, clock: AdjustableClock) -> Services:
    """A phase of Ana, Ben and Chiara; Dev is in the channel but was not chosen for the team."""
    async with services.db.transaction() as tx:
        for user_id in (ANA, BEN, CHIARA, DEV, EMI, FINN, HANA):
            await a_person(tx, user_id)
        await a_person(tx, GUEST, is_guest=True)
        await a_person(tx, SLACKBOT)
        await a_phase(tx, leads=(ANA,), members=(BEN, CHIARA))
        await a_phase(tx, phase_id="other", channel_id="C0OTHER", leads=(ANA,), members=(BEN,))
        await membership.set_baseline(tx, WORKSPACE, PHASE, [DEV], NOW)
    fake_slack.workspace.conversations[LAUNCH].members = [ANA, BEN, CHIARA, DEV]
    clock.move_to(LATER)
    return services


async def sync(services: Services) -> bool:
    seen = await membership.read_channel(services, WORKSPACE, PHASE)
    assert seen is not None
    async with services.db.transaction() as tx:
        phase = await the_phase(tx)
        return await membership.apply_membership(tx, WORKSPACE, phase, seen, services.clock.now())


async def team_of(services: Services, phase_id: str = PHASE) -> dict[str, tuple[Any, Any]]:
    """Return when each person joined and left, by user id."""
    people = schema.phase_people
    async with services.db.reading() as reader:
        rows = await reader.execute(select(people).where(people.c.phase_id == phase_id))
        return {row.user_id: (row.joined_at, row.left_at) for row in rows}


async def non_participants(services: Services) -> set[str]:
    async with services.db.reading() as reader:
        return set(await reader.scalars(select(schema.non_participants.c.user_id)))


def set_channel_members(fake_slack: FakeSlack, *user_ids: str) -> None:
    fake_slack.workspace.conversations[LAUNCH].members = list(user_ids)


PRESENT = (NOW, None)


async def test_unchanged_channel_members_leave_the_team_unchanged(synced: Services) -> None:
    assert not await sync(synced)
    assert await team_of(synced) == {ANA: PRESENT, BEN: PRESENT, CHIARA: PRESENT}
    assert await non_participants(synced) == {DEV}


async def test_joining_colleague_becomes_a_member_and_guests_do_not(
    synced: Services, fake_slack: FakeSlack
) -> None:
    set_channel_members(fake_slack, ANA, BEN, CHIARA, DEV, EMI, GUEST, SLACKBOT)

    assert await sync(synced)

    assert await team_of(synced) == {
        **{ANA: PRESENT, BEN: PRESENT, CHIARA: PRESENT},
        EMI: (LATER, None),
    }
    assert await non_participants(synced) == {DEV, GUEST, SLACKBOT}
    async with synced.db.reading() as reader:
        found = await the_phase(reader)
    assert [person.user_id for person in found.people if person.is_lead] == [ANA]


async def test_departed_people_are_marked_left_and_regain_their_role_on_return(
    synced: Services, fake_slack: FakeSlack, clock: AdjustableClock
) -> None:
    set_channel_members(fake_slack, CHIARA)
    assert await sync(synced)
    assert await team_of(synced) == {ANA: (NOW, LATER), BEN: (NOW, LATER), CHIARA: PRESENT}
    assert await non_participants(synced) == set()  # Dev left too, and would be new on return
    assert await team_of(synced, "other") == {ANA: PRESENT, BEN: PRESENT}

    clock.move_to(LATER + timedelta(days=1))
    set_channel_members(fake_slack, ANA, CHIARA, DEV)
    assert await sync(synced)
    back = (clock.now(), None)
    assert await team_of(synced) == {ANA: back, BEN: (NOW, LATER), CHIARA: PRESENT, DEV: back}
    async with synced.db.reading() as reader:
        found = await the_phase(reader)
    assert (found.lead_ids, found.member_ids) == ((ANA,), (CHIARA, DEV))


async def test_first_sync_records_everyone_outside_the_team_as_non_participant(
    synced: Services, fake_slack: FakeSlack
) -> None:
    async with synced.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(membership_synced_at=None))
        await tx.execute(delete(schema.non_participants))
    set_channel_members(fake_slack, ANA, BEN, EMI, GUEST)

    assert await sync(synced)

    assert set(await team_of(synced)) == {ANA, BEN, CHIARA}
    assert await non_participants(synced) == {EMI, GUEST}
    async with synced.db.reading() as reader:
        synced_at = await reader.scalar(
            select(schema.phases.c.membership_synced_at).where(schema.phases.c.phase_id == PHASE)
        )
    assert synced_at == LATER


async def test_paused_phase_is_not_synced(synced: Services, fake_slack: FakeSlack) -> None:
    set_channel_members(fake_slack, ANA, EMI)
    async with synced.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW))

    assert await membership.read_channel(synced, WORKSPACE, PHASE) is None
    assert await membership.read_channel(synced, WORKSPACE, "unknown") is None


async def test_people_leave_an_ended_phase_but_nobody_joins_it(
    synced: Services, fake_slack: FakeSlack
) -> None:
    set_channel_members(fake_slack, ANA, EMI)
    seen_before_its_end = await membership.read_channel(synced, WORKSPACE, PHASE)
    async with synced.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(state="ended", ended_at=NOW))
    seen = await membership.read_channel(synced, WORKSPACE, PHASE)
    assert seen is not None
    assert seen_before_its_end is not None
    assert seen.newcomers == frozenset()

    async with synced.db.transaction() as tx:
        phase = await the_phase(tx)
        assert await membership.apply_membership(tx, WORKSPACE, phase, seen_before_its_end, LATER)

    team = await team_of(synced)
    assert set(team) == {ANA, BEN, CHIARA}
    async with synced.db.reading() as reader:
        phase = await the_phase(reader)
    assert [one.user_id for one in phase.people if not one.has_left] == [ANA]


@pytest.mark.parametrize(
    ("error", "raises"),
    [("channel_not_found", False), ("fetch_members_failed", True), ("internal_error", True)],
)
async def test_members_lookup_gives_none_if_refused_and_raises_if_slack_failed(
    synced: Services, fake_slack: FakeSlack, error: str, raises: bool
) -> None:
    fake_slack.faults.fail_next("conversations.members", error=error)
    if raises:
        with pytest.raises(SlackApiError):
            await membership.read_channel(synced, WORKSPACE, PHASE)
    else:
        assert await membership.read_channel(synced, WORKSPACE, PHASE) is None


async def send_event(services: Services, kind: str, at: datetime, channel_id: str = LAUNCH) -> None:
    event = {"type": kind, "user": DEV, "channel": channel_id}
    body = {"event_id": f"Ev{at}{kind}", "event_time": int(at.timestamp()), "event": event}
    context = SimpleNamespace(team_id=WORKSPACE, bot_user_id="U0IMBAL")
    await membership_events.on_membership_changed(services, body, context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "at", "expected"),
    [
        (membership_events.JOINED, NOW.replace(microsecond=0), set()),  # events have whole seconds
        (membership_events.JOINED, NOW - timedelta(seconds=1), {DEV}),
        (membership_events.LEFT, LATER, {DEV}),
    ],
)
async def test_join_event_during_the_phase_removes_the_non_participant(
    synced: Services, kind: str, at: datetime, expected: Collection[str]
) -> None:
    started = NOW.replace(microsecond=654_321)
    async with synced.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(started_at=started))

    await send_event(synced, kind, at)

    assert await non_participants(synced) == expected
    assert await agenda_of(synced.db, ActionName.SYNC_MEMBERS) == {PHASE: LATER}


async def test_join_event_in_a_channel_without_a_phase_is_ignored(synced: Services) -> None:
    await send_event(synced, membership_events.JOINED, LATER, "C0NOPHASE")

    assert await agenda_of(synced.db, ActionName.SYNC_MEMBERS) == {}
    assert await non_participants(synced) == {DEV}


async def test_missed_changes_are_scheduled_two_seconds_apart(
    synced: Services, clock: AdjustableClock
) -> None:
    async with synced.db.transaction() as tx:
        await a_phase(tx, phase_id="over", channel_id="C0OVER", state="ended", ended_at=NOW)
        await schedule.add(tx, WORKSPACE, action="catch_up", subject=WORKSPACE, due_at=LATER)
    item = AgendaItem(workspace_id=WORKSPACE, action="catch_up", subject=WORKSPACE, due_at=LATER)

    await membership_events.read_missed_changes(synced, item)

    apart = timedelta(seconds=2)
    assert await agenda_of(synced.db, ActionName.SYNC_MEMBERS) == {
        "other": LATER,
        PHASE: LATER + apart,
    }
    read = await agenda_of(synced.db, "read_person")
    assert sorted(read.values()) == [LATER + number * apart for number in range(9)]
    assert await agenda_of(synced.db, "catch_up") == {}


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_member_sync_runs_once_and_edits_the_announcement(
    synced: Services, fake_slack: FakeSlack, is_deleted: bool
) -> None:
    set_channel_members(fake_slack, ANA, BEN, CHIARA, EMI)
    async with synced.db.transaction() as tx:
        subject = "deleted" if is_deleted else PHASE
        await schedule.add(
            tx, WORKSPACE, action=ActionName.SYNC_MEMBERS, subject=subject, due_at=LATER
        )
        announcement = content("Announced")
        key = keys.announcement(PHASE)
        await enqueue.post(tx, WORKSPACE, key=key, to=LAUNCH, content=announcement, now=NOW)
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.SYNC_MEMBERS, subject=subject, due_at=LATER
    )

    await membership_events.sync_members(synced, item)

    assert (EMI in await team_of(synced)) is not is_deleted
    assert await agenda_of(synced.db, ActionName.SYNC_MEMBERS) == {}
    key_column = schema.messages.c.key
    async with synced.db.reading() as reader:
        edits = list(await reader.scalars(select(key_column).where(key_column.startswith("edit:"))))
    assert len(edits) == (not is_deleted)
    with pytest.raises(NoLongerDue):
        await membership_events.sync_members(synced, item)


async def test_due_member_sync_leaves_a_paused_phase_unchanged(
    synced: Services, fake_slack: FakeSlack
) -> None:
    set_channel_members(fake_slack, ANA, EMI)
    async with synced.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW))
        await schedule.add(
            tx, WORKSPACE, action=ActionName.SYNC_MEMBERS, subject=PHASE, due_at=LATER
        )
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.SYNC_MEMBERS, subject=PHASE, due_at=LATER
    )

    await membership_events.sync_members(synced, item)

    assert await team_of(synced) == {ANA: PRESENT, BEN: PRESENT, CHIARA: PRESENT}
    assert await agenda_of(synced.db, ActionName.SYNC_MEMBERS) == {}
