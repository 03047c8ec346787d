"""Reads of closed rounds, and the recipients, times and places of their results."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.phases.model import Phase
from bot.results import store
from bot.results.lifecycle import save_reply
from bot.results.reply_form import TEXT_LIMIT
from bot.round_keys import seal_text
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, KEYS, LAUNCH, MEMBERS, WORKSPACE
from tests.results.result_rows import (
    HIGH,
    LOW,
    MIXED,
    a_closed_round,
    a_reflection,
    change,
    latest_reply_text,
)
from tests.results.steps import CLOSED, FRIDAY, close, show
from tests.rounds.evidence import agenda_of, delivered, said
from tests.rounds.round_rows import PHASE, a_person, a_phase, a_round, the_phase

TO_ANA = f"lead_results:r1:{ANA}"


async def phase_of(db: Database) -> Phase:
    async with db.reading() as reader:
        return await the_phase(reader)


async def update_phases(db: Database, **values: object) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.phases).values(**values))


async def make_leads(db: Database, *user_ids: str, **values: object) -> None:
    people = schema.phase_people
    async with db.transaction() as tx:
        changed = update(people).where(people.c.user_id.in_(user_ids))
        await tx.execute(changed.values(role="lead", **values))


async def messages_of(db: Database) -> dict[str, Any]:
    async with db.reading() as reader:
        return {row.key: row for row in await reader.execute(select(schema.messages))}


def at_ten(on: date) -> datetime:
    return datetime.combine(on, time(10), UTC)


@pytest.mark.parametrize(
    ("kind", "on", "week"),
    [
        ("first", date(2026, 11, 23), 1),
        ("weekly", date(2026, 11, 29), 1),
        ("weekly", date(2026, 11, 30), 2),
        ("closing", date(2026, 12, 15), 4),
        ("after", date(2026, 12, 23), 2),  # two weeks after the early end on 9 December
        ("after", date(2026, 12, 25), 2),  # moved to the next working day
        ("after", date(2027, 1, 6), 4),
    ],
)
async def test_week_number_counts_from_the_start_and_then_from_the_end(
    phase: Database, kind: str, on: date, week: int
) -> None:
    await update_phases(phase, ended_at=datetime(2026, 12, 9, 12, tzinfo=UTC), state="ended")
    async with phase.transaction() as tx:
        await a_closed_round(tx, "r1", kind=kind, opened_at=at_ten(on))
        (found,) = await store.closed_rounds(tx, WORKSPACE, await the_phase(tx))

    assert (found.kind, found.week) == (kind, week)


@pytest.mark.parametrize(
    ("ended_at", "ended_on"),
    [
        (None, date(2026, 12, 18)),
        (datetime(2026, 12, 9, 12, tzinfo=UTC), date(2026, 12, 9)),
        (datetime(2026, 12, 19, 3, tzinfo=UTC), date(2026, 12, 18)),  # recorded late
    ],
)
async def test_ended_on_is_the_planned_day_or_an_earlier_end(
    phase: Database, ended_at: datetime | None, ended_on: date
) -> None:
    await update_phases(phase, ended_at=ended_at)
    found = await phase_of(phase)

    assert found.ended_on == ended_on
    assert found.weeks == (ended_on - date(2026, 11, 23)).days / 7


async def test_lead_names_are_ordered_and_exclude_departed_leads(phase: Database) -> None:
    await make_leads(phase, BEN, CHIARA)
    await make_leads(phase, DEV, left_at=CLOSED)
    await update_phases(phase, lead_id=BEN)
    async with phase.transaction() as tx:
        await tx.execute(schema.people.delete().where(schema.people.c.user_id == CHIARA))

    found = await phase_of(phase)
    assert found.lead_ids == (BEN, ANA, CHIARA)
    assert found.lead_names == ("Ben", "Ana", CHIARA)


async def test_closed_rounds_and_their_questions_are_read_in_order(
    phase: Database,
) -> None:
    await close(phase, "r2", number=2, counts={"ego": MIXED, "clarity": LOW, "trust": HIGH})
    await close(phase, "r1", number=1)
    async with phase.transaction() as tx:
        await a_round(tx, round_id="r3", number=3)
        await a_round(tx, round_id="r4", number=4, state="cancelled")
        rounds = await store.closed_rounds(tx, WORKSPACE, await the_phase(tx))

    assert [round_.round_id for round_ in rounds] == ["r1", "r2"]
    assert [level.figure.key for level in rounds[1].figures] == ["clarity", "trust", "ego"]
    assert rounds[1].level("clarity") == 1.5
    assert rounds[1].level("nothing") is None


async def test_reflections_are_those_of_current_leads_in_this_round(phase: Database) -> None:
    await make_leads(phase, BEN)
    async with phase.transaction() as tx:
        await a_reflection(tx, "r1", ANA, clarity=4)
        await a_reflection(tx, "r1", BEN, shared=True, clarity=2)
        await a_reflection(tx, "r1", CHIARA, clarity=1)
        await a_reflection(tx, "r0", ANA, clarity=5)
    found = await phase_of(phase)
    async with phase.reading() as reader:
        own = await store.reflections_of(reader, WORKSPACE, found, "r1")

    assert {(lead.name, lead.answers["clarity"], lead.shared) for lead in own} == {
        ("Ana", 4, False),
        ("Ben", 2, True),
    }


@pytest.mark.parametrize(
    ("notes", "shown", "newest"),
    [
        (("one", "two"), (True, True), "two"),
        (("one", "two"), (True, False), "one"),
        (("one", None), (True, True), None),
        (("one", "two"), (False, False), None),
    ],
)
async def test_latest_reply_is_that_of_the_newest_round_shown_to_the_team(
    phase: Database, notes: tuple[str | None, ...], shown: tuple[bool, ...], newest: str | None
) -> None:
    async with phase.transaction() as tx:
        for number, (note, is_shown) in enumerate(zip(notes, shown, strict=True), start=1):
            more: dict[str, Any] = {"note": note, "shown_at": FRIDAY if is_shown else None}
            await a_closed_round(tx, f"r{number}", number=number, **more)
        assert await latest_reply_text(tx, WORKSPACE, PHASE) == newest


async def test_each_lead_is_messaged_in_their_own_hours_and_deleted_ones_are_not(
    phase: Database,
) -> None:
    """The round closes at 16:00 UTC: night for Ben in Tokyo; Chiara's zone is unknown."""
    await make_leads(phase, BEN, CHIARA, DEV)
    people = schema.people
    async with phase.transaction() as tx:
        for user_id, values in (
            (BEN, {"zone": "Asia/Tokyo"}),
            (CHIARA, {"zone": None}),
            (DEV, {"is_deleted": True}),
        ):
            await tx.execute(update(people).where(people.c.user_id == user_id).values(**values))
    await close(phase)

    assert {key: row.not_before for key, row in (await messages_of(phase)).items()} == {
        TO_ANA: CLOSED,
        f"lead_results:r1:{BEN}": datetime(2026, 11, 26, 23, tzinfo=UTC),
        f"lead_results:r1:{CHIARA}": CLOSED,
    }


