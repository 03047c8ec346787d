"""The team follows who is in the channel: whom it takes in, whom it lets go, whom it never asks."""

from collections.abc import Collection
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import delete, select, update

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem, AlreadyTaken
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
async def followed(services: Services, fake_slack: FakeSlack, clock: AdjustableClock) -> Services:
    """A phase of Ana, Ben and Chiara; Dev was in the channel and not chosen."""
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


async def follow(services: Services) -> bool:
    seen = await membership.read_channel(services, WORKSPACE, PHASE)
    assert seen is not None
    async with services.db.transaction() as tx:
        phase = await the_phase(tx)
        return await membership.apply_membership(tx, WORKSPACE, phase, seen, services.clock.now())


async def in_team(services: Services, phase_id: str = PHASE) -> dict[str, tuple[Any, Any]]:
    """User id -> when they joined and when they left."""
    people = schema.phase_people
    async with services.db.reading() as reader:
        rows = await reader.execute(select(people).where(people.c.phase_id == phase_id))
        return {row.user_id: (row.joined_at, row.left_at) for row in rows}


async def onlookers(services: Services) -> set[str]:
    async with services.db.reading() as reader:
        return set(await reader.scalars(select(schema.non_participants.c.user_id)))


def there(fake_slack: FakeSlack, *user_ids: str) -> None:
    fake_slack.workspace.conversations[LAUNCH].members = list(user_ids)


HERE = (NOW, None)


async def test_nothing_changes_while_the_same_are_there(followed: Services) -> None:
    assert not await follow(followed)
    assert await in_team(followed) == {ANA: HERE, BEN: HERE, CHIARA: HERE}
    assert await onlookers(followed) == {DEV}


async def test_who_comes_is_of_the_team_if_they_are_colleagues(
    followed: Services, fake_slack: FakeSlack
) -> None:
    there(fake_slack, ANA, BEN, CHIARA, DEV, EMI, GUEST, SLACKBOT)

    assert await follow(followed)

    assert await in_team(followed) == {
        **{ANA: HERE, BEN: HERE, CHIARA: HERE},
        EMI: (LATER, None),
    }
    assert await onlookers(followed) == {DEV, GUEST, SLACKBOT}
    async with followed.db.reading() as reader:
        found = await the_phase(reader)
    assert [one.user_id for one in found.people if one.is_lead] == [ANA]


async def test_who_goes_has_left_at_that_time_and_comes_back_as_what_they_were(
    followed: Services, fake_slack: FakeSlack, clock: AdjustableClock
) -> None:
    there(fake_slack, CHIARA)
    assert await follow(followed)
    assert await in_team(followed) == {ANA: (NOW, LATER), BEN: (NOW, LATER), CHIARA: HERE}
    assert await onlookers(followed) == set()  # Dev went too, and would be new
    assert await in_team(followed, "other") == {ANA: HERE, BEN: HERE}

    clock.move_to(LATER + timedelta(days=1))
    there(fake_slack, ANA, CHIARA, DEV)
    assert await follow(followed)
    back = (clock.now(), None)
    assert await in_team(followed) == {ANA: back, BEN: (NOW, LATER), CHIARA: HERE, DEV: back}
    async with followed.db.reading() as reader:
        found = await the_phase(reader)
    assert (found.lead_ids, found.member_ids) == ((ANA,), (CHIARA, DEV))


async def test_at_the_first_look_everybody_else_is_an_onlooker(
    followed: Services, fake_slack: FakeSlack
) -> None:
    async with followed.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(membership_synced_at=None))
        await tx.execute(delete(schema.non_participants))
    there(fake_slack, ANA, BEN, EMI, GUEST)

    assert await follow(followed)

    assert set(await in_team(followed)) == {ANA, BEN, CHIARA}
    assert await onlookers(followed) == {EMI, GUEST}
    async with followed.db.reading() as reader:
        since = await reader.scalar(
            select(schema.phases.c.membership_synced_at).where(schema.phases.c.phase_id == PHASE)
        )
    assert since == LATER


@pytest.mark.parametrize("changed", [{"state": "ended", "ended_at": NOW}, {"paused_at": NOW}])
async def test_a_phase_that_is_over_or_paused_is_not_followed(
    followed: Services, fake_slack: FakeSlack, changed: dict[str, Any]
) -> None:
    there(fake_slack, ANA, EMI)
    async with followed.db.transaction() as tx:
        seen = await membership.read_channel(followed, WORKSPACE, PHASE)
        await tx.execute(update(schema.phases).values(**changed))
        phase = await the_phase(tx)
        assert seen is not None
        if not phase.is_active:
            assert not await membership.apply_membership(tx, WORKSPACE, phase, seen, LATER)
    if "paused_at" in changed:
        assert await membership.read_channel(followed, WORKSPACE, PHASE) is None
    else:  # who left may be seen, who comes is not of a team that is over
        later = await membership.read_channel(followed, WORKSPACE, PHASE)
        assert later is not None
        assert later.strangers == frozenset()
    assert await membership.read_channel(followed, WORKSPACE, "unknown") is None
    assert set(await in_team(followed)) == {ANA, BEN, CHIARA}


