"""Data a closed round passes to the results: leads' answers, comments, and totals."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, keys
from bot.outbox.enqueue import State
from bot.results.store import comments_of
from bot.rounds import ballots, questions, store
from bot.rounds.answer_changes import AnswerInput
from bot.rounds.messages import COMMENT_LIMIT
from bot.services import Services
from bot.slack.content import content
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, MEMBERS, WORKSPACE
from tests.results.steps import show
from tests.rounds.answers import answer, skip
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round
from tests.rounds.test_opening import open_first

CLOSES = NOW + timedelta(days=2)
KEYS = ("clarity", "trust", "ego")


@pytest.fixture
async def opened(db: Database, services: Services) -> Database:
    """An open round with a minimum of four answers, closing in two days; nobody was asked yet."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, CLOSES)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
    return db


async def answer_as(
    services: Services, user_id: str, *levels: int | None, comment: str = "", round_id: str = ROUND
) -> None:
    sender = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=round_id)
    given = AnswerInput(answers=dict(zip(KEYS, levels, strict=True)), comment=comment)
    await answer(services, sender, given)


async def store_start_reflections(db: Database, *leads: str, shared: bool = True) -> None:
    """Store the leads' answers as the start form does."""
    row = {"workspace_id": WORKSPACE, "phase_id": PHASE, "moment": "start", "shared": shared}
    levels = {"clarity": 2, "trust": 4, "ego": None}
    async with db.transaction() as tx:
        for user_id in leads:
            row |= {"user_id": user_id, "answers": levels}
            await tx.execute(insert(schema.reflections).values(**row))


async def queue_questions(db: Database, state: State | None, recipients: Iterable[str]) -> None:
    """Queue the questions to these people, all in this state; with None, queue nothing."""
    messages = schema.messages
    if state is None:
        return
    async with db.transaction() as tx:
        for user_id in recipients:
            key = (keys.reflect if user_id == ANA else keys.ask)(ROUND, user_id)
            await enqueue.post(tx, WORKSPACE, key=key, to=user_id, content=content("?"), now=NOW)
        await tx.execute(update(messages).values(state=state))


async def rows_of(db: Database, table: Any) -> list[Any]:
    async with db.reading() as reader:
        return list((await reader.execute(select(table))).all())


async def close(services: Services, clock: AdjustableClock, round_id: str = ROUND) -> None:
    clock.move_to((await agenda_of(services.db, "close_round"))[round_id])
    await carry_out(services, "close_round", round_id)


@pytest.mark.parametrize("shared", [True, False])
async def test_lead_answers_from_the_start_form_appear_in_the_first_results(
    phase: Database, services: Services, clock: AdjustableClock, shared: bool
) -> None:
    await store_start_reflections(phase, ANA, shared=shared)
    await open_first(services, clock)
    round_id = (await the_round(phase)).round_id
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 4, 4, 4, round_id=round_id)
    await close(services, clock, round_id)

    to_lead = str((await said(phase))[f"lead_results:{round_id}:{ANA}"])
    private = "Clear and doable: you said 2; your team said 4." in to_lead
    assert private is not shared
    assert ("Ana said 2" in to_lead) is shared
    assert "Room for mistakes: you said" not in to_lead
    assert "Clarity: you rate it lower than your team does (2, 4)." in to_lead

    clock.move_to((await agenda_of(phase, "show_results"))[round_id])
    await show(services, round_id, clock.now())
    team = str((await said(phase))[f"results:{round_id}"])
    assert ("Ana said 2" in team) is shared
    assert ("Ana didn't say" in team) is shared


