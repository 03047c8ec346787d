"""Answers from messages and App Home: accepted messages and times, edits, rescheduling."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, keys
from bot.outbox.keys import MessageKey
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_changes import AnswerInput
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, MEMBERS, WORKSPACE
from tests.rounds.answers import answer, skip
from tests.rounds.evidence import agenda_of, carry_out, delivered, said
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

ANSWERS = AnswerInput(answers={"clarity": 2, "trust": None, "ego": 5}, comment="Fewer goals")
ASKED, REMINDED = ("D0BEN", "1.1"), ("D0BEN", "2.2")
ASK, REMIND = keys.ask(ROUND, BEN), keys.remind(ROUND, BEN)
CLOSES = NOW + timedelta(days=2)
ONE_SECOND = timedelta(seconds=1)


def by_ben(place: tuple[str, str] | None, round_id: str = ROUND) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=BEN, target_id=round_id, message=place)


async def add_delivered_message(
    db: Database, key: MessageKey, to: str, place: tuple[str, str]
) -> None:
    async with db.transaction() as tx:
        await enqueue.post(tx, WORKSPACE, key=key, to=to, content=content("?"), now=NOW)
    await delivered(db, key, place)


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """Ben was asked and reminded in one open round, and asked in another."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        wording = store.as_json(questions.about_leads(["Ana"]))
        await a_round(tx, questions=wording)
        later: dict[str, Any] = {
            "number": 2,
            "closes_at": CLOSES - ONE_SECOND,
            "questions": wording,
        }
        await a_round(tx, round_id="other", **later)
        for round_id in (ROUND, "other"):
            await ballots.create_secret(tx, services.keys, WORKSPACE, round_id, CLOSES)
    await add_delivered_message(db, ASK, BEN, ASKED)
    await add_delivered_message(db, REMIND, BEN, REMINDED)
    await add_delivered_message(db, keys.ask("other", BEN), BEN, ("D0BEN", "3.3"))
    return db


def edits(queued: dict[str, Any]) -> set[str]:
    return {key for key in queued if key.startswith("edit:")}


@pytest.mark.parametrize(
    ("place", "edited"),
    [
        (None, {f"edit:{ASK}", f"edit:{REMIND}"}),
        (ASKED, {f"edit:{ASK}", f"edit:{REMIND}"}),
    ],
)
async def test_receipt_is_edited_into_the_other_messages_of_the_round(
    asked: Database, services: Services, place: tuple[str, str] | None, edited: set[str]
) -> None:
    await answer(services, by_ben(place), ANSWERS)
    assert edits(await said(asked)) == edited


async def test_skip_is_edited_into_all_messages_of_the_round(
    asked: Database, services: Services
) -> None:
    await skip(services, by_ben(None))

    queued = await said(asked)
    assert edits(queued) == {f"edit:{ASK}", f"edit:{REMIND}"}
    assert all("Skipped" in queued[key]["text"] for key in edits(queued))


@pytest.mark.parametrize(
    ("place", "round_id", "is_accepted"),
    [
        (ASKED, ROUND, True),
        (REMINDED, ROUND, True),
        (("D0BEN", "3.3"), ROUND, False),  # the message of another round
        (("D0BEN", "3.3"), "other", True),
        (ASKED, "other", False),
    ],
)
async def test_answer_is_accepted_only_from_a_message_of_its_round(
    asked: Database, services: Services, place: tuple[str, str], round_id: str, is_accepted: bool
) -> None:
    if is_accepted:
        await answer(services, by_ben(place, round_id), ANSWERS)
    else:
        with pytest.raises(Refused, match="sent to somebody else"):
            await answer(services, by_ben(place, round_id), ANSWERS)


@pytest.mark.parametrize(("left", "is_accepted"), [(ONE_SECOND, True), (timedelta(0), False)])
async def test_answers_are_accepted_until_the_second_before_the_close(
    asked: Database, services: Services, clock: AdjustableClock, left: timedelta, is_accepted: bool
) -> None:
    clock.move_to(CLOSES - left)
    async with asked.reading() as reader:
        home = await answering.open_questionnaires_for(
            reader, WORKSPACE, BEN, services.keys, clock.now()
        )
    assert [question.questionnaire.round_id for question in home] == (
        [ROUND] if is_accepted else []
    )
    if is_accepted:
        await answer(services, by_ben(None), ANSWERS)
    else:
        with pytest.raises(Refused, match="These questions are closed"):
            await answer(services, by_ben(None), ANSWERS)


async def test_cancelled_round_refuses_answers_before_its_closing_time(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        await tx.execute(update(schema.rounds).values(state="cancelled"))
    with pytest.raises(Refused, match="These questions are closed"):
        await answer(services, by_ben(None), ANSWERS)


async def test_open_questions_are_sorted_by_closing_time_and_empty_for_leavers(
    asked: Database, services: Services
) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        home = await answering.open_questionnaires_for(tx, WORKSPACE, BEN, services.keys, NOW)
        assert [question.questionnaire.round_id for question in home] == ["other", ROUND]
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))
        assert await answering.open_questionnaires_for(tx, WORKSPACE, BEN, services.keys, NOW) == ()
        assert (
            len(await answering.open_questionnaires_for(tx, WORKSPACE, CHIARA, services.keys, NOW))
            == 2
        )


