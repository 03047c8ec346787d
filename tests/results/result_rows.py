"""Builders that insert closed rounds and reflections as rows, and sample counts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.phases.privacy import Rounding
from bot.promises.model import Reply
from bot.results.store import latest_reply
from bot.rounds import questions, store
from bot.rounds.questions import Question
from tests.harness import WORKSPACE
from tests.rounds.round_rows import NOW, PHASE, a_round

ASKED = questions.about_leads(["Ana"])


def change(text: str, heard: str | None = None) -> Reply:
    return Reply(heard=heard, text=text, is_change=True)


async def latest_reply_text(tx: AsyncConnection, workspace_id: str, phase_id: str) -> str | None:
    """Return the reply to the results the team of a phase read last, as the questions show it."""
    phases = schema.phases
    is_phase = (phases.c.workspace_id == workspace_id) & (phases.c.phase_id == phase_id)
    found: str | None = await tx.scalar(select(latest_reply(phases, "text")).where(is_phase))
    return found


#: Numbers of people who chose 1, 2, 3, 4 and 5.
HIGH, LOW, MIXED = (0, 0, 0, 4, 2), (3, 3, 0, 0, 0), (1, 1, 2, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A round as `bot.rounds` passes it to `store_results`."""

    round_id: str
    phase_id: str = PHASE
    minimum: int = 4
    rounding: Rounding = Rounding.HALF
    questions: tuple[Question, ...] = ASKED


async def a_closed_round(
    tx: AsyncConnection, round_id: str, *, number: int = 1, is_enough: bool = True, **more: object
) -> Closing:
    """Insert a round that was just closed, a week after the one before; no figures are stored."""
    at = NOW + timedelta(weeks=number - 1, days=1)
    facts: dict[str, Any] = {
        "number": number,
        "kind": "first" if number == 1 else "weekly",
        "opened_at": at,
        "closes_at": at + timedelta(days=2),
        "questions": store.as_json(ASKED),
    }
    await a_round(tx, round_id=round_id, **{**facts, **more})
    rounds = schema.rounds
    await tx.execute(
        update(rounds)
        .where(rounds.c.round_id == round_id)
        .values(state="closed", reached_minimum=is_enough)
    )
    return Closing(round_id=round_id, rounding=Rounding(str(more.get("rounding", "half"))))


async def a_reflection(
    tx: AsyncConnection, round_id: str, user_id: str, *, shared: bool = False, **answers: int | None
) -> None:
    await tx.execute(
        insert(schema.reflections).values(
            workspace_id=WORKSPACE,
            phase_id=PHASE,
            moment=round_id,
            user_id=user_id,
            answers=answers,
            shared=shared,
        )
    )
