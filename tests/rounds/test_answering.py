"""Sending, changing and skipping: what is kept, what is shown, and who is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock, random_bytes
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_form import AnswerInput
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, GUEST, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, delivered, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

BEN_HERE = Request(workspace_id=WORKSPACE, user_id=BEN, target_id=ROUND, message=("D0BEN", "1.1"))
ANA_HERE = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND, message=("D0ANA", "1.1"))
GIVEN = AnswerInput(answers={"clarity": 2, "trust": None, "ego": 5}, comment="Fewer goals")


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """An open round; everyone has their message."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.for_member(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND)
        for user_id in (ANA, *MEMBERS):
            await enqueue.post(
                tx,
                WORKSPACE,
                key=MessageKey(f"{'reflect' if user_id == ANA else 'ask'}:{ROUND}:{user_id}"),
                to=user_id,
                content=content("?"),
                now=NOW,
            )
    for user_id in (ANA, *MEMBERS):
        key = f"{'reflect' if user_id == ANA else 'ask'}:{ROUND}:{user_id}"
        await delivered(db, key, (f"D0{user_id[2:]}", "1.1"))
    return db


async def given_by(services: Services, who: Request) -> AnswerInput:
    _, given = await answering.to_change(services, who)
    return given


async def ballots_in(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


async def test_what_is_sent_can_be_changed(asked: Database, services: Services) -> None:
    receipt = await answering.answer(services, BEN_HERE, GIVEN)
    assert await given_by(services, BEN_HERE) == GIVEN

    changed = replace(GIVEN, answers={**GIVEN.answers, "trust": 4}, comment="")
    await answering.answer(services, BEN_HERE, changed)

    assert receipt.text == "Received. You can change your answers until the questions close."
    assert await given_by(services, BEN_HERE) == changed
    assert await ballots_in(asked) == 1


async def test_a_double_submit_changes_nothing(asked: Database, services: Services) -> None:
    for _ in range(2):
        await answering.answer(services, BEN_HERE, GIVEN)

    assert await ballots_in(asked) == 1
    assert await given_by(services, BEN_HERE) == GIVEN


async def test_an_answer_leaves_nothing_readable_and_no_time(
    asked: Database, services: Services
) -> None:
    before = await said(asked)
    await answering.answer(services, BEN_HERE, GIVEN)

    assert await said(asked) == before  # the message pressed in is replaced directly
    assert (await the_round(asked)).answered is None


async def test_outside_its_message_the_receipt_comes_as_an_edit(
    asked: Database, services: Services
) -> None:
    receipt = await answering.answer(services, replace(BEN_HERE, message=None), GIVEN)

    edit = (await said(asked))[f"edit:ask:{ROUND}:{BEN}"]
    assert edit == {"text": receipt.text, "blocks": receipt.blocks}


async def test_a_receipt_slack_did_not_take_is_repaired(
    asked: Database, services: Services
) -> None:
    receipt = await answering.answer(services, BEN_HERE, GIVEN)
    await answering.show(services, BEN_HERE, receipt)

    assert f"edit:ask:{ROUND}:{BEN}" in await said(asked)


async def test_skipping_stops_the_reminder_and_counts_nothing(
    asked: Database, services: Services
) -> None:
    message = await answering.skip(services, BEN_HERE)

    async with asked.transaction() as tx:
        assert await ballots.who_answered(tx, services.keys, WORKSPACE, ROUND, [BEN])
        tally = await ballots.count_and_destroy(tx, services.keys, WORKSPACE, ROUND)
    assert message.text == "Skipped. There will be no reminder."
    assert (tally.ballots, tally.counts) == (0, {})


async def test_skipping_keeps_what_was_sent_before(asked: Database, services: Services) -> None:
    await answering.answer(services, BEN_HERE, GIVEN)
    await answering.skip(services, BEN_HERE)

    assert await given_by(services, BEN_HERE) == GIVEN


async def test_a_lead_reflects_under_their_name(asked: Database, services: Services) -> None:
    given = AnswerInput(answers={"clarity": 4, "trust": 4, "ego": None}, shared=True)
    await answering.answer(services, ANA_HERE, given)

    async with asked.reading() as reader:
        kept = await store.reflection(reader, WORKSPACE, PHASE, ROUND, ANA)
    assert kept == (given.answers, True)
    assert await given_by(services, ANA_HERE) == given
    assert await ballots_in(asked) == 0


async def test_a_lead_who_skips_is_not_reminded(asked: Database, services: Services) -> None:
    async with asked.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject=f"{ROUND}:{ANA}", due_at=NOW)
    await answering.skip(services, ANA_HERE)

    assert await agenda_of(asked, "remind") == {}


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (replace(BEN_HERE, target_id="nosuch"), "these questions are closed"),
        (replace(BEN_HERE, workspace_id="T0OTHER"), "these questions are closed"),
        (replace(BEN_HERE, user_id=GUEST), "not among the people asked"),
        (replace(BEN_HERE, message=("D0CHI", "1.1")), "sent to somebody else"),
        (replace(BEN_HERE, message=("D0ANA", "1.1")), "sent to somebody else"),
    ],
)
async def test_others_are_refused(
    asked: Database, services: Services, who: Request, why: str
) -> None:
    for doing in (
        answering.answer(services, who, GIVEN),
        answering.skip(services, who),
        answering.to_change(services, who),
    ):
        with pytest.raises(Refused, match=why):
            await doing
    assert await ballots_in(asked) == 0


