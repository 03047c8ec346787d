"""Channels that are deleted, archived or given a new id, and the effects on their phases."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.channel_health import channel_events, pause
from bot.clock import AdjustableClock
from bot.db import schema
from bot.phases.model import PauseReason
from bot.services import Services
from bot.start import draft_store
from bot.start.draft import Draft
from bot.start.draft_store import StoredDraft
from tests.ending.phase_rows import messages, planned, running
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, a_phase, the_phase

NEW_CHANNEL = "C0NEWID"


async def deliver_event(services: Services, kind: str, event_id: str = "Ev1", **event: str) -> None:
    body: Any = {"event_id": event_id, "event": {"type": kind, **event}}
    context: Any = SimpleNamespace(team_id=WORKSPACE)
    listener = {
        "channel_id_changed": channel_events.on_channel_id_changed,
        "channel_deleted": channel_events.on_channel_deleted,
    }
    await listener.get(kind, channel_events.on_channel_changed)(services, body, context)


async def change_channel_id(services: Services, old: str = LAUNCH, new: str = NEW_CHANNEL) -> None:
    await deliver_event(services, "channel_id_changed", old_channel_id=old, new_channel_id=new)


async def phases_by_id(services: Services) -> dict[str, tuple[str, str, str | None]]:
    """Return channel, state and pause reason by phase id."""
    table = schema.phases
    async with services.db.reading() as reader:
        rows = await reader.execute(select(table))
        return {row.phase_id: (row.channel_id, row.state, row.pause_reason) for row in rows}


async def add_phases(services: Services, *many: dict[str, Any]) -> None:
    async with services.db.transaction() as tx:
        for phase in many:
            await a_phase(tx, **phase)


ENDED: dict[str, Any] = {"state": "ended", "ended_at": NOW, "started_at": NOW - timedelta(days=30)}


async def test_channel_id_change_moves_phases_drafts_and_optouts(services: Services) -> None:
    await add_phases(
        services,
        {"phase_id": "running"},
        {"phase_id": "ended", **ENDED},
        {"phase_id": "elsewhere", "channel_id": PLATFORM},
    )
    async with services.db.transaction() as tx:
        for channel_id, user_id in (
            (LAUNCH, BEN),
            (LAUNCH, CHIARA),
            (NEW_CHANNEL, CHIARA),
            (PLATFORM, BEN),
        ):
            values = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
            await tx.execute(insert(schema.channel_optouts).values(**values))
        for draft_id, channel_id in (("here", LAUNCH), ("there", PLATFORM)):
            stored = StoredDraft(
                draft_id=draft_id,
                channel_id=channel_id,
                user_id=ANA,
                draft=Draft(ends_on=date(2026, 12, 7)),
                phase_id=None,
            )
            await draft_store.save(tx, WORKSPACE, stored, NOW)

    await change_channel_id(services)

    assert await phases_by_id(services) == {
        "running": (NEW_CHANNEL, "active", None),
        "ended": (NEW_CHANNEL, "ended", None),
        "elsewhere": (PLATFORM, "active", None),
    }
    optouts, kept_drafts = schema.channel_optouts, schema.phase_drafts
    async with services.db.reading() as reader:
        optout_rows = await reader.execute(select(optouts.c.channel_id, optouts.c.user_id))
        assert sorted(map(tuple, optout_rows)) == [
            (NEW_CHANNEL, BEN),
            (NEW_CHANNEL, CHIARA),
            (PLATFORM, BEN),
        ]
        draft_rows = await reader.execute(select(kept_drafts.c.draft_id, kept_drafts.c.channel_id))
        assert sorted(map(tuple, draft_rows)) == [("here", NEW_CHANNEL), ("there", PLATFORM)]
    assert list(await planned(services, "check_channel")) == ["running"]


async def test_phase_under_the_new_channel_id_stays_and_the_old_one_ends_silently(
    services: Services,
) -> None:
    await add_phases(
        services, {"phase_id": "before"}, {"phase_id": "after", "channel_id": NEW_CHANNEL}
    )

    await change_channel_id(services)

    assert await phases_by_id(services) == {
        "before": (NEW_CHANNEL, "ended", "unseen"),
        "after": (NEW_CHANNEL, "active", None),
    }
    assert await messages(services, "") == {}


@pytest.mark.parametrize(("old", "new"), [(LAUNCH, LAUNCH), (PLATFORM, NEW_CHANNEL)])
async def test_channel_id_change_leaves_unaffected_phases_unchanged(
    services: Services, old: str, new: str
) -> None:
    await add_phases(services, {"phase_id": "running"})

    await change_channel_id(services, old, new)

    assert await phases_by_id(services) == {"running": (LAUNCH, "active", None)}
    assert await planned(services, "check_channel") == {}


@pytest.mark.parametrize("kind", ["channel_archive", "channel_left", "group_unarchive"])
async def test_channel_event_schedules_a_check_of_running_and_paused_phases(
    services: Services, kind: str
) -> None:
    await add_phases(
        services,
        {"phase_id": "running"},
        {"phase_id": "ended", **ENDED},
        {"phase_id": "paused", **ENDED, "paused_at": NOW, "pause_reason": "archived"},
        {"phase_id": "elsewhere", "channel_id": PLATFORM},
    )

    for _ in range(2):
        await deliver_event(services, kind, channel=LAUNCH)

    assert sorted(await planned(services, "check_channel")) == ["paused", "running"]


async def test_channel_deletion_ends_the_phase_and_schedules_goodbyes(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await add_phases(services, {"phase_id": "elsewhere", "channel_id": PLATFORM})
    clock.advance(timedelta(hours=1))

    await deliver_event(services, "channel_deleted", channel=LAUNCH)

    phases = schema.phases
    async with services.db.reading() as reader:
        paused_at = select(phases.c.paused_at).where(phases.c.phase_id == phase_id)
        assert await reader.scalar(paused_at) == clock.now()
    assert await phases_by_id(services) == {
        phase_id: (LAUNCH, "ended", "deleted"),
        "elsewhere": (PLATFORM, "active", None),
    }
    (notice,) = (await messages(services, "wrap_up:")).values()
    assert notice["conversation"] == ANA
    assert await messages(services, "closing:") == {}
    assert sorted(await planned(services, "send_goodbye")) == sorted(MEMBERS)
    goodbyes = (await planned(services, "send_goodbye")).values()
    assert {at.date() for at in goodbyes} == {date(2026, 11, 25)}  # two working days later
    assert await planned(services, "open_round") == {}  # no rounds after the end
    assert await planned(services, "end_phase") == {}


async def test_channel_deletion_after_the_end_cancels_rounds_and_sends_nothing(
    services: Services,
) -> None:
    await add_phases(services, {"phase_id": "ended", **ENDED})
    async with services.db.transaction() as tx:
        await tx.execute(
            insert(schema.agenda).values(
                workspace_id=WORKSPACE,
                action="open_round",
                subject="ended:after:2026-12-07",
                due_at=NOW,
            )
        )

    for event_id in ("Ev1", "Ev1", "Ev2"):
        await deliver_event(services, "channel_deleted", event_id, channel=LAUNCH)

    assert await phases_by_id(services) == {"ended": (LAUNCH, "ended", "deleted")}
    assert await planned(services, "open_round") == {}
    assert await messages(services, "") == {}


async def test_channel_deletion_keeps_the_pause_start_of_a_paused_phase(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await pause.store_pause(tx, WORKSPACE, phase, at=NOW, because=PauseReason.ARCHIVED)
    clock.advance(timedelta(days=1))

    await deliver_event(services, "channel_deleted", channel=LAUNCH)

    async with services.db.reading() as reader:
        assert await reader.scalar(select(schema.phases.c.paused_at)) == NOW
    assert (await phases_by_id(services))[phase_id] == (LAUNCH, "ended", "deleted")
