"""Sending, changing and skipping answers: stored data, receipts and refusals."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_changes import AnswerInput, CommentInput, SharingInput, Tap
from bot.services import Services
from bot.slack.content import content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, GUEST, MEMBERS, WORKSPACE, other_keys
from tests.rounds.answers import answer, skip
from tests.rounds.evidence import carry_out, delivered, said
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

BY_BEN = Request(workspace_id=WORKSPACE, user_id=BEN, target_id=ROUND, message=("D0BEN", "1.1"))
BY_ANA = Request(workspace_id=WORKSPACE, user_id=ANA, target_id=ROUND, message=("D0ANA", "1.1"))
ANSWERS = AnswerInput(answers={"clarity": 2, "trust": None, "ego": 5}, comment="Fewer goals")


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """An open round whose questions were delivered to everyone."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
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


async def stored_answers(services: Services, request: Request) -> AnswerInput:
    _, answers = await answering.questionnaire_to_change(services, request)
    return answers


async def edits_of(db: Database) -> list[Any]:
    """Return the rows of all queued edits."""
    messages = schema.messages
    async with db.reading() as reader:
        return list(await reader.execute(select(messages).where(messages.c.operation == "update")))


async def count_ballots(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


async def test_answers_can_be_changed(asked: Database, services: Services) -> None:
    receipt = await answer(services, BY_BEN, ANSWERS)
    assert await stored_answers(services, BY_BEN) == ANSWERS

    changed = replace(ANSWERS, answers={**ANSWERS.answers, "trust": 4}, comment="")
    await answer(services, BY_BEN, changed)

    assert (
        receipt.text == "Thanks, that's it. You can change your answers until the questions close."
    )
    assert await stored_answers(services, BY_BEN) == changed
    assert await count_ballots(asked) == 1


async def test_double_submit_stores_one_ballot(asked: Database, services: Services) -> None:
    for _ in range(2):
        await answer(services, BY_BEN, ANSWERS)

    assert await count_ballots(asked) == 1
    assert await stored_answers(services, BY_BEN) == ANSWERS


async def test_taps_queue_one_edit_once_their_direct_replacements_have_ended(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    for key in ("clarity", "trust", "ego"):
        last = await answering.change(services, BY_BEN, Tap(key=key, level=4))
        clock.advance(timedelta(seconds=1))

    (edit,) = await edits_of(asked)
    assert (edit.key, edit.not_before) == (f"edit:ask:{ROUND}:{BEN}", NOW + timedelta(seconds=6))
    assert edit.payload == last.content.payload


async def test_edit_that_waits_for_a_replacement_is_not_made_earlier(
    asked: Database, services: Services
) -> None:
    await answering.change(services, BY_BEN, Tap(key="ego", level=4))
    await answer(services, replace(BY_BEN, message=None), ANSWERS)

    (edit,) = await edits_of(asked)
    assert edit.not_before == NOW + answering.EDIT_AFTER


async def test_tap_keeps_the_other_answers_and_the_comment(
    asked: Database, services: Services
) -> None:
    await answer(services, BY_BEN, ANSWERS)
    await answering.change(services, BY_BEN, Tap(key="trust", level=1))
    await answering.change(services, BY_BEN, CommentInput(comment="More time"))

    assert await stored_answers(services, BY_BEN) == AnswerInput(
        answers={**ANSWERS.answers, "trust": 1}, comment="More time"
    )


async def test_tap_on_a_question_that_was_not_asked_is_refused(
    asked: Database, services: Services
) -> None:
    with pytest.raises(Refused, match="I don't know this button"):
        await answering.change(services, BY_BEN, Tap(key="salary", level=5))

    assert await count_ballots(asked) == 0


async def test_answer_outside_the_message_edits_it_into_the_receipt(
    asked: Database, services: Services
) -> None:
    receipt = await answer(services, replace(BY_BEN, message=None), ANSWERS)

    edit = (await said(asked))[f"edit:ask:{ROUND}:{BEN}"]
    assert edit == {"text": receipt.text, "blocks": receipt.blocks}


async def test_redraw_queues_what_is_stored_once_more(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    receipt = await answer(services, BY_BEN, ANSWERS)
    clock.advance(timedelta(seconds=2))
    await answering.redraw(services, BY_BEN)

    (edit,) = await edits_of(asked)
    assert edit.payload == receipt.payload
    assert edit.not_before == clock.now() + answering.EDIT_AFTER


async def test_redraw_of_a_closed_round_queues_that_it_is_closed(
    asked: Database, services: Services
) -> None:
    closed: dict[str, Any] = {"state": "closed", "reached_minimum": False, "unreadable": False}
    async with asked.transaction() as tx:
        await tx.execute(update(schema.rounds).values(**closed))
    await answering.redraw(services, BY_BEN)

    (edit,) = await edits_of(asked)
    assert "are closed" in edit.payload["text"]


async def test_skip_counts_as_a_response_but_not_as_a_ballot(
    asked: Database, services: Services
) -> None:
    message = await skip(services, BY_BEN)

    async with asked.transaction() as tx:
        assert await ballots.who_responded(tx, services.keys, WORKSPACE, ROUND, [BEN])
        tally = await ballots.count_and_destroy(tx, services.keys, WORKSPACE, ROUND)
    assert message.text == "Skipped. There will be no reminder."
    assert (tally.ballots, tally.counts) == (0, {})


async def test_skip_keeps_earlier_answers(asked: Database, services: Services) -> None:
    await answer(services, BY_BEN, ANSWERS)
    await skip(services, BY_BEN)

    assert await stored_answers(services, BY_BEN) == replace(ANSWERS, is_skipped=True)


async def test_lead_answers_are_stored_by_name_without_a_ballot(
    asked: Database, services: Services
) -> None:
    reflection = AnswerInput(answers={"clarity": 4, "trust": 4, "ego": None}, shared=True)
    await answer(services, BY_ANA, reflection)

    async with asked.reading() as reader:
        stored = await store.reflection(reader, WORKSPACE, PHASE, ROUND, ANA)
    assert stored == reflection
    assert await stored_answers(services, BY_ANA) == reflection
    assert await count_ballots(asked) == 0


async def test_lead_who_skipped_is_not_reminded(asked: Database, services: Services) -> None:
    async with asked.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject=f"{ROUND}:{ANA}", due_at=NOW)
    await skip(services, BY_ANA)
    await carry_out(services, "remind")

    assert f"remind:{ROUND}:{ANA}" not in await said(asked)


@pytest.mark.parametrize(("kind", "shared"), [("results_sprint", False), ("trust_building", True)])
async def test_lead_answers_are_shown_to_the_team_by_default_in_trust_building_only(
    asked: Database, services: Services, kind: str, shared: bool
) -> None:
    async with asked.transaction() as tx:
        await tx.execute(update(schema.phases).values(kind=kind))
    await answering.change(services, BY_ANA, Tap(key="ego", level=4))
    assert (await stored_answers(services, BY_ANA)).shared is shared

    await answering.change(services, BY_ANA, SharingInput(shared=not shared))
    await answering.change(services, BY_ANA, Tap(key="trust", level=4))
    assert (await stored_answers(services, BY_ANA)).shared is not shared


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        (replace(BY_BEN, target_id="nosuch"), "These questions are closed"),
        (replace(BY_BEN, workspace_id="T0OTHER"), "These questions are closed"),
        (replace(BY_BEN, user_id=GUEST), "weren't asked this time"),
        (replace(BY_BEN, message=("D0CHI", "1.1")), "sent to somebody else"),
        (replace(BY_BEN, message=("D0ANA", "1.1")), "sent to somebody else"),
    ],
)
async def test_answer_for_wrong_round_person_or_message_is_refused(
    asked: Database, services: Services, sender: Request, reason: str
) -> None:
    for attempt in (
        answer(services, sender, ANSWERS),
        skip(services, sender),
        answering.questionnaire_to_change(services, sender),
    ):
        with pytest.raises(Refused, match=reason):
            await attempt
    assert await count_ballots(asked) == 0


