"""Closing a round: totals kept, ballots destroyed, and no answer lost or accepted late."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyMissing
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.results.store import comments_of
from bot.rounds import ballots, questions, secure_delete, store
from bot.rounds.answer_authorization import authorize_all
from bot.rounds.answer_changes import AnswerInput
from bot.rounds.lifecycle import KEY_ATTEMPTS
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, HANA, MEMBERS, WORKSPACE, other_keys
from tests.rounds.answers import answer
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round

CLOSES = NOW + timedelta(days=2)
KEYS = ("clarity", "trust", "ego")


@pytest.fixture
async def opened(db: Database, services: Services) -> Database:
    """An open round with a minimum of four answers; everyone was asked; it closes in two days."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, CLOSES)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
        for user_id in (ANA, *MEMBERS):
            key = f"{'reflect' if user_id == ANA else 'ask'}:{ROUND}:{user_id}"
            await enqueue.post(
                tx, WORKSPACE, key=MessageKey(key), to=user_id, content=content("?"), now=NOW
            )
    return db


async def answer_as(
    services: Services, user_id: str, *levels: int | None, comment: str = ""
) -> None:
    sender = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=ROUND)
    given = AnswerInput(answers=dict(zip(KEYS, levels, strict=True)), comment=comment)
    await answer(services, sender, given)


def at_closing_time(services: Services) -> Services:
    return replace(services, clock=AdjustableClock(CLOSES))


#: Shown where everyone answers 2, 4 and 5.
LEVELS = {"clarity": 2, "trust": 4, "ego": 5}


async def close(services: Services) -> None:
    await carry_out(at_closing_time(services), "close_round")


async def remaining_rows(db: Database) -> list[int | None]:
    async with db.reading() as reader:
        return [
            await reader.scalar(select(func.count()).select_from(table)) for table in ballots.TABLES
        ]


async def shown_levels(db: Database) -> dict[str, float]:
    async with db.reading() as reader:
        rows = await reader.execute(
            select(schema.question_levels.c.key, schema.question_levels.c.level)
        )
        return {row.key: row.level for row in rows}


async def stored_comments(services: Services) -> list[str]:
    async with services.db.reading() as reader:
        return sorted(await comments_of(reader, services.keys, WORKSPACE, ROUND))


async def test_enough_answers_keep_totals_and_destroy_ballots(
    opened: Database, services: Services
) -> None:
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    await close(services)

    closed = await the_round(opened)
    assert (closed.state, closed.reached_minimum, closed.participation) == ("closed", True, None)
    assert await shown_levels(opened) == LEVELS
    assert await remaining_rows(opened) == [0, 0]


async def test_minimum_applies_to_each_question_separately(
    opened: Database, services: Services
) -> None:
    for user_id in MEMBERS[:3]:
        await answer_as(services, user_id, 2, 4, 5)
    await answer_as(services, MEMBERS[3], 2, None, None)
    await close(services)

    assert await shown_levels(opened) == {"clarity": 2}


async def test_too_few_answers_store_no_totals_and_no_comments(
    opened: Database, services: Services
) -> None:
    for user_id in MEMBERS[:3]:
        await answer_as(services, user_id, 2, 4, 5, comment="Nobody may read this")
    await answer_as(services, MEMBERS[3], None, None, None, comment="nor this")
    await close(services)

    closed = await the_round(opened)
    assert (closed.state, closed.reached_minimum, closed.participation) == ("closed", False, None)
    assert await shown_levels(opened) == {}
    assert await stored_comments(services) == []
    assert await remaining_rows(opened) == [0, 0]


async def test_minimum_is_not_reached_unless_a_single_question_reaches_it(
    opened: Database, services: Services
) -> None:
    for user_id, levels in zip(
        MEMBERS[:6], [(1, None, None), (None, 2, None), (None, None, 3)] * 2, strict=True
    ):
        await answer_as(services, user_id, *levels)
    await close(services)

    assert (await the_round(opened)).reached_minimum is False
    assert await shown_levels(opened) == {}


@pytest.mark.parametrize(("written", "kept"), [(1, 0), (2, 2), (3, 3)])
async def test_comments_are_kept_only_if_there_are_at_least_two(
    opened: Database, services: Services, written: int, kept: int
) -> None:
    for number, user_id in enumerate(MEMBERS[:5]):
        comment = f"comment {number}" if number < written else ""
        await answer_as(services, user_id, 3, 3, 3, comment=comment)
    await close(services)

    assert len(await stored_comments(services)) == kept


async def test_all_members_get_the_same_closing_edit(opened: Database, services: Services) -> None:
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    await close(services)

    queued = await said(opened)
    edits = [str(queued[f"edit:ask:{ROUND}:{user_id}"]) for user_id in MEMBERS]
    assert len(set(edits)) == 1
    assert "are closed" in edits[0]
    assert "are closed" in queued[f"edit:reflect:{ROUND}:{ANA}"]["text"]


