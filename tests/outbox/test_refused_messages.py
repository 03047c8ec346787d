"""Which messages count as refused by Slack: those that failed, and have not been changed since."""

import pytest
from sqlalchemy import update

from bot.db import schema
from bot.outbox import requeue
from bot.outbox.enqueue import State
from bot.outbox.keys import MessageKey
from tests.harness import LAUNCH, WORKSPACE
from tests.outbox.sender import Sender


@pytest.mark.parametrize("state", list(State))
async def test_only_a_message_that_is_still_failed_counts_as_refused(
    sender: Sender, state: State
) -> None:
    await sender.enqueue("a")
    message_id = (await sender.row("a")).message_id
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(state=state))

        refused = await requeue.failed_message(tx, WORKSPACE, message_id)
        has_failed = await requeue.has_failed(tx, WORKSPACE, MessageKey("a"))

    is_failed = state is State.FAILED
    assert refused == ((MessageKey("a"), LAUNCH) if is_failed else None)
    assert has_failed is is_failed
