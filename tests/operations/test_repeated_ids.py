"""An id given twice to `outbox` is decided about once; the second is no refusal."""

import pytest
from sqlalchemy import func, select

from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import State
from tests.operations.stuck_messages import add_message, command, row


@pytest.mark.parametrize(("verb", "state"), [("retry", "pending"), ("drop", "expired")])
async def test_an_id_given_twice_is_decided_about_once(
    db: Database, database_url: str, verb: str, state: str
) -> None:
    first = await add_message(db, "announcement:1", state=State.FAILED, error="fatal")
    second = await add_message(db, "results:1", state=State.FAILED, error="fatal")

    said = await command(database_url, "outbox", verb, first, second, first)

    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == [first, second]
    assert {(await row(db, each)).state for each in (first, second)} == {state}
    async with db.reading() as reader:
        assert await reader.scalar(select(func.count()).select_from(schema.audit)) == 2
