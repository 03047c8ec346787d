"""Reminders that must not come, to people who have had the questions in Slack for a day.

Without a delivered question a reminder is put off anyway, so each case here delivers it first.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.phases.opt_outs import opt_out
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_changes import NOTHING_YET, AnswerInput
from bot.services import Services
from bot.slack.request import Request
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, WORKSPACE, other_keys
from tests.rounds import answers
from tests.rounds.evidence import agenda_of, carry_out, delivered, said
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round

ASKED = {ANA: f"reflect:{ROUND}:{ANA}", BEN: f"ask:{ROUND}:{BEN}"}
DAY = timedelta(days=1)


@pytest.fixture
async def opened(db: Database, services: Services) -> Database:
    """An open round whose questions to Ana, the lead, and to Ben are due."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
        for user_id in ASKED:
            subject = f"{ROUND}:{user_id}"
            await schedule.add(tx, WORKSPACE, action="ask", subject=subject, due_at=NOW)
    return db


async def asked(services: Services) -> None:
    await carry_out(services, "ask")
    for number, key in enumerate(ASKED.values()):
        await delivered(services.db, key, (f"D{number}", "1.1"))


async def reminded(services: Services, clock: AdjustableClock) -> set[str]:
    """Let a day pass; return who is reminded. Nobody's reminder is put off."""
    clock.advance(DAY)
    await carry_out(services, "remind")
    assert await agenda_of(services.db, "remind") == {}
    told = await said(services.db)
    return {user_id for user_id in ASKED if f"remind:{ROUND}:{user_id}" in told}


def by(user_id: str, target_id: str = ROUND) -> Request:
    return Request(workspace_id=WORKSPACE, user_id=user_id, target_id=target_id)


async def answer(services: Services, user_id: str) -> None:
    await answers.answer(services, by(user_id), AnswerInput(answers={"clarity": 3}))


async def skip(services: Services, user_id: str) -> None:
    await answers.skip(services, by(user_id))


async def opt_out_of_channel(services: Services, user_id: str) -> None:
    await opt_out(services, WORKSPACE, LAUNCH, user_id)


async def leave(services: Services, user_id: str) -> None:
    people = schema.phase_people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(left_at=NOW))


async def be_deactivated(services: Services, user_id: str) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(is_deleted=True))


async def test_only_the_member_is_reminded_who_did_nothing(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    await asked(services)

    assert await reminded(services, clock) == {BEN}


@pytest.mark.parametrize("do", [answer, skip, opt_out_of_channel, leave, be_deactivated])
async def test_nobody_is_reminded_who_answered_skipped_or_is_gone(
    opened: Database,
    services: Services,
    clock: AdjustableClock,
    do: Callable[[Services, str], Awaitable[None]],
) -> None:
    await asked(services)
    await do(services, BEN)

    assert await reminded(services, clock) == set()


async def test_while_the_key_is_missing_only_leads_are_asked(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    """Who of the members answered cannot be known then, and nobody is bothered for nothing."""
    without_key = replace(services, keys=other_keys())
    await carry_out(without_key, "ask")
    assert set(await said(opened)) == {ASKED[ANA]}
    await delivered(opened, ASKED[ANA], ("D0", "1.1"))

    assert await reminded(without_key, clock) == set()


async def test_members_asked_before_the_key_was_missing_are_not_reminded(
    opened: Database, services: Services, clock: AdjustableClock
) -> None:
    await asked(services)
    await answer(services, ANA)

    assert await reminded(replace(services, keys=other_keys()), clock) == set()


async def test_home_shows_a_question_as_unanswered_while_the_key_is_missing(
    opened: Database, services: Services
) -> None:
    keys = other_keys()
    async with opened.reading() as reader:
        for user_id in (BEN, ANA):
            (question,) = await answering.open_questionnaires_for(
                reader, WORKSPACE, user_id, keys, NOW
            )
            assert question.progress == NOTHING_YET
