"""Where and until when somebody may press, which messages change then, and who moves along."""

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
from bot.rounds.answer_form import AnswerInput
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, delivered, said
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

GIVEN = AnswerInput(answers={"clarity": 2, "trust": None, "ego": 5}, comment="Fewer goals")
ASKED, REMINDED = ("D0BEN", "1.1"), ("D0BEN", "2.2")
ASK, REMIND = keys.ask(ROUND, BEN), keys.remind(ROUND, BEN)
CLOSES = NOW + timedelta(days=2)
MOMENT = timedelta(seconds=1)


def ben(place: tuple[str, str] | None, round_id: str = ROUND) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=BEN, target_id=round_id, message=place)


async def a_message(db: Database, key: MessageKey, to: str, place: tuple[str, str]) -> None:
    async with db.transaction() as tx:
        await enqueue.post(tx, WORKSPACE, key=key, to=to, content=content("?"), now=NOW)
    await delivered(db, key, place)


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """Ben was asked and reminded; another round of his is open as well, since last week."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        wording = store.as_json(questions.for_member(["Ana"]))
        await a_round(tx, questions=wording)
        later: dict[str, Any] = {"number": 2, "closes_at": CLOSES - MOMENT, "questions": wording}
        await a_round(tx, round_id="other", **later)
        for round_id in (ROUND, "other"):
            await ballots.create_secret(tx, services.keys, WORKSPACE, round_id)
    await a_message(db, ASK, BEN, ASKED)
    await a_message(db, REMIND, BEN, REMINDED)
    await a_message(db, keys.ask("other", BEN), BEN, ("D0BEN", "3.3"))
    return db


def edits(told: dict[str, Any]) -> set[str]:
    return {key for key in told if key.startswith("edit:")}


@pytest.mark.parametrize(
    ("place", "edited"),
    [
        (None, {f"edit:{ASK}", f"edit:{REMIND}"}),
        (ASKED, {f"edit:{REMIND}"}),  # what was pressed in is replaced directly
    ],
)
async def test_every_other_message_about_the_round_says_that_it_was_received(
    asked: Database, services: Services, place: tuple[str, str] | None, edited: set[str]
) -> None:
    await answering.answer(services, ben(place), GIVEN)
    assert edits(await said(asked)) == edited


async def test_skipping_edits_nothing(asked: Database, services: Services) -> None:
    await answering.skip(services, ben(None))
    assert edits(await said(asked)) == set()


@pytest.mark.parametrize(
    ("place", "round_id", "may"),
    [
        (ASKED, ROUND, True),
        (REMINDED, ROUND, True),
        (("D0BEN", "3.3"), ROUND, False),  # the message of another round
        (("D0BEN", "3.3"), "other", True),
        (ASKED, "other", False),
    ],
)
async def test_a_message_is_pressed_in_for_its_own_round(
    asked: Database, services: Services, place: tuple[str, str], round_id: str, may: bool
) -> None:
    if may:
        await answering.answer(services, ben(place, round_id), GIVEN)
    else:
        with pytest.raises(Refused, match="sent to somebody else"):
            await answering.answer(services, ben(place, round_id), GIVEN)


@pytest.mark.parametrize(("left", "may"), [(MOMENT, True), (timedelta(0), False)])
async def test_answers_are_taken_until_the_second_of_the_close(
    asked: Database, services: Services, clock: AdjustableClock, left: timedelta, may: bool
) -> None:
    clock.move_to(CLOSES - left)
    async with asked.reading() as reader:
        home = await store.open_for(reader, WORKSPACE, BEN, services.keys, clock.now())
    assert [one.asking.round_id for one in home] == ([ROUND] if may else [])
    if may:
        await answering.answer(services, ben(None), GIVEN)
    else:
        with pytest.raises(Refused, match="these questions are closed"):
            await answering.answer(services, ben(None), GIVEN)


async def test_a_round_that_is_not_open_takes_nothing_whatever_its_time(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        await tx.execute(update(schema.rounds).values(state="cancelled"))
    with pytest.raises(Refused, match="these questions are closed"):
        await answering.answer(services, ben(None), GIVEN)


async def test_home_has_what_closes_first_in_front_and_nothing_for_who_left(
    asked: Database, services: Services
) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        home = await store.open_for(tx, WORKSPACE, BEN, services.keys, NOW)
        assert [one.asking.round_id for one in home] == ["other", ROUND]
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))
        assert await store.open_for(tx, WORKSPACE, BEN, services.keys, NOW) == ()
        assert len(await store.open_for(tx, WORKSPACE, CHIARA, services.keys, NOW)) == 2


async def test_a_lead_who_answers_twice_has_the_last_word(
    asked: Database, services: Services
) -> None:
    who = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND)
    await answering.answer(services, who, AnswerInput(answers={"clarity": 5}, shared=True))
    await answering.answer(services, who, AnswerInput(answers={"clarity": 1}))

    async with asked.reading() as reader:
        kept = await store.reflection(reader, WORKSPACE, PHASE, ROUND, ANA)
        other = await store.reflection(reader, WORKSPACE, PHASE, "other", ANA)
    assert kept == ({"clarity": 1, "trust": None, "ego": None}, False)
    assert other is None


async def test_a_lead_who_answered_one_round_is_asked_in_the_next(
    asked: Database, services: Services
) -> None:
    who = Request(workspace_id=WORKSPACE, user_id=ANA, target_id="other")
    await answering.answer(services, who, AnswerInput(answers={"clarity": 5}))
    async with asked.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="ask", subject=f"{ROUND}:{ANA}", due_at=NOW)
    await carry_out(services, "ask")

    assert f"reflect:{ROUND}:{ANA}" in await said(asked)


async def test_a_lead_who_skips_is_asked_no_more_and_others_are(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        for action in ("ask", "remind"):
            for user_id in (ANA, BEN):
                subject = f"{ROUND}:{user_id}"
                await schedule.add(tx, WORKSPACE, action=action, subject=subject, due_at=NOW)
    who = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND)
    await answering.skip(services, who)

    for action in ("ask", "remind"):
        assert list(await agenda_of(asked, action)) == [f"{ROUND}:{BEN}"]


TEN = datetime(2026, 11, 24, 10, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize(
    ("kind", "opened_at", "moved_to"),
    [
        ("weekly", TEN, TEN - timedelta(hours=9)),  # ten in Tokyo
        ("first", TEN - timedelta(hours=1), TEN - timedelta(hours=10)),  # nine there
        ("poll", TEN, None),  # everybody at once
        ("weekly", TEN + timedelta(minutes=1), None),  # late: everybody as soon as welcome
        ("first", TEN, None),
    ],
)
async def test_only_planned_times_move_along_with_a_person(
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
        facts = {"kind": kind, "opened_at": opened_at, "closes_at": TEN + timedelta(days=2)}
        await tx.execute(update(rounds).where(rounds.c.round_id == ROUND).values(**facts))
        await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=TEN)
        zone = update(people).where(people.c.user_id == BEN).values(zone="Asia/Tokyo")
        await tx.execute(zone)
        now = clock.now()
        await schedule.add(tx, WORKSPACE, action="follow_zone", subject=BEN, due_at=now)
    await carry_out(services, "follow_zone")

    assert (await agenda_of(asked, "ask"))[subject] == (moved_to or TEN)
    async with asked.reading() as reader:
        slots = select(schema.round_people.c.slot_at).where(
            schema.round_people.c.user_id == BEN, schema.round_people.c.round_id == ROUND
        )
        assert await reader.scalar(slots) == (moved_to or NOW)


async def test_the_reminder_is_left_out_where_it_could_not_be_answered(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    """Asked a day and less than an hour before the close: by then it is over."""
    subject = f"{ROUND}:{BEN}"
    for left, planned in ((timedelta(hours=25), True), (timedelta(hours=25) - MOMENT, False)):
        clock.move_to(CLOSES - left)
        async with asked.transaction() as tx:
            await tx.execute(schema.messages.delete())
            await tx.execute(schema.agenda.delete())
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=clock.now())
        await carry_out(services, "ask", subject)
        assert ASK in await said(asked)
        assert bool(await agenda_of(asked, "remind")) is planned


async def test_the_lead_is_never_shown_the_note_they_wrote_and_members_are(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        heard: dict[str, Any] = {
            "number": 0,
            "state": "closed",
            "note": "We drop the importer",
            "shown_at": NOW,
        }
        await a_round(tx, round_id="before", **heard)
        await tx.execute(schema.messages.delete())
        for user_id in (ANA, CHIARA):
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    await carry_out(services, "ask")

    told = await said(asked)
    assert "We drop the importer" in str(told[f"ask:{ROUND}:{CHIARA}"])
    assert "We drop the importer" not in str(told[f"reflect:{ROUND}:{ANA}"])
