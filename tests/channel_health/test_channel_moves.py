"""A channel that is deleted, archived or given another id: what moves along, and what ends."""

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

NEW = "C0NEWID"


async def happens(services: Services, kind: str, event_id: str = "Ev1", **event: str) -> None:
    body: Any = {"event_id": event_id, "event": {"type": kind, **event}}
    context: Any = SimpleNamespace(team_id=WORKSPACE)
    listener = {
        "channel_id_changed": channel_events.on_channel_id_changed,
        "channel_deleted": channel_events.on_channel_deleted,
    }
    await listener.get(kind, channel_events.on_channel_changed)(services, body, context)


async def moves(services: Services, old: str = LAUNCH, new: str = NEW) -> None:
    await happens(services, "channel_id_changed", old_channel_id=old, new_channel_id=new)


async def phases(services: Services) -> dict[str, tuple[str, str, str | None]]:
    """Phase id -> channel, state, and why it is paused."""
    table = schema.phases
    async with services.db.reading() as reader:
        rows = await reader.execute(select(table))
        return {row.phase_id: (row.channel_id, row.state, row.paused_because) for row in rows}


async def add(services: Services, *many: dict[str, Any]) -> None:
    async with services.db.transaction() as tx:
        for phase in many:
            await a_phase(tx, **phase)


OVER: dict[str, Any] = {"state": "ended", "ended_at": NOW, "started_at": NOW - timedelta(days=30)}


async def test_all_that_names_a_channel_moves_with_its_id(services: Services) -> None:
    await add(
        services,
        {"phase_id": "runs"},
        {"phase_id": "over", **OVER},
        {"phase_id": "else", "channel_id": PLATFORM},
    )
    async with services.db.transaction() as tx:
        for channel_id, user_id in (
            (LAUNCH, BEN),
            (LAUNCH, CHIARA),
            (NEW, CHIARA),
            (PLATFORM, BEN),
        ):
            values = {"workspace_id": WORKSPACE, "channel_id": channel_id, "user_id": user_id}
            await tx.execute(insert(schema.channel_optouts).values(**values))
        for draft_id, channel_id in (("here", LAUNCH), ("there", PLATFORM)):
            kept = StoredDraft(
                draft_id=draft_id,
                channel_id=channel_id,
                user_id=ANA,
                draft=Draft(ends_on=date(2026, 12, 7)),
                phase_id=None,
            )
            await draft_store.save(tx, WORKSPACE, kept, NOW)

    await moves(services)

    assert await phases(services) == {
        "runs": (NEW, "active", None),
        "over": (NEW, "ended", None),
        "else": (PLATFORM, "active", None),
    }
    optouts, kept_drafts = schema.channel_optouts, schema.phase_drafts
    async with services.db.reading() as reader:
        quiet = await reader.execute(select(optouts.c.channel_id, optouts.c.user_id))
        assert sorted(map(tuple, quiet)) == [(NEW, BEN), (NEW, CHIARA), (PLATFORM, BEN)]
        left = await reader.execute(select(kept_drafts.c.draft_id, kept_drafts.c.channel_id))
        assert sorted(map(tuple, left)) == [("here", NEW), ("there", PLATFORM)]
    assert list(await planned(services, "look_at_channel")) == ["runs"]


async def test_one_that_began_under_the_new_id_stays_and_the_other_ends_without_a_word(
    services: Services,
) -> None:
    await add(services, {"phase_id": "before"}, {"phase_id": "after", "channel_id": NEW})

    await moves(services)

    assert await phases(services) == {
        "before": (NEW, "ended", "unseen"),
        "after": (NEW, "active", None),
    }
    assert await messages(services, "") == {}


@pytest.mark.parametrize(("old", "new"), [(LAUNCH, LAUNCH), (PLATFORM, NEW)])
async def test_what_did_not_move_is_left_alone(services: Services, old: str, new: str) -> None:
    await add(services, {"phase_id": "runs"})

    await moves(services, old, new)

    assert await phases(services) == {"runs": (LAUNCH, "active", None)}
    assert await planned(services, "look_at_channel") == {}


@pytest.mark.parametrize("kind", ["channel_archive", "channel_left", "group_unarchive"])
async def test_what_happens_to_a_channel_is_looked_at_where_it_concerns_a_phase(
    services: Services, kind: str
) -> None:
    await add(
        services,
        {"phase_id": "runs"},
        {"phase_id": "over", **OVER},
        {"phase_id": "waits", **OVER, "paused_at": NOW, "paused_because": "archived"},
        {"phase_id": "else", "channel_id": PLATFORM},
    )

    for _ in range(2):
        await happens(services, kind, channel=LAUNCH)

    assert sorted(await planned(services, "look_at_channel")) == ["runs", "waits"]


async def test_a_phase_ends_with_its_channel_and_its_members_get_a_goodbye(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await add(services, {"phase_id": "else", "channel_id": PLATFORM})
    clock.advance(timedelta(hours=1))

    await happens(services, "channel_deleted", channel=LAUNCH)

    assert await phases(services) == {
        phase_id: (LAUNCH, "ended", "deleted"),
        "else": (PLATFORM, "active", None),
    }
    (told,) = (await messages(services, "wrap_up:")).values()
    assert told["conversation"] == ANA
    assert await messages(services, "closing:") == {}
    assert sorted(await planned(services, "say_goodbye")) == sorted(MEMBERS)
    goodbyes = (await planned(services, "say_goodbye")).values()
    assert {at.date() for at in goodbyes} == {date(2026, 11, 25)}  # two working days later
    assert await planned(services, "open_round") == {}  # nobody is asked afterwards
    assert await planned(services, "end_phase") == {}


async def test_a_channel_deleted_after_the_end_asks_nothing_more_and_says_nothing_anew(
    services: Services,
) -> None:
    await add(services, {"phase_id": "over", **OVER})
    async with services.db.transaction() as tx:
        await tx.execute(
            insert(schema.agenda).values(
                workspace_id=WORKSPACE,
                action="open_round",
                subject="over:after:2026-12-07",
                due_at=NOW,
            )
        )

    for event_id in ("Ev1", "Ev1", "Ev2"):
        await happens(services, "channel_deleted", event_id, channel=LAUNCH)

    assert await phases(services) == {"over": (LAUNCH, "ended", "deleted")}
    assert await planned(services, "open_round") == {}
    assert await messages(services, "") == {}


async def test_a_channel_deleted_while_its_phase_waits_keeps_since_when_it_did(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    async with services.db.transaction() as tx:
        phase = await the_phase(tx, phase_id)
        await pause.store_pause(tx, WORKSPACE, phase, at=NOW, because=PauseReason.ARCHIVED)
    clock.advance(timedelta(days=1))

    await happens(services, "channel_deleted", channel=LAUNCH)

    async with services.db.reading() as reader:
        assert await reader.scalar(select(schema.phases.c.paused_at)) == NOW
    assert (await phases(services))[phase_id] == (LAUNCH, "ended", "deleted")