@pytest.mark.parametrize("comments_to", ["leads", "team"])
async def test_comments_go_to_leads_in_private_and_to_the_thread_if_the_form_says_so(
    phase: Database, services: Services, clock: AdjustableClock, comments_to: str
) -> None:
    await update_phases(phase, comments_to=comments_to)
    await close(phase, comments=tuple(f"{n:02} " + "words " * 160 for n in range(14)))
    clock.move_to(FRIDAY)
    await show(services)

    found = await messages_of(phase)
    more = {key: row.target_key for key, row in found.items() if key.startswith("comments:r1:")}
    assert {to for key, to in more.items() if ANA in key} == {None}
    to_team = {key: to for key, to in more.items() if LAUNCH in key}
    assert set(to_team.values()) == ({f"announcement:{PHASE}"} if comments_to == "team" else set())
    assert f"comments:r1:{ANA}:1" in more
    assert f"comments:r1:{ANA}:2" in more


async def test_results_of_a_paused_phase_are_not_shown(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase, comments=("One", "Two"))
    await update_phases(phase, paused_at=CLOSED, pause_reason="archived")
    clock.move_to(FRIDAY)
    await show(services)

    assert "results:r1" not in await said(phase)
    async with phase.reading() as reader:
        (found,) = await store.closed_rounds(reader, WORKSPACE, await the_phase(reader))
        assert len(await store.comments_of(reader, KEYS, WORKSPACE, "r1")) == 2
    assert found.shown_at is None


