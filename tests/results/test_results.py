"""Results from the close of a round until the team sees them: rows stored at each step."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from bot.agenda.schedule import NoLongerDue
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.services import Services
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS
from tests.results.result_rows import HIGH, a_reflection
from tests.results.steps import ALL, COMMENTS, FRIDAY, close, count, figures, show
from tests.rounds.evidence import agenda_of, said
from tests.rounds.round_rows import PHASE, a_person, a_phase

EIGHT_HIGH = (0, 0, 0, 4, 4)


async def test_only_figures_that_may_be_shown_are_stored(phase: Database) -> None:
    await close(phase, counts={**ALL, "trust": (0, 0, 0, 3, 0)})

    stored = await figures(phase)
    assert set(stored) == {"clarity", "ego"}
    low = stored["clarity"]
    assert (low.level, low.share, low.change) == (1.5, None, None)


async def test_phrase_is_stored_from_eight_answers_and_no_count(phase: Database) -> None:
    await close(phase, counts={"clarity": (1, 0, 3, 3, 2)})

    stored = (await figures(phase))["clarity"]
    assert stored.share == "about_half"
    assert set(stored._fields) == {"workspace_id", "round_id", "key", "level", "share", "change"}


async def test_whole_levels_are_stored_without_phrase_or_change(phase: Database) -> None:
    await close(phase, counts={"clarity": EIGHT_HIGH})
    await close(phase, "r2", number=2, counts={"clarity": (0, 0, 4, 4, 1)}, rounding="whole")
    await close(phase, "r3", number=3, counts={"clarity": EIGHT_HIGH})
    await close(phase, "r4", number=4, counts={"clarity": EIGHT_HIGH})

    stored = (await figures(phase, "r2"))["clarity"]
    assert (stored.level, stored.share, stored.change) == (4, None, None)
    assert (await figures(phase, "r3"))["clarity"].change is None  # its base is only known whole
    assert (await figures(phase, "r4"))["clarity"].change == 0
    assert "The team has changed by one person" in str(await said(phase))


async def test_too_few_answers_store_nothing_and_leads_are_told(phase: Database) -> None:
    await close(phase, counts=None)

    assert await figures(phase) == {}
    assert await count(phase, schema.round_comments) == 0
    queued = await said(phase)
    to_lead = queued[f"lead_results:r1:{ANA}"]
    assert to_lead["text"] == f"First results in <#{LAUNCH}>: not enough answers."
    assert "Not enough answers to keep everyone anonymous" in str(to_lead)


async def test_leads_see_results_at_once_and_the_team_a_working_day_later(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase, comments=COMMENTS)

    queued = await said(phase)
    assert "Thanks for Tuesday" in str(queued[f"comments:r1:{ANA}:1"])
    assert "results:r1" not in queued
    assert await agenda_of(phase, "show_results") == {"r1": FRIDAY}

    clock.move_to(FRIDAY)
    await show(services)

    queued = await said(phase)
    assert queued["results:r1"]["text"] == f"First results in <#{LAUNCH}>"
    headline = "trust is strong (4.5 of 5), clarity is the weak spot (1.5)."
    assert headline in str(queued["results:r1"])
    assert "Ana hasn't replied yet." in str(queued["results:r1"])
    assert f"comments:r1:{LAUNCH}:1" not in queued
    assert await count(phase, schema.round_comments) == 0
    with pytest.raises(NoLongerDue):
        await show(services)


async def test_comments_are_deleted_if_the_channel_was_deleted(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await close(phase, comments=COMMENTS)
    async with phase.transaction() as tx:
        gone = {"paused_at": clock.now(), "pause_reason": "deleted"}
        await tx.execute(update(schema.phases).values(**gone))
    clock.move_to(FRIDAY)
    await show(services)

    assert await count(phase, schema.round_comments) == 0
    assert "results:r1" not in await said(phase)


async def test_results_are_posted_in_the_announcement_thread(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await show(services)

    messages = schema.messages
    async with phase.reading() as reader:
        query = select(messages).where(messages.c.key == "results:r1")
        row = (await reader.execute(query)).one()
    assert (row.conversation, row.target_key) == (LAUNCH, f"announcement:{PHASE}")
    assert row.picture["facts"]["rounds"] == [{"name": "First", "day": 1}]


@pytest.mark.parametrize(
    ("closed_at", "leads_read_at", "team_reads_at"),
    [
        # Closed on Thursday evening: the lead reads on Friday morning, the team on Monday.
        (datetime(2026, 11, 26, 21, 30, tzinfo=UTC), "2026-11-27 08:00", "2026-11-30 10:00"),
        (datetime(2026, 11, 28, 12, 0, tzinfo=UTC), "2026-11-30 08:00", "2026-12-01 10:00"),
    ],
)
async def test_results_are_not_sent_at_night_or_on_weekends(
    phase: Database, closed_at: datetime, leads_read_at: str, team_reads_at: str
) -> None:
    await close(phase, now=closed_at)

    messages = schema.messages
    async with phase.reading() as reader:
        not_before = await reader.scalar(
            select(messages.c.not_before).where(messages.c.key == f"lead_results:r1:{ANA}")
        )
    assert f"{not_before:%Y-%m-%d %H:%M}" == leads_read_at
    due = (await agenda_of(phase, "show_results"))["r1"]
    assert f"{due:%Y-%m-%d %H:%M}" == team_reads_at


async def test_change_is_stored_from_eight_answers(phase: Database) -> None:
    await close(phase)
    await close(phase, "r2", number=2, counts={"clarity": HIGH})
    await close(phase, "r3", number=3, counts={"clarity": EIGHT_HIGH})

    assert (await figures(phase, "r2"))["clarity"].change is None
    assert (await figures(phase, "r3"))["clarity"].change == 0.0


async def test_round_with_too_few_answers_is_skipped_in_comparisons(phase: Database) -> None:
    eight = {"clarity": EIGHT_HIGH}
    await close(phase, counts=eight)
    await close(phase, "r2", number=2, counts=None)
    await close(phase, "r3", number=3, counts=eight)

    assert (await figures(phase, "r3"))["clarity"].change == 0.0
    queued = await said(phase)
    assert "same as the start" in str(queued[f"lead_results:r3:{ANA}"])


async def test_hint_after_two_low_rounds_goes_to_leads_only(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await close(phase, "r2", number=2)
    await show(services, "r2")

    queued = await said(phase)
    assert "has been low twice in a row" not in str(queued[f"lead_results:r1:{ANA}"])
    assert "has been low twice in a row" in str(queued[f"lead_results:r2:{ANA}"])
    assert "has been low twice in a row" not in str(queued["results:r2"])


async def test_shared_lead_answers_appear_in_the_team_results(
    phase: Database, services: Services
) -> None:
    async with phase.transaction() as tx:
        await a_reflection(tx, "r1", ANA, shared=True, clarity=4, trust=None, ego=2)
    await close(phase)
    await show(services)

    team = str((await said(phase))["results:r1"])
    assert "Ana said 4" in team
    assert "Ana didn't say" in team


async def test_every_lead_gets_all_comments(db: Database) -> None:
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx, leads=(ANA, BEN), members=(CHIARA, *MEMBERS[2:]))
    comments = tuple(f"Comment {n:02} " + "words " * 150 for n in range(14))
    await close(db, comments=comments)

    queued = await said(db)
    for lead in (ANA, BEN):
        texts = str([queued[f"comments:r1:{lead}:{number}"] for number in (1, 2)])
        assert all(f"Comment {n:02}" in texts for n in range(14))