async def test_departed_member_cannot_answer(asked: Database, services: Services) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))

    with pytest.raises(Refused, match="left this phase's team"):
        await answer(services, BY_BEN, ANSWERS)


async def test_answer_after_closing_time_is_refused(
    asked: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.advance(timedelta(days=2))  # the due close_round item has not run yet

    with pytest.raises(Refused, match="These questions are closed"):
        await answer(services, BY_BEN, ANSWERS)


async def test_answer_from_an_unconfirmed_message_is_accepted(
    asked: Database, services: Services
) -> None:
    await answer(services, replace(BY_BEN, message=("D0BEN", "9.9")), ANSWERS)

    assert await count_ballots(asked) == 1


async def test_overlong_comment_is_refused_on_its_field(
    asked: Database, services: Services
) -> None:
    with pytest.raises(Refused, match="1,001 characters, but only 1,000 fit") as refused:
        await answer(services, BY_BEN, replace(ANSWERS, comment="x" * 1_001))

    assert list(refused.value.fields) == [f"answer:{ROUND}:comment"]
    assert await count_ballots(asked) == 0


async def test_answers_to_unasked_questions_are_dropped(
    asked: Database, services: Services
) -> None:
    forged = replace(ANSWERS, answers={**ANSWERS.answers, "salary": 5})
    await answer(services, BY_BEN, forged)

    assert await stored_answers(services, BY_BEN) == ANSWERS


async def test_retired_key_refuses_answer_skip_and_change(
    asked: Database, services: Services
) -> None:
    keyless = replace(services, keys=other_keys())

    for attempt in (
        answer(keyless, BY_BEN, ANSWERS),
        skip(keyless, BY_BEN),
        answering.questionnaire_to_change(keyless, BY_BEN),
    ):
        with pytest.raises(Refused, match="is missing on the bot's server"):
            await attempt


async def test_open_for_returns_each_persons_open_questions(
    asked: Database, services: Services
) -> None:
    await answer(services, BY_BEN, ANSWERS)

    async with asked.reading() as reader:
        for user_id, answered, to_lead in ((BEN, True, False), (CHIARA, False, False)):
            (question,) = await answering.open_questionnaires_for(
                reader, WORKSPACE, user_id, services.keys, NOW
            )
            assert (bool(question.progress.answered), question.questionnaire.to_lead) == (
                answered,
                to_lead,
            )
        (to_lead_question,) = await answering.open_questionnaires_for(
            reader, WORKSPACE, ANA, services.keys, NOW
        )
        assert to_lead_question.questionnaire.to_lead
        assert (
            await answering.open_questionnaires_for(reader, WORKSPACE, GUEST, services.keys, NOW)
            == ()
        )
        assert (
            await answering.open_questionnaires_for(reader, "T0OTHER", BEN, services.keys, NOW)
            == ()
        )


@pytest.mark.parametrize("changed", [{"is_guest": True}, {"team_id": "T0OTHER"}])
async def test_person_who_became_an_outsider_after_opening_cannot_answer(
    asked: Database, services: Services, changed: dict[str, object]
) -> None:
    async with asked.transaction() as tx:
        people = schema.people
        await tx.execute(update(people).where(people.c.user_id == BEN).values(**changed))

    for attempt in (
        answer(services, BY_BEN, ANSWERS),
        skip(services, BY_BEN),
        answering.questionnaire_to_change(services, BY_BEN),
    ):
        with pytest.raises(Refused, match="Only full members"):
            await attempt
    assert await count_ballots(asked) == 0
    async with asked.reading() as reader:
        home = await answering.open_questionnaires_for(reader, WORKSPACE, BEN, services.keys, NOW)
    assert home == ()