@pytest.mark.parametrize(
    ("late", "is_shown"), [(timedelta(minutes=15), True), (timedelta(minutes=16), False)]
)
async def test_results_over_fifteen_minutes_late_wait_for_leads_to_get_theirs(
    phase: Database, services: Services, clock: AdjustableClock, late: timedelta, is_shown: bool
) -> None:
    await make_leads(phase, BEN)
    await close(phase)
    await delivered(phase, TO_ANA, ("D1", "1.1"))  # Ben's is still queued
    clock.move_to(FRIDAY + late)
    await show(services)

    assert ("results:r1" in await said(phase)) is is_shown
    monday = datetime(2026, 11, 30, 10, tzinfo=UTC)
    assert await agenda_of(phase, "show_results") == ({} if is_shown else {"r1": monday})


def by(user_id: str) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id="r1")


async def test_note_of_exactly_the_limit_is_saved_under_its_authors_name(
    phase: Database, services: Services
) -> None:
    await make_leads(phase, BEN)
    await close(phase)
    await save_reply(services, by(BEN), change("x" * TEXT_LIMIT))
    with pytest.raises(Refused, match="1,001 characters, but only 1,000 fit"):
        await save_reply(services, by(ANA), change("x" * (TEXT_LIMIT + 1)))

    async with phase.reading() as reader:
        (found,) = await store.closed_rounds(reader, WORKSPACE, await the_phase(reader))
    assert found.promise is not None
    assert (found.promise.text, found.promise.name) == ("x" * 1_000, "Ben")
    queued = await said(phase)
    for lead in (ANA, BEN):  # both see the saved note and its deadline
        assert "Written by Ben" in str(queued[f"edit:lead_results:r1:{lead}"])
        assert str(int(FRIDAY.timestamp())) in str(queued[f"edit:lead_results:r1:{lead}"])


async def test_only_the_shown_round_is_marked_as_shown(phase: Database, services: Services) -> None:
    await close(phase)
    await close(phase, "r2", number=2)
    await show(services, "r2")

    async with phase.reading() as reader:
        rounds = await store.closed_rounds(reader, WORKSPACE, await the_phase(reader))
    assert [round_.shown_at is None for round_ in rounds] == [True, False]


async def test_only_the_deleted_pause_reason_marks_a_channel_as_deleted(phase: Database) -> None:
    for because, expected in ((None, (False, False)), ("archived", (True, False))):
        await update_phases(phase, paused_at=CLOSED if because else None, pause_reason=because)
        found = await phase_of(phase)
        assert (found.is_paused, found.is_channel_deleted) == expected
    await update_phases(phase, pause_reason="deleted")
    assert (await phase_of(phase)).is_channel_deleted


async def test_rounds_of_another_phase_are_not_read(db: Database, clock: AdjustableClock) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_phase(tx, phase_id="other", channel_id="C0PLATF")
        await a_closed_round(tx, "r9", phase_id="other", note="Theirs", shown_at=FRIDAY)
        sealed = seal_text(KEYS, "Theirs", store.comment_context(WORKSPACE, "r9"), CLOSED.date())
        comment = {"workspace_id": WORKSPACE, "round_id": "r9", "position": 0, **sealed}
        await tx.execute(insert(schema.round_comments).values(**comment))
    clock.move_to(CLOSED)
    await close(db)

    async with db.reading() as reader:
        assert await latest_reply_text(reader, WORKSPACE, PHASE) is None
        assert await store.history(reader, WORKSPACE, await the_phase(reader)) == ()
        assert await store.comments_of(reader, KEYS, WORKSPACE, "r1") == ()
        found = await store.phase_of_round(reader, WORKSPACE, "r9")
    assert found is not None
    assert found.phase_id == "other"
