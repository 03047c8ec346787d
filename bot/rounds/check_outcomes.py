"""The consequences of a check, in the transaction that closes its round."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.model import CheckAnswer, CheckKind
from bot.checks.rules import PROMISE_OUTCOMES
from bot.decisions.lifecycle import ask_after_check
from bot.phases.model import Phase
from bot.promises.store import record_outcome
from bot.rounds.model import Round


async def act_on_outcome(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    round_: Round,
    outcome: CheckAnswer | None,
    now: datetime,
) -> None:
    """Store or schedule what follows from the median answer; None: too few answered.

    A promise keeps whether it happened. Where this should not go on as planned, the leads are
    asked for a decision.
    """
    check = round_.check
    if check is None:
        return
    if check.kind is CheckKind.PROMISE and check.subject is not None:
        await record_outcome(tx, workspace_id, check.subject, PROMISE_OUTCOMES[outcome])
    if check.kind is CheckKind.CONTINUE and outcome is CheckAnswer.NO:
        await ask_after_check(tx, workspace_id, phase, round_.round_id, now)