async def test_only_the_first_round_copies_each_leads_start_answers(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    people = schema.phase_people
    async with phase.transaction() as tx:
        await tx.execute(
            update(people).where(people.c.user_id.in_([BEN, CHIARA])).values(role="lead")
        )
    await store_start_reflections(phase, ANA, BEN)
    await open_first(services, clock)
    first = (await the_round(phase)).round_id
    weekly = f"{PHASE}:weekly:2026-12-01"
    clock.move_to((await agenda_of(phase, "open_round"))[weekly])
    await carry_out(services, "open_round", weekly)

    stored = {(row.moment, row.user_id) for row in await rows_of(phase, schema.reflections)}
    assert stored == {("start", ANA), ("start", BEN), (first, ANA), (first, BEN)}
    assert sorted(row.number for row in await rows_of(phase, schema.rounds)) == [1, 2]


@pytest.mark.parametrize(
    ("state", "recipients", "outcome"),
    [
        (State.HELD, (BEN,), "closed"),
        (State.SENT, (BEN,), "closed"),
        (State.SENDING, (BEN,), "closed"),
        (State.UNKNOWN, (BEN,), "closed"),
        (State.PENDING, MEMBERS, "cancelled"),
        (State.FAILED, MEMBERS, "cancelled"),
        (State.EXPIRED, MEMBERS, "cancelled"),
        (State.SENT, (ANA,), "cancelled"),  # only a lead was asked
        (None, (), "cancelled"),
    ],
)
async def test_round_is_cancelled_only_if_no_member_can_have_received_questions(
    opened: Database,
    services: Services,
    clock: AdjustableClock,
    state: State | None,
    recipients: tuple[str, ...],
    outcome: str,
) -> None:
    await queue_questions(opened, state, recipients)
    await close(services, clock)

    assert (await the_round(opened)).state == outcome
    assert bool(await agenda_of(opened, "show_results")) is (outcome == "closed")
    for table in ballots.TABLES:
        assert await rows_of(opened, table) == []


async def test_cancelled_round_drops_its_pending_questions_and_reminders(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    async with opened.transaction() as tx:
        for action in ("ask", "remind"):
            later = CLOSES + timedelta(days=1)
            for round_id in (ROUND, "another"):
                subject = f"{round_id}:{BEN}"
                await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=later)
    await close(services, clock)

    for action in ("ask", "remind"):
        assert list(await agenda_of(opened, action)) == [f"another:{BEN}"]


async def test_round_answered_only_in_app_home_is_closed_not_cancelled(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """No message was sent, but there is an answer to count."""
    await answer_as(services, BEN, 3, 3, 3)
    await close(services, clock)

    assert (await the_round(opened)).state == "closed"


@pytest.mark.parametrize("length", [COMMENT_LIMIT, COMMENT_LIMIT - 1])
async def test_comment_up_to_the_limit_is_stored_whole(
    opened: Database, services: Services, clock: AdjustableClock, length: int
) -> None:
    comment = "👩" * length
    for user_id in MEMBERS[:4]:
        await answer_as(services, user_id, 3, 3, 3, comment=comment)
    await close(services, clock)

    assert COMMENT_LIMIT == 1_000
    async with opened.reading() as reader:
        assert await comments_of(reader, services.keys, WORKSPACE, ROUND) == (comment,) * 4


async def test_comments_are_stored_in_shuffled_order(
    opened: Database, services: Services, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reverse_sorted(texts: Iterable[str]) -> list[str]:
        return sorted(texts, reverse=True)

    monkeypatch.setattr(ballots, "shuffled", reverse_sorted)
    for number, user_id in enumerate(MEMBERS[:4]):
        await answer_as(services, user_id, 3, 3, 3, comment=f"comment {number}")
    await close(services, clock)

    async with opened.reading() as reader:
        stored = await comments_of(reader, services.keys, WORKSPACE, ROUND)
    assert stored == tuple(f"comment {number}" for number in (3, 2, 1, 0))


@pytest.mark.parametrize(("answered", "stored"), [(3, 0), (4, 4)])
async def test_comments_are_kept_only_if_the_minimum_is_reached(
    opened: Database, services: Services, clock: AdjustableClock, answered: int, stored: int
) -> None:
    for user_id in MEMBERS[:answered]:
        await answer_as(services, user_id, 3, 3, 3, comment="Too close to home")
    await close(services, clock)

    assert len(await rows_of(opened, schema.round_comments)) == stored


async def test_questions_are_counted_separately_and_stored_from_their_minimum(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """Five people answered: all of them clarity, four trust, three ego."""
    given = [(5, 1, 3), (5, 1, 3), (5, 1, 3), (1, 5, None), (1, None, None)]
    for user_id, levels in zip(MEMBERS, given, strict=False):
        await answer_as(services, user_id, *levels)
    await close(services, clock)

    stored = {row.key: row for row in await rows_of(opened, schema.question_levels)}
    assert {key: level.level for key, level in stored.items()} == {"clarity": 3.5, "trust": 2.0}


async def test_skips_and_comment_only_ballots_do_not_count_as_answered(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    for user_id in MEMBERS[:3]:
        await answer_as(services, user_id, 3, 3, 3)
    await answer_as(services, MEMBERS[4], None, None, None, comment="Only words")
    sender = Request(workspace_id=WORKSPACE, user_id=MEMBERS[5], target_id=ROUND)
    await skip(services, sender)
    await close(services, clock)

    assert (await the_round(opened)).reached_minimum is False