async def test_closing_edits_do_not_reveal_who_answered(
    opened: Database, services: Services
) -> None:
    """The earlier edit, "Received", is removed; a second one would reveal who answered."""
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    await close(services)

    edits = select(schema.messages).where(schema.messages.c.key.startswith(f"edit:ask:{ROUND}:"))
    names = {"message_id", "key", "target_key", "conversation", "workspace_id"}
    async with opened.reading() as reader:
        rows = (await reader.execute(edits)).mappings().all()
    assert len(rows) == len(MEMBERS)
    assert len({str({k: v for k, v in row.items() if k not in names}) for row in rows}) == 1


async def test_closing_cancels_pending_questions_and_reminders(
    opened: Database, services: Services
) -> None:
    async with opened.transaction() as tx:
        for action in ("ask", "remind"):
            subject = f"{ROUND}:{BEN}"
            await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=CLOSES)
    await close(services)

    assert await agenda_of(opened, "ask") == {}
    assert await agenda_of(opened, "remind") == {}


async def test_closing_twice_changes_nothing(opened: Database, services: Services) -> None:
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    await close(services)
    async with opened.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
    await close(services)

    assert (await the_round(opened)).reached_minimum
    assert await shown_levels(opened) == LEVELS


async def test_scrub_is_retried_until_it_succeeds_and_repeated_on_postgresql(
    opened: Database, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(services)
    assert list(await agenda_of(opened, "scrub")) == [ROUND]

    async def failing_vacuum(_: Database) -> None:
        raise RuntimeError("the write-ahead log is being read")

    with monkeypatch.context() as patch:
        patch.setattr(secure_delete, "vacuum", failing_vacuum)
        with pytest.raises(RuntimeError):
            await carry_out(at_closing_time(services), "scrub")
    assert list(await agenda_of(opened, "scrub")) == [ROUND]

    await carry_out(at_closing_time(services), "scrub")
    on_postgresql = opened.engine.dialect.name == "postgresql"
    second_pass = {f"{ROUND}:again": CLOSES + timedelta(hours=6)} if on_postgresql else {}
    assert await agenda_of(opened, "scrub") == second_pass

    later = replace(services, clock=AdjustableClock(CLOSES + timedelta(hours=6)))
    await carry_out(later, "scrub")
    assert await agenda_of(opened, "scrub") == {}


async def test_process_without_the_key_leaves_ballots_for_another_process(
    opened: Database, services: Services
) -> None:
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    with pytest.raises(KeyMissing, match="put it back"):
        await close(replace(services, keys=other_keys()))
    await close(services)

    assert await shown_levels(opened) == LEVELS


async def test_key_missing_for_a_day_closes_the_round_without_results(
    opened: Database, services: Services
) -> None:
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 2, 4, 5)
    async with opened.transaction() as tx:
        await tx.execute(update(schema.agenda).values(attempts=KEY_ATTEMPTS))
    await close(replace(services, keys=other_keys()))

    edit = str((await said(opened))[f"edit:ask:{ROUND}:{BEN}"])
    assert "is missing on the bot's server" in edit
    to_lead = (await said(opened))[f"lead_results:{ROUND}:{ANA}"]
    assert "the answers couldn't be counted" in to_lead["text"]
    assert "is missing on the bot's server" in str(to_lead["blocks"])
    assert (await the_round(opened)).reached_minimum is False
    assert await remaining_rows(opened) == [0, 0]


@pytest.mark.parametrize("answers_first", [True, False])
async def test_answer_racing_the_close_is_counted_or_refused(
    opened: Database, services: Services, answers_first: bool
) -> None:
    for user_id in MEMBERS[:5]:
        await answer_as(services, user_id, 2, 4, 5)

    async def late_answer() -> bool:
        try:
            await answer_as(services, HANA, 1, 1, 1)
        except Refused:
            return False
        return True

    async def closing() -> bool:
        await close(services)
        return False

    both = [late_answer(), closing()] if answers_first else [closing(), late_answer()]
    counted = any(await asyncio.gather(*both))

    assert await shown_levels(opened) == (
        {"clarity": 2, "trust": 3.5, "ego": 4.5} if counted else LEVELS
    )
    assert await remaining_rows(opened) == [0, 0]


# SQLite has one writer at a time, so BEGIN IMMEDIATE already ensures this.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_close_waits_for_an_answer_in_progress(opened: Database, services: Services) -> None:
    """Two people's answers share the lock on the round's row, which the close cannot take then.

    Two answers of one person wait for each other.
    """
    request = Request(workspace_id=WORKSPACE, user_id=BEN, target_id=ROUND)
    async with opened.transaction() as answer:
        await authorize_all(answer, [request], NOW, to_write=True)
        async with opened.transaction() as another_answer:
            theirs = replace(request, user_id=CHIARA)
            await authorize_all(another_answer, [theirs], NOW, to_write=True)
        async with opened.transaction() as same_person:
            await same_person.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                await authorize_all(same_person, [request], NOW, to_write=True)
        async with opened.transaction() as closing:
            await closing.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                await store.round_to_close(closing, WORKSPACE, ROUND)