@pytest.mark.parametrize(
    ("error", "raises"),
    [("channel_not_found", False), ("fetch_members_failed", True), ("internal_error", True)],
)
async def test_where_slack_will_not_say_nobody_is_seen_and_where_it_cannot_it_is_asked_again(
    followed: Services, fake_slack: FakeSlack, error: str, raises: bool
) -> None:
    fake_slack.faults.fail_next("conversations.members", error=error)
    if raises:
        with pytest.raises(SlackApiError):
            await membership.read_channel(followed, WORKSPACE, PHASE)
    else:
        assert await membership.read_channel(followed, WORKSPACE, PHASE) is None


async def happens(services: Services, kind: str, at: datetime, channel_id: str = LAUNCH) -> None:
    event = {"type": kind, "user": DEV, "channel": channel_id}
    body = {"event_id": f"Ev{at}{kind}", "event_time": int(at.timestamp()), "event": event}
    context = SimpleNamespace(team_id=WORKSPACE, bot_user_id="U0IMBAL")
    await membership_events.on_membership_changed(services, body, context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "at", "left"),
    [
        (
            membership_events.JOINED,
            NOW.replace(microsecond=0),
            set(),
        ),  # events tell whole seconds only
        (membership_events.JOINED, NOW - timedelta(seconds=1), {DEV}),
        (membership_events.LEFT, LATER, {DEV}),
    ],
)
async def test_who_came_while_it_runs_is_no_onlooker_also_in_its_first_second(
    followed: Services, kind: str, at: datetime, left: Collection[str]
) -> None:
    started = NOW.replace(microsecond=654_321)
    async with followed.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(started_at=started))

    await happens(followed, kind, at)

    assert await onlookers(followed) == left
    assert await agenda_of(followed.db, ActionName.FOLLOW_MEMBERS) == {PHASE: LATER}


async def test_a_coming_to_a_channel_without_a_phase_concerns_nobody(followed: Services) -> None:
    await happens(followed, membership_events.JOINED, LATER, "C0NOPHASE")

    assert await agenda_of(followed.db, ActionName.FOLLOW_MEMBERS) == {}
    assert await onlookers(followed) == {DEV}


async def test_what_was_missed_is_asked_for_one_after_the_other(
    followed: Services, clock: AdjustableClock
) -> None:
    async with followed.db.transaction() as tx:
        await a_phase(tx, phase_id="over", channel_id="C0OVER", state="ended", ended_at=NOW)
        await schedule.add(
            tx, WORKSPACE, action="ask_what_was_missed", subject=WORKSPACE, due_at=LATER
        )
    item = AgendaItem(
        workspace_id=WORKSPACE, action="ask_what_was_missed", subject=WORKSPACE, due_at=LATER
    )

    await membership_events.read_missed_changes(followed, item)

    two = timedelta(seconds=2)
    assert await agenda_of(followed.db, ActionName.FOLLOW_MEMBERS) == {
        "other": LATER,
        PHASE: LATER + two,
    }
    read = await agenda_of(followed.db, "read_person")
    assert sorted(read.values()) == [LATER + number * two for number in range(9)]
    assert await agenda_of(followed.db, "ask_what_was_missed") == {}


@pytest.mark.parametrize("gone", [False, True])
async def test_following_is_carried_out_once_and_the_announcement_says_who_is_there(
    followed: Services, fake_slack: FakeSlack, gone: bool
) -> None:
    there(fake_slack, ANA, BEN, CHIARA, EMI)
    async with followed.db.transaction() as tx:
        subject = "gone" if gone else PHASE
        await schedule.add(
            tx, WORKSPACE, action=ActionName.FOLLOW_MEMBERS, subject=subject, due_at=LATER
        )
        said = content("Announced")
        key = keys.announcement(PHASE)
        await enqueue.post(tx, WORKSPACE, key=key, to=LAUNCH, content=said, now=NOW)
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.FOLLOW_MEMBERS, subject=subject, due_at=LATER
    )

    await membership_events.sync_members(followed, item)

    assert (EMI in await in_team(followed)) is not gone
    assert await agenda_of(followed.db, ActionName.FOLLOW_MEMBERS) == {}
    key_column = schema.messages.c.key
    async with followed.db.reading() as reader:
        edits = list(await reader.scalars(select(key_column).where(key_column.startswith("edit:"))))
    assert len(edits) == (not gone)
    with pytest.raises(AlreadyTaken):
        await membership_events.sync_members(followed, item)


async def test_a_paused_phase_is_left_as_it_is_though_its_look_was_due(
    followed: Services, fake_slack: FakeSlack
) -> None:
    there(fake_slack, ANA, EMI)
    async with followed.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(paused_at=NOW))
        await schedule.add(
            tx, WORKSPACE, action=ActionName.FOLLOW_MEMBERS, subject=PHASE, due_at=LATER
        )
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.FOLLOW_MEMBERS, subject=PHASE, due_at=LATER
    )

    await membership_events.sync_members(followed, item)

    assert await in_team(followed) == {ANA: HERE, BEN: HERE, CHIARA: HERE}
    assert await agenda_of(followed.db, ActionName.FOLLOW_MEMBERS) == {}
