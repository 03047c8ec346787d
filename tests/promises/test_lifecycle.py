"""Making promises: one reply to each round's results, one change a week, edited by its author."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

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
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_person, a_phase, a_round

CHANGE = Reply(heard="Reviews wait.", text="When a review waits, I will take it.", is_change=True)
OTHER = Reply(heard=None, text="We have only just started.", is_change=False)
DECIDED = Reply(heard=None, text="I will cancel one meeting.", is_change=True)


async def promise(
    tx: AsyncConnection,
    reply: Reply,
    by: str,
    round_id: str | None = ROUND,
    now: datetime = NOW,
) -> str:
    return await make(tx, WORKSPACE, reply, phase_id=PHASE, round_id=round_id, made_by=by, now=now)


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


async def test_promise_that_was_checked_stays(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        made = await promise(tx, CHANGE, ANA)
        await store.record_outcome(tx, WORKSPACE, made, PromiseOutcome.KEPT)
        with pytest.raises(Refused, match="has been asked whether this happened"):
            await promise(tx, OTHER, ANA)


async def test_promise_that_an_open_round_asks_about_stays(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        made = await promise(tx, CHANGE, ANA)
        asking: dict[str, Any] = {"check_kind": "promise", "check_subject": made}
        await a_round(tx, round_id="other team's", number=2, state="cancelled", **asking)
        assert await promise(tx, CHANGE, ANA) == made

        await a_round(tx, round_id="round3", number=3, **asking)
        with pytest.raises(Refused, match="has been asked whether this happened"):
            await promise(tx, OTHER, ANA)


async def stored(tx: AsyncConnection) -> list[tuple[str | None, str | None, str]]:
    made = await store.of_phase(tx, WORKSPACE, PHASE)
    return [(each.round_id, each.heard, each.text) for each in made]


async def test_decision_edits_the_change_promised_under_this_weeks_results(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        made = await promise(tx, CHANGE, ANA)

        assert await promise(tx, DECIDED, ANA, round_id=None) == made
        with pytest.raises(Refused, match="Another lead has already promised a change this week"):
            await promise(tx, DECIDED, BEN, round_id=None)
        assert await stored(tx) == [(ROUND, CHANGE.heard, DECIDED.text)]


async def test_change_under_results_replaces_the_one_decided_earlier_that_week(
    db: Database,
) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        made = await promise(tx, DECIDED, ANA, round_id=None)
        with pytest.raises(Refused, match="Another lead has already promised a change this week"):
            await promise(tx, CHANGE, BEN)

        assert await promise(tx, CHANGE, ANA) == made
        assert await stored(tx) == [(ROUND, CHANGE.heard, CHANGE.text)]


async def test_decision_in_the_next_week_or_beside_a_reason_is_a_promise_of_its_own(
    db: Database,
) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await promise(tx, OTHER, ANA)
        await promise(tx, DECIDED, ANA, round_id=None)
        await a_round(tx, round_id="round2", number=2, opened_at=NOW + timedelta(days=7))
        next_week = NOW + timedelta(days=9)
        await promise(tx, CHANGE, ANA, round_id=None, now=next_week)

        assert sorted(await stored(tx), key=str) == sorted(
            [
                (ROUND, None, OTHER.text),
                (None, None, DECIDED.text),
                (None, CHANGE.heard, CHANGE.text),
            ],
            key=str,
        )


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