async def test_second_answer_of_a_lead_replaces_the_first(
    asked: Database, services: Services
) -> None:
    sender = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND)
    await answer(services, sender, AnswerInput(answers={"clarity": 5}, shared=True))
    await answer(services, sender, AnswerInput(answers={"clarity": 1}))

    async with asked.reading() as reader:
        stored = await store.reflection(reader, WORKSPACE, PHASE, ROUND, ANA)
        other = await store.reflection(reader, WORKSPACE, PHASE, "other", ANA)
    assert stored == AnswerInput(answers={"clarity": 1})
    assert other is None


async def test_lead_who_answered_one_round_is_asked_in_another(
    asked: Database, services: Services
) -> None:
    sender = Request(workspace_id=WORKSPACE, user_id=ANA, target_id="other")
    await answer(services, sender, AnswerInput(answers={"clarity": 5}))
    async with asked.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="ask", subject=f"{ROUND}:{ANA}", due_at=NOW)
    await carry_out(services, "ask")

    assert f"reflect:{ROUND}:{ANA}" in await said(asked)


async def test_lead_skip_stops_only_that_leads_question_and_reminder(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        await tx.execute(schema.messages.delete())
        for action in ("ask", "remind"):
            for user_id in (ANA, BEN):
                subject = f"{ROUND}:{user_id}"
                await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=NOW)
    sender = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND)
    await skip(services, sender)

    for action in ("ask", "remind"):
        await carry_out(services, action)
    assert set(await said(asked)) == {ASK}  # its reminder follows a day later
    assert [*await agenda_of(asked, "remind")] == [f"{ROUND}:{BEN}"]


TEN = datetime(2026, 11, 24, 10, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize(
    ("kind", "opened_at", "moved_to"),
    [
        ("weekly", TEN, TEN - timedelta(hours=9)),  # ten in Tokyo
        ("first", TEN - timedelta(hours=1), TEN - timedelta(hours=10)),  # nine there
        ("poll", TEN, None),  # everyone is asked at once
        ("weekly", TEN + timedelta(minutes=1), None),  # opened late: not moved
        ("first", TEN, None),
    ],
)
async def test_zone_change_moves_only_slots_of_rounds_opened_on_schedule(
    asked: Database,
    services: Services,
    clock: AdjustableClock,
    kind: str,
    opened_at: datetime,
    moved_to: datetime | None,
) -> None:
    subject, rounds, people = f"{ROUND}:{BEN}", schema.rounds, schema.people
    clock.move_to(TEN - timedelta(hours=14))
    async with asked.transaction() as tx:
        await tx.execute(schema.messages.delete())
        changed = {"kind": kind, "opened_at": opened_at, "closes_at": TEN + timedelta(days=2)}
        await tx.execute(update(rounds).where(rounds.c.round_id == ROUND).values(**changed))
        await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=TEN)
        zone = update(people).where(people.c.user_id == BEN).values(zone="Asia/Tokyo")
        await tx.execute(zone)
        now = clock.now()
        await schedule.add(tx, WORKSPACE, action="reschedule_for_zone", subject=BEN, due_at=now)
    await carry_out(services, "reschedule_for_zone")

    assert (await agenda_of(asked, "ask"))[subject] == (moved_to or TEN)
    async with asked.reading() as reader:
        slots = select(schema.round_people.c.slot_at).where(
            schema.round_people.c.user_id == BEN, schema.round_people.c.round_id == ROUND
        )
        assert await reader.scalar(slots) == (moved_to or NOW)


async def test_no_reminder_is_planned_less_than_an_hour_before_the_close(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    """A reminder follows a day after the questions, when an hour must be left to answer."""
    subject = f"{ROUND}:{BEN}"
    for left, planned in ((timedelta(hours=25), True), (timedelta(hours=25) - ONE_SECOND, False)):
        clock.move_to(CLOSES - left)
        async with asked.transaction() as tx:
            await tx.execute(schema.messages.delete())
            await tx.execute(schema.agenda.delete())
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=clock.now())
        await carry_out(services, "ask", subject)
        assert ASK in await said(asked)
        assert bool(await agenda_of(asked, "remind")) is planned


async def test_previous_note_is_shown_to_members_but_not_to_leads(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        closed: dict[str, Any] = {
            "number": 0,
            "state": "closed",
            "note": "We drop the importer",
            "shown_at": NOW,
        }
        await a_round(tx, round_id="before", **closed)
        await tx.execute(schema.phase_people.update().values(introduced_in="before"))
        await tx.execute(schema.messages.delete())
        for user_id in (ANA, CHIARA):
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    await carry_out(services, "ask")

    queued = await said(asked)
    assert "We drop the importer" in str(queued[f"ask:{ROUND}:{CHIARA}"])
    assert "We drop the importer" not in str(queued[f"reflect:{ROUND}:{ANA}"])
