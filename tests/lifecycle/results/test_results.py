"""From the closing to what the team reads: the rows that each step leaves behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.agenda.agenda import Item, Taken
from bot.clock import MovedClock
from bot.db import schema
from bot.db.engine import Database
from bot.results import store
from bot.results.lifecycle import Noting, keep, save_note, show_results
from bot.slack.errors import Refused
from bot.workspaces.services import Services
from tests.lifecycle.results.builders import HIGH, LOW, MIXED, Closing, a_closed_round, a_reflection
from tests.lifecycle.rounds.builders import PHASE, a_person, a_phase
from tests.lifecycle.rounds.evidence import agenda_of, said
from tests.vocabulary import ANA, BEN, CHIARA, LAUNCH, MEMBERS, WORKSPACE

#: Thursday afternoon in Lisbon; the team reads it on Friday at ten.
CLOSED = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
COMMENTS = ("The importer is late & nobody says so", "Thanks for Tuesday")
ALL = {"clarity": LOW, "trust": HIGH, "ego": MIXED}


@pytest.fixture
async def phase(db: Database, clock: MovedClock) -> Database:
    clock.move_to(CLOSED)
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
    return db


async def close(
    db: Database, round_id: str = "r1", *, number: int = 1, now: datetime = CLOSED, **more: Any
) -> Closing:
    """Close a round with these counts, as the rounds' room does."""
    counts, comments = more.pop("counts", ALL), more.pop("comments", ())
    answered = None if counts is None else 6
    async with db.transaction() as tx:
        closing = await a_closed_round(tx, round_id, number=number, answered=answered, **more)
        await keep(tx, WORKSPACE, closing, counts, comments, now)
    return closing


async def figures(db: Database, round_id: str = "r1") -> dict[str, Any]:
    kept = schema.figures
    async with db.reading() as reader:
        rows = await reader.execute(select(kept).where(kept.c.round_id == round_id))
        return {row.key: row for row in rows}


async def count(db: Database, table: Any) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0


async def show(services: Services, round_id: str = "r1", due_at: datetime = FRIDAY) -> None:
    item = Item(workspace_id=WORKSPACE, action="show_results", subject=round_id, due_at=due_at)
    await show_results(services, item)


def noting(text: str = "I hear you", user_id: str = ANA, round_id: str = "r1") -> Noting:
    return Noting(workspace_id=WORKSPACE, round_id=round_id, user_id=user_id, text=text)


async def test_only_what_may_be_shown_is_kept(phase: Database) -> None:
    await close(phase, counts={**ALL, "trust": (0, 0, 0, 3, 0)})

    kept = await figures(phase)
    assert set(kept) == {"clarity", "ego"}
    assert (kept["clarity"].level, kept["clarity"].answers, kept["clarity"].share_high) == (
        1.5,
        6,
        0,
    )
    assert kept["clarity"].bands is None
    assert kept["clarity"].change is None


async def test_from_eight_answers_on_there_are_bands(phase: Database) -> None:
    await close(phase, counts={"clarity": (1, 0, 3, 3, 2)})

    kept = (await figures(phase))["clarity"]
    assert kept.share_high is None
    assert kept.bands == [
        {"first": 1, "last": 3, "answers": 4},
        {"first": 4, "last": 5, "answers": 5},
    ]


async def test_too_few_leave_nothing_but_that(phase: Database) -> None:
    await close(phase, counts=None)

    assert await figures(phase) == {}
    assert await count(phase, schema.round_comments) == 0
    told = await said(phase)
    assert "too few answers to show" in told[f"lead_results:r1:{ANA}"]["text"]


async def test_leads_read_it_at_once_and_the_team_a_working_day_later(
    phase: Database, services: Services, clock: MovedClock
) -> None:
    await close(phase, comments=COMMENTS)

    told = await said(phase)
    assert "Thanks for Tuesday" in str(told[f"lead_results:r1:{ANA}"])
    assert "results:r1" not in told
    assert await agenda_of(phase, "show_results") == {"r1": FRIDAY}

    clock.move_to(FRIDAY)
    await show(services)

    told = await said(phase)
    assert told["results:r1"]["text"].startswith(f"Start in <#{LAUNCH}>: hardly clear")
    assert "No note from Ana this week." in str(told["results:r1"])
    assert "Thanks for Tuesday" not in str(told["results:r1"])
    assert await count(phase, schema.round_comments) == 0
    with pytest.raises(Taken):
        await show(services)


