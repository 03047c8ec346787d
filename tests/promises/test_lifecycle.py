"""Making promises: one under each round's results, changed only by who made it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.engine import Database
from bot.promises import store
from bot.promises.lifecycle import make
from bot.promises.messages import outcome_line
from bot.promises.model import PromiseOutcome, Reply
from bot.slack.errors import Refused
from bot.workspaces import retention
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase

CHANGE = Reply(heard="Reviews wait.", text="When a review waits, I will take it.", is_change=True)
OTHER = Reply(heard=None, text="We have only just started.", is_change=False)


async def promise(tx: AsyncConnection, reply: Reply, by: str, round_id: str | None = ROUND) -> str:
    return await make(tx, WORKSPACE, reply, phase_id=PHASE, round_id=round_id, made_by=by, now=NOW)


async def test_lead_can_replace_their_promise_and_another_lead_cannot(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, ANA)
        await a_phase(tx)
        made = await promise(tx, CHANGE, ANA)
        with pytest.raises(Refused, match="Another lead has already replied"):
            await promise(tx, OTHER, BEN)
        assert await promise(tx, OTHER, ANA) == made
        (stored,) = await store.of_phase(tx, WORKSPACE, PHASE)

    assert (stored.name, stored.heard, stored.text) == ("Ana", None, OTHER.text)
    assert (stored.is_change, stored.outcome, stored.round_id) == (False, None, ROUND)


async def test_checked_promise_stays_and_a_decision_adds_another(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, ANA)
        await a_phase(tx)
        made = await promise(tx, CHANGE, ANA)
        await store.record_outcome(tx, WORKSPACE, made, PromiseOutcome.KEPT)
        with pytest.raises(Refused, match="has been asked whether this happened"):
            await promise(tx, OTHER, ANA)
        await promise(tx, CHANGE, ANA, round_id=None)
        stored = await store.of_phase(tx, WORKSPACE, PHASE)

    assert {(each.text, each.round_id, each.outcome) for each in stored} == {
        (CHANGE.text, ROUND, PromiseOutcome.KEPT),
        (CHANGE.text, None, None),
    }


async def test_texts_go_with_the_phases_other_texts_and_the_outcome_stays(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx, state="ended", ended_at=NOW)
        made = await promise(tx, CHANGE, ANA)
        await store.record_outcome(tx, WORKSPACE, made, PromiseOutcome.NOT)
        settings = WorkspaceSettings(keep_texts_months=1)
        await retention.delete_expired(tx, WORKSPACE, settings, NOW + timedelta(days=60))
        (stored,) = await store.of_phase(tx, WORKSPACE, PHASE)

    assert (stored.heard, stored.text, stored.outcome) == (None, "", PromiseOutcome.NOT)


async def test_outcome_line_names_the_lead_the_change_and_whether_it_happened(
    db: Database,
) -> None:
    async with db.transaction() as tx:
        await a_person(tx, ANA)
        await a_phase(tx)
        await promise(tx, CHANGE, ANA)
        (stored,) = await store.of_phase(tx, WORKSPACE, PHASE)

    line = outcome_line(replace(stored, outcome=PromiseOutcome.PARTLY))
    assert line == "Ana promised: When a review waits, I will take it. · partly kept"
