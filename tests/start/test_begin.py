"""The start of a phase: complete or not at all, once, and kept up to date afterwards."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem
from bot.announcement import refresh
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.end import end_phase
from bot.phases import store
from bot.phases.budget import Span
from bot.services import Services
from bot.slack.errors import Refused
from bot.start import draft_store
from bot.start.draft import Draft
from bot.start.draft_store import StoredDraft
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, PLATFORM, WORKSPACE
from tests.start.proposals import SPRINT, TODAY, TRUST, begin, store_people

FAR = datetime(2027, 12, 31, tzinfo=UTC)
DRAFT = StoredDraft(
    draft_id="draft1",
    channel_id=LAUNCH,
    user_id=ANA,
    draft=Draft(ends_on=date(2026, 12, 7)),
    phase_id=None,
)


async def rows(services: Services, table: Table, *order: str) -> list[Any]:
    async with services.db.reading() as reader:
        found = await reader.execute(select(table).order_by(*(table.c[name] for name in order)))
        return list(found.mappings())


async def count(services: Services, table: Table) -> int:
    async with services.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0


async def planned(services: Services) -> dict[str, datetime]:
    """Return the first due time of each action."""
    async with services.db.reading() as reader:
        items = await due(reader, FAR, FAR, 100)
    return {item.action: item.due_at for item in reversed(items)}


async def save(services: Services, stored: StoredDraft = DRAFT) -> None:
    async with services.db.transaction() as tx:
        await draft_store.create(tx, WORKSPACE, stored, services.clock.now())


async def test_start_stores_phase_people_items_reflection_and_audit(services: Services) -> None:
    await store_people(services)
    phase_id = await begin(services, answers={"clarity": 4, "trust": None, "ego": 2})

    async with services.db.reading() as reader:
        phase = await store.load(reader, WORKSPACE, phase_id)
        active = await store.active_in(reader, WORKSPACE, LAUNCH)
        mine = await store.phases_of(reader, WORKSPACE, BEN)
    assert phase is not None
    assert active == phase == mine[0]
    assert phase.promise == SPRINT.promise
    assert phase.recovery_until == date(2026, 12, 22)
    assert [one.user_id for one in phase.leads] == [ANA]
    assert sorted(one.user_id for one in phase.members) == sorted(MEMBERS)
    assert [(one.text, one.owner_name) for one in phase.set_aside_items] == [
        ("Dark mode", "Ben"),
        ("hiring", "Ana"),
    ]
    (reflection,) = await rows(services, schema.reflections)
    assert (reflection["moment"], reflection["user_id"]) == ("start", ANA)
    assert reflection["answers"] == {"clarity": 4, "trust": None, "ego": 2}
    (audit,) = await rows(services, schema.audit)
    assert (audit["actor_id"], audit["subject"]) == (ANA, phase_id)


async def test_phase_is_announced_pinned_and_bookmarked(services: Services) -> None:
    phase_id = await begin(services)

    messages = await rows(services, schema.messages, "message_id")
    key = f"announcement:{phase_id}"
    assert [one["key"] for one in messages] == [key, f"pin:{key}", f"bookmark:{key}"]
    assert messages[0]["conversation"] == LAUNCH


async def test_phase_dates_are_scheduled_in_the_leads_time_zone(services: Services) -> None:
    await begin(services, replace(SPRINT, zone="America/New_York"))

    assert await planned(services) == {
        "refresh_announcement": datetime(2026, 11, 24, 5, 1, tzinfo=UTC),
        "open_round": (await planned(services))["open_round"],
        "warn_end": datetime(2026, 12, 3, 14, tzinfo=UTC),
        "end_phase": datetime(2026, 12, 7, 22, tzinfo=UTC),
    }


async def test_phase_of_one_day_gets_no_end_warning(services: Services) -> None:
    await begin(services, replace(TRUST, ends_on=TODAY + timedelta(days=1)))

    assert "warn_end" not in await planned(services)


async def test_channel_has_at_most_one_running_phase(services: Services) -> None:
    await store_people(services)
    await begin(services)
    with pytest.raises(Refused, match="A results sprint is running here until Mon 7 Dec"):
        await begin(services, TRUST)

    await begin(services, replace(TRUST, channel_id=PLATFORM))
    assert await count(services, schema.phases) == 2


async def test_only_one_of_two_concurrent_starts_succeeds(services: Services) -> None:
    started = await asyncio.gather(begin(services), begin(services, TRUST), return_exceptions=True)

    assert sorted(isinstance(one, Refused) for one in started) == [False, True]
    assert await count(services, schema.phases) == 1
    assert await count(services, schema.messages) == 3


async def test_form_submitted_twice_starts_one_phase(services: Services) -> None:
    await save(services)

    first, second = await asyncio.gather(
        begin(services, draft_id="draft1"), begin(services, draft_id="draft1")
    )

    assert first == second
    assert await count(services, schema.phases) == 1


async def test_draft_of_another_person_is_refused(services: Services) -> None:
    await save(services, replace(DRAFT, user_id=BEN))

    with pytest.raises(Refused, match="This form is older than a week"):
        await begin(services, draft_id="draft1")
    assert await count(services, schema.phases) == 0


async def test_refused_start_stores_nothing(services: Services) -> None:
    with pytest.raises(Refused, match="If nothing can wait, it's just more pressure"):
        await begin(services, replace(SPRINT, set_aside=()))

    for table in (schema.phases, schema.messages, schema.agenda, schema.audit):
        assert await count(services, table) == 0


async def test_sprint_during_recovery_needs_a_justification(
    services: Services, clock: AdjustableClock
) -> None:
    await begin(services)
    await end(services, clock, days=14)
    later = replace(SPRINT, starts_on=date(2026, 12, 8), ends_on=date(2026, 12, 15))
    clock.advance(timedelta(days=1))

    with pytest.raises(Refused, match="in recovery until Tue 22 Dec"):
        await begin(services, later)
    await begin(services, replace(later, justification="The customer moved the date."))


async def test_sprint_that_ended_early_counts_only_the_days_it_ran(
    services: Services, clock: AdjustableClock
) -> None:
    await begin(services)
    await end(services, clock, days=3)

    async with services.db.reading() as reader:
        spans = await store.past_sprints(reader, WORKSPACE, LAUNCH, TODAY)
    assert spans == (Span(starts_on=TODAY, ends_on=date(2026, 11, 26)),)


async def test_new_phase_cancels_the_rounds_of_the_old_one(
    services: Services, clock: AdjustableClock
) -> None:
    old = await begin(services)
    await end(services, clock, days=14)
    assert old in await subjects(services, "open_round")

    new = await begin(
        services, replace(TRUST, starts_on=date(2026, 12, 7), ends_on=date(2026, 12, 21))
    )

    assert await subjects(services, "open_round") == {new}


async def test_continuing_phase_ends_the_previous_one(
    services: Services, clock: AdjustableClock
) -> None:
    old = await begin(services)
    clock.advance(timedelta(days=9))
    new = await begin(
        services,
        replace(TRUST, starts_on=date(2026, 12, 2), ends_on=date(2026, 12, 16)),
        continues=old,
    )

    async with services.db.reading() as reader:
        ended = await store.load(reader, WORKSPACE, old)
        active = await store.active_in(reader, WORKSPACE, LAUNCH)
    assert ended is not None
    assert not ended.is_active
    assert active is not None
    assert active.phase_id == new


async def test_announcement_countdown_is_edited_daily(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await begin(services)
    clock.move_to(datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
    await refresh.refresh_announcement(services, await item(services, "refresh_announcement"))

    edits = [one for one in await rows(services, schema.messages) if one["operation"] == "update"]
    assert "13 days left" in str(edits[0]["payload"])
    assert (await planned(services))["refresh_announcement"] == datetime(
        2026, 11, 25, 0, 1, tzinfo=UTC
    )
    assert phase_id in edits[0]["key"]


async def test_old_drafts_are_deleted(services: Services, clock: AdjustableClock) -> None:
    await save(services)
    clock.advance(timedelta(days=4))
    await save(services, replace(DRAFT, draft_id="draft2", user_id=CHIARA))
    clock.advance(timedelta(days=3))

    await draft_store.delete_old_drafts(services, await item(services, "delete_old_drafts"))

    (left,) = await rows(services, schema.phase_drafts)
    assert left["draft_id"] == "draft2"
    assert (await planned(services))["delete_old_drafts"] == clock.now() + timedelta(days=4)


async def item(services: Services, action: str) -> AgendaItem:
    async with services.db.reading() as reader:
        return next(one for one in await due(reader, FAR, FAR, 100) if one.action == action)


async def subjects(services: Services, action: str) -> set[str]:
    """Return the ids of the phases with a scheduled item of this action."""
    async with services.db.reading() as reader:
        items = await due(reader, FAR, FAR, 100)
    return {one.subject.split(":")[0] for one in items if one.action == action}


async def end(services: Services, clock: AdjustableClock, days: int) -> None:
    """End the phase in the afternoon, this many days later."""
    clock.advance(timedelta(days=days, hours=8))
    await end_phase(services, await item(services, "end_phase"))
