"""The consequences of a check, in the transaction that closes its round."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.checks.model import AskedCheck, CheckAnswer, CheckKind
from bot.checks.rules import PROMISE_OUTCOMES
from bot.promises.store import record_outcome


async def act_on_outcome(
    tx: AsyncConnection, workspace_id: str, check: AskedCheck, outcome: CheckAnswer | None
) -> None:
    """Store or schedule what follows from the median answer; None: too few answered.

    A promise keeps whether it happened.
    """
    if check.kind is CheckKind.PROMISE and check.subject is not None:
        await record_outcome(tx, workspace_id, check.subject, PROMISE_OUTCOMES[outcome])