async def test_who_left_the_team_cannot_answer(asked: Database, services: Services) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))

    with pytest.raises(Refused, match="you left the team"):
        await answering.answer(services, BEN_HERE, GIVEN)


async def test_an_answer_after_the_close_is_refused(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.advance(timedelta(days=2))  # the agenda has not come to it yet

    with pytest.raises(Refused, match="these questions are closed"):
        await answering.answer(services, BEN_HERE, GIVEN)


async def test_a_message_that_is_still_being_proven_counts(
    asked: Database, services: Services
) -> None:
    await answering.answer(services, replace(BEN_HERE, message=("D0BEN", "9.9")), GIVEN)

    assert await ballots_in(asked) == 1


async def test_a_comment_that_is_too_long_is_refused_at_its_field(
    asked: Database, services: Services
) -> None:
    with pytest.raises(Refused, match="1001 characters, and 1000 fit") as refused:
        await answering.answer(services, BEN_HERE, replace(GIVEN, comment="x" * 1_001))

    assert list(refused.value.fields) == [f"answer:{ROUND}:comment"]
    assert await ballots_in(asked) == 0


async def test_only_the_questions_that_were_asked_are_kept(
    asked: Database, services: Services
) -> None:
    forged = replace(GIVEN, answers={**GIVEN.answers, "salary": 5})
    await answering.answer(services, BEN_HERE, forged)

    assert await given_by(services, BEN_HERE) == GIVEN


async def test_a_retired_key_is_said_plainly(asked: Database, services: Services) -> None:
    retired = replace(services, keys=KeyRing([random_bytes(32)]))

    for doing in (
        answering.answer(retired, BEN_HERE, GIVEN),
        answering.skip(retired, BEN_HERE),
        answering.to_change(retired, BEN_HERE),
    ):
        with pytest.raises(Refused, match="retired the key"):
            await doing


async def test_home_shows_what_is_open_to_this_person(asked: Database, services: Services) -> None:
    await answering.answer(services, BEN_HERE, GIVEN)

    async with asked.reading() as reader:
        for user_id, answered, to_lead in ((BEN, True, False), (CHIARA, False, False)):
            (one,) = await store.open_for(reader, WORKSPACE, user_id, services.keys, NOW)
            assert (one.is_answered, one.asking.to_lead) == (answered, to_lead)
        (mirror,) = await store.open_for(reader, WORKSPACE, ANA, services.keys, NOW)
        assert mirror.asking.to_lead
        assert await store.open_for(reader, WORKSPACE, GUEST, services.keys, NOW) == ()
        assert await store.open_for(reader, "T0OTHER", BEN, services.keys, NOW) == ()
