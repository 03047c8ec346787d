"""From the closing to what the team reads: the rows that each step leaves behind."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from bot.agenda.schedule import AlreadyTaken
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS
from tests.results.result_rows import HIGH, a_reflection
from tests.results.steps import ALL, COMMENTS, FRIDAY, close, count, figures, show
from tests.rounds.evidence import agenda_of, said
from tests.rounds.round_rows import PHASE, a_person, a_phase


async def test_only_what_may_be_shown_is_kept(phase: Database) -> None:
    await close(phase, counts={**ALL, "trust": (0, 0, 0, 3, 0)})

    kept = await figures(phase)
    assert set(kept) == {"clarity", "ego"}
    low = kept["clarity"]
    assert (low.level, low.answers, low.share_high) == (1.5, 6, 0)
    assert (low.bands, low.change) == (None, None)


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
    phase: Database, services: Services, clock: AdjustableClock
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
    with pytest.raises(AlreadyTaken):
        await show(services)


async def test_comments_of_a_deleted_channel_are_not_kept(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase, comments=COMMENTS)
    async with phase.transaction() as tx:
        gone = {"paused_at": clock.now(), "paused_because": "deleted"}
        await tx.execute(update(schema.phases).values(**gone))
    clock.move_to(FRIDAY)
    await show(services)

    assert await count(phase, schema.round_comments) == 0
    assert "results:r1" not in await said(phase)


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