async def test_results_go_into_the_announcements_thread(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await show(services)

    messages = schema.messages
    async with phase.reading() as reader:
        query = select(messages).where(messages.c.key == "results:r1")
        row = (await reader.execute(query)).one()
    assert (row.conversation, row.target_key) == (LAUNCH, f"announcement:{PHASE}")
    assert row.picture["facts"]["rounds"] == ["Start"]


@pytest.mark.parametrize(
    ("closed", "told_at", "team_reads_at"),
    [
        # Thursday evening: the lead reads it on Friday morning, the team on Monday.
        (datetime(2026, 11, 26, 21, 30, tzinfo=UTC), "2026-11-27 08:00", "2026-11-30 10:00"),
        (datetime(2026, 11, 28, 12, 0, tzinfo=UTC), "2026-11-30 08:00", "2026-12-01 10:00"),
    ],
)
async def test_nobody_is_written_to_at_night_or_at_the_weekend(
    phase: Database, closed: datetime, told_at: str, team_reads_at: str
) -> None:
    await close(phase, now=closed)

    messages = schema.messages
    async with phase.reading() as reader:
        not_before = await reader.scalar(
            select(messages.c.not_before).where(messages.c.key == f"lead_results:r1:{ANA}")
        )
    assert f"{not_before:%Y-%m-%d %H:%M}" == told_at
    due = (await agenda_of(phase, "show_results"))["r1"]
    assert f"{due:%Y-%m-%d %H:%M}" == team_reads_at


async def test_a_change_is_kept_where_the_same_people_were_asked(phase: Database) -> None:
    await close(phase)
    await close(phase, "r2", number=2, counts={"clarity": HIGH})

    assert (await figures(phase, "r2"))["clarity"].change == 3.0


async def test_a_change_that_could_be_one_persons_answer_is_not_kept(phase: Database) -> None:
    await close(phase)
    await close(phase, "r2", number=2, members=MEMBERS[:-1])
    await close(phase, "r3", number=3, members=MEMBERS[:-2])
    await close(phase, "r4", number=4, members=MEMBERS)

    assert (await figures(phase, "r2"))["clarity"].change is None
    assert (await figures(phase, "r3"))["clarity"].change is None
    assert (await figures(phase, "r4"))["clarity"].change == 0.0


async def test_a_week_with_too_few_is_skipped_in_the_comparison(phase: Database) -> None:
    await close(phase)
    await close(phase, "r2", number=2, counts=None)
    await close(phase, "r3", number=3)

    assert (await figures(phase, "r3"))["clarity"].change == 0.0
    told = await said(phase)
    assert "same as the start" in str(told[f"lead_results:r3:{ANA}"])


async def test_two_low_weeks_are_a_signal_to_the_lead_alone(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await close(phase, "r2", number=2)
    await show(services, "r2")

    told = await said(phase)
    assert "Two rounds low" not in str(told[f"lead_results:r1:{ANA}"])
    assert "Two rounds low" in str(told[f"lead_results:r2:{ANA}"])
    assert "Two rounds low" not in str(told["results:r2"])


async def test_a_lead_who_ticked_it_is_shown_beside(phase: Database, services: Services) -> None:
    async with phase.transaction() as tx:
        await a_reflection(tx, "r1", ANA, shared=True, clarity=4, trust=None, ego=2)
    await close(phase)
    await show(services)

    team = str((await said(phase))["results:r1"])
    assert "Ana's own answers" in team
    assert "Mostly clear (4 of 5)" in team


async def test_a_note_can_be_changed_until_the_team_reads_it(
    phase: Database, services: Services
) -> None:
    await close(phase, comments=COMMENTS)
    await save_note(services, noting("First thought"))
    await save_note(services, noting("Second thought"))
    edited = (await said(phase))[f"edit:lead_results:r1:{ANA}"]
    assert "Second thought" in str(edited)
    assert "Thanks for Tuesday" in str(edited)

    await show(services)

    told = await said(phase)
    assert "Second thought" in str(told["results:r1"])
    assert "First thought" not in str(told["results:r1"])
    assert "'type': 'input'" not in str(told[f"edit:lead_results:r1:{ANA}"])
    with pytest.raises(Refused, match="has read these"):
        await save_note(services, noting("Too late"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (noting(user_id=BEN), "only the leads"),
        (noting(round_id="of another workspace"), "only the leads"),
        (noting(""), "the box is empty"),
        (noting("x" * 1_001), "1,001 characters"),
    ],
)
async def test_notes_that_are_refused_change_nothing(
    phase: Database, services: Services, wrong: Noting, why: str
) -> None:
    await close(phase)
    with pytest.raises(Refused, match=why):
        await save_note(services, wrong)

    assert f"edit:lead_results:r1:{ANA}" not in await said(phase)


async def test_another_workspace_cannot_reach_the_round(
    phase: Database, services: Services
) -> None:
    await close(phase)

    with pytest.raises(Refused):
        await save_note(services, replace(noting(), workspace_id="T0OTHER"))


async def test_an_open_round_takes_no_note(phase: Database, services: Services) -> None:
    await close(phase)
    async with phase.transaction() as tx:
        await tx.execute(schema.rounds.update().values(state="open"))

    with pytest.raises(Refused):
        await save_note(services, noting())


async def test_the_note_opens_the_next_questions_once_the_team_has_read_it(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await save_note(services, noting("We drop the importer"))
    async with phase.reading() as reader:
        assert await store.latest_note(reader, WORKSPACE, PHASE) is None
        assert await store.history(reader, WORKSPACE, PHASE) == ()

    await show(services)

    async with phase.reading() as reader:
        assert await store.latest_note(reader, WORKSPACE, PHASE) == "We drop the importer"
        (seen,) = await store.history(reader, WORKSPACE, PHASE)
    assert (seen.round_id, seen.noted_by) == ("r1", "Ana")


async def test_every_lead_reads_it_and_comments_without_room_follow(db: Database) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx, leads=(ANA, BEN), members=(CHIARA, *MEMBERS[2:]))
    comments = tuple(f"Comment {n:02} " + "words " * 150 for n in range(12))
    await close(db, comments=comments)

    told = await said(db)
    for lead in (ANA, BEN):
        mine = str([message for key, message in told.items() if key.endswith(lead) or lead in key])
        assert all(f"Comment {n:02}" in mine for n in range(12))
    assert f"comments:r1:{BEN}:2" in told


async def test_what_is_late_is_still_shown(
    phase: Database, services: Services, clock: MovedClock
) -> None:
    await close(phase)
    clock.move_to(FRIDAY + timedelta(days=5))
    await show(services)

    assert "results:r1" in await said(phase)
