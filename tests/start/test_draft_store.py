"""Stored drafts, and the history of the channel that a proposal is checked against."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.phases import history, store
from bot.phases.budget import Span
from bot.phases.rules import PhaseKind, PhaseLimits
from bot.services import Services
from bot.start import draft_store
from bot.start.draft import Draft, Row, from_json
from bot.start.draft import as_json as draft_as_json
from bot.start.draft_store import StoredDraft
from tests.harness import ANA, BEN, GENERAL, LAUNCH, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, a_phase
from tests.start.proposals import SPRINT

TODAY = date(2026, 11, 23)
ENDS_ON = date(2026, 12, 7)
LIMITS = PhaseLimits()
STORED = StoredDraft(
    draft_id="one",
    channel_id=LAUNCH,
    user_id=ANA,
    draft=Draft(ends_on=ENDS_ON),
    phase_id=None,
)


async def save(services: Services, stored: StoredDraft) -> None:
    async with services.db.transaction() as tx:
        await draft_store.save(tx, WORKSPACE, stored, services.clock.now())


async def unfinished_draft(
    services: Services, channel_id: str = LAUNCH, user_id: str = ANA
) -> str | None:
    async with services.db.reading() as reader:
        return await draft_store.unfinished_id(reader, WORKSPACE, channel_id, user_id)


async def test_latest_unannounced_draft_is_found_by_its_author_and_channel(
    services: Services, clock: AdjustableClock
) -> None:
    await save(services, replace(STORED, draft_id="two"))
    clock.advance(timedelta(hours=1))
    await save(services, STORED)
    clock.advance(timedelta(hours=1))
    await save(services, replace(STORED, draft_id="other", user_id=BEN))
    await save(services, replace(STORED, draft_id="elsewhere", channel_id=PLATFORM))
    assert await unfinished_draft(services) == "one"
    assert await unfinished_draft(services, user_id=BEN) == "other"
    assert await unfinished_draft(services, PLATFORM) == "elsewhere"
    assert await unfinished_draft(services, GENERAL) is None

    async with services.db.transaction() as tx:
        await draft_store.mark_announced(tx, WORKSPACE, "one", "phase")

    assert await unfinished_draft(services) == "two"
    async with services.db.reading() as reader:
        announced = await draft_store.find(reader, WORKSPACE, "one", ANA)
        assert announced is not None
        assert announced.phase_id == "phase"
        assert await draft_store.find(reader, WORKSPACE, "one", BEN) is None
        unfinished = await draft_store.find(reader, WORKSPACE, "two", ANA)
        assert unfinished is not None
        assert unfinished.phase_id is None


async def test_saving_a_draft_again_renews_its_saved_time(
    services: Services, clock: AdjustableClock
) -> None:
    async with services.db.transaction() as tx:
        await draft_store.create(tx, WORKSPACE, STORED, NOW)
    clock.advance(timedelta(days=6))
    await save(services, replace(STORED, draft=Draft(ends_on=ENDS_ON, more_options=True)))

    saved = schema.phase_drafts
    async with services.db.reading() as reader:
        (row,) = await reader.execute(select(saved.c.saved_at))
        stored = await draft_store.find(reader, WORKSPACE, "one", ANA)
        due = await reader.scalar(select(schema.agenda.c.due_at))
    assert row.saved_at == clock.now()
    assert stored is not None
    assert stored.draft.more_options
    assert due == NOW + timedelta(days=7)  # the cleanup runs then, and later for newer drafts


@pytest.mark.parametrize(
    "draft",
    [
        Draft(ends_on=ENDS_ON),
        Draft(
            kind=PhaseKind.TRUST_BUILDING,
            kind_given=True,
            answers={"clarity": 2, "trust": None},
            doubt_shown=True,
            starts_anyway=True,
            texts={"purpose": "Decide."},
            ends_on=ENDS_ON,
            rows=(Row(text="Dark mode", owner_id=BEN), Row()),
            justification_request="Because.",
            more_options=True,
            members=(),
            team_by_hand=True,
            co_leads=(BEN,),
            weekday=4,
            time_of_day=time(15, 45),
            remind=False,
            comments_to="team",
            continues="phase",
        ),
    ],
)
def test_draft_round_trips_through_json(draft: Draft) -> None:
    assert from_json(draft_as_json(draft)) == draft


async def add(services: Services, *phases: dict[str, object]) -> None:
    async with services.db.transaction() as tx:
        for number, phase in enumerate(phases):
            await a_phase(tx, **{"phase_id": f"p{number}", "state": "ended", **phase})  # type: ignore[arg-type]


def dates(first: date, last: date, ended: datetime | None = None) -> dict[str, object]:
    return {
        "starts_on": first,
        "ends_on": last,
        "ended_at": ended,
        "started_at": datetime.combine(first, time(9), NOW.tzinfo),
    }


async def test_past_sprints_are_selected_by_their_end_and_sorted(services: Services) -> None:
    since = date(2026, 10, 10)
    early = datetime(2026, 10, 9, 12, tzinfo=NOW.tzinfo)
    await add(
        services,
        dates(date(2026, 10, 20), date(2026, 10, 30)),
        dates(date(2026, 10, 1), since),
        dates(date(2026, 9, 1), since - timedelta(days=1)),
        dates(date(2026, 10, 2), date(2026, 10, 20), early),  # too early to count
        {**dates(date(2026, 10, 2), since), "kind": "trust_building", "promise": {"purpose": "x"}},
        {**dates(date(2026, 10, 2), since), "channel_id": PLATFORM},
        {**dates(TODAY, ENDS_ON), "state": "active"},
    )

    async with services.db.reading() as reader:
        sprints = await store.past_sprints(reader, WORKSPACE, LAUNCH, since)
        past = await history.sprint_history(reader, WORKSPACE, SPRINT, LIMITS, None)
        latest = await store.latest_in(reader, WORKSPACE, LAUNCH)
        ended = await history.ended_phase_ids(reader, WORKSPACE, LAUNCH, since)

    assert [(one.starts_on, one.ends_on) for one in sprints] == [
        (date(2026, 10, 1), since),
        (date(2026, 10, 20), date(2026, 10, 30)),
        (TODAY, ENDS_ON),
    ]
    assert past.last_sprint == Span(starts_on=TODAY, ends_on=ENDS_ON)
    assert past.recovery_until == ENDS_ON + timedelta(days=15)
    assert not past.was_extended
    assert latest is not None
    assert latest.is_active
    assert sorted(ended) == ["p0", "p1", "p3", "p4"]


@pytest.mark.parametrize(("reason", "extended"), [(None, False), ("Late.", True)])
async def test_history_tells_whether_the_continued_phase_was_extended(
    services: Services, reason: str | None, extended: bool
) -> None:
    await add(services, {**dates(TODAY, ENDS_ON), "state": "active", "extension_reason": reason})

    async with services.db.reading() as reader:
        assert (
            await history.sprint_history(reader, WORKSPACE, SPRINT, LIMITS, "p0")
        ).was_extended is extended
        assert not (
            await history.sprint_history(reader, WORKSPACE, SPRINT, LIMITS, None)
        ).was_extended
        assert not (
            await history.sprint_history(reader, WORKSPACE, SPRINT, LIMITS, "gone")
        ).was_extended


async def test_teams_are_channels_with_a_phase_in_the_last_ninety_days(services: Services) -> None:
    old, limit = TODAY - timedelta(days=91), TODAY - timedelta(days=90)
    trust = {"kind": "trust_building", "promise": {"purpose": "x"}}
    await add(
        services,
        {**dates(TODAY, ENDS_ON), "state": "active", "channel_id": LAUNCH},  # this one
        {**dates(TODAY, ENDS_ON), "state": "active", "channel_id": "C1"},
        {**dates(TODAY, TODAY), "channel_id": "C1"},  # the same team, earlier
        {**dates(TODAY, ENDS_ON), "state": "active", "channel_id": "C2", **trust},
        {**dates(limit, limit), "channel_id": "C3"},
        {**dates(old, old), "channel_id": "C4"},
    )

    async with services.db.reading() as reader:
        assert await history.team_counts(reader, WORKSPACE, LAUNCH, TODAY) == (2, 4)
