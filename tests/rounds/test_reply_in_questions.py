"""The lead's note on the results read last: with the questions to members, not with the lead's."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.db import schema
from bot.db.engine import Database
from bot.rounds import ballots, questions, store
from bot.services import Services
from tests.harness import ANA, BEN, MEMBERS, WORKSPACE
from tests.rounds.evidence import carry_out, said
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round

BEFORE_LAST = "When plans move, I will say so."
LAST = "When it is late, I will ask first."
NOT_SHOWN_YET = "Nothing changes this week."


@pytest.fixture
async def replied(db: Database, services: Services) -> Database:
    """An open round, due to Ana and Ben, after two rounds that were shown and one that was not."""
    notes = ((BEFORE_LAST, NOW), (LAST, NOW), (NOT_SHOWN_YET, None))
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        for number, (note, shown_at) in enumerate(notes, start=1):
            await a_round(
                tx,
                round_id=f"closed{number}",
                number=number,
                state="closed",
                note=note,
                shown_at=shown_at,
            )
        await a_round(tx, number=4, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, NOW + timedelta(days=2))
        people = schema.phase_people  # their first questions have other news
        await tx.execute(update(people).values(introduced_in="closed1"))
        due = {f"{ROUND}:{user_id}": NOW for user_id in (ANA, BEN)}
        await schedule.add_all(tx, WORKSPACE, action="ask", due=due)
    return db


async def test_member_reads_the_note_on_the_results_shown_last(
    replied: Database, services: Services
) -> None:
    await carry_out(services, "ask", f"{ROUND}:{BEN}")

    questions_to_ben = str((await said(replied))[f"ask:{ROUND}:{BEN}"])
    assert LAST in questions_to_ben
    assert BEFORE_LAST not in questions_to_ben
    assert NOT_SHOWN_YET not in questions_to_ben


async def test_lead_does_not_read_their_own_reply(replied: Database, services: Services) -> None:
    await carry_out(services, "ask", f"{ROUND}:{ANA}")

    assert LAST not in str((await said(replied))[f"reflect:{ROUND}:{ANA}"])
