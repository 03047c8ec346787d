"""Only actions that failed are reported as failing: not those claimed, parked or not tried yet."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.agenda.schedule import PARKED
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.operations import system_state
from tests.conftest import MONDAY
from tests.harness import WORKSPACE

SOON = real_now() + timedelta(seconds=20)
LONG_AGO = real_now() - timedelta(hours=1)


async def note(db: Database, action: str, subject: str = "1", **values: Any) -> None:
    row = {"workspace_id": WORKSPACE, "action": action, "subject": subject, "due_at": MONDAY}
    async with db.transaction() as tx:
        await tx.execute(insert(schema.agenda).values({**row, **values}))


async def failing(db: Database) -> dict[str, int]:
    async with db.reading() as reader:
        return dict(await system_state.agenda_failing(reader))


@pytest.mark.parametrize(
    ("values", "is_failing"),
    [
        ({}, False),
        ({"retry_at": SOON}, False),  # claimed for its first run
        ({"retry_at": LONG_AGO}, False),  # claimed by a process that died
        ({"retry_at": SOON, "attempts": 1}, True),
        ({"retry_at": LONG_AGO, "attempts": 1}, True),
        ({"retry_at": PARKED, "attempts": 1}, False),  # its workspace is gone
    ],
)
async def test_an_action_fails_once_it_was_tried_in_vain(
    db: Database, values: dict[str, Any], is_failing: bool
) -> None:
    await note(db, "tidy", **values)

    assert await failing(db) == ({"tidy": 1} if is_failing else {})


async def test_failing_actions_are_counted_by_name(db: Database) -> None:
    for subject in "123":
        await note(db, "ask", subject, retry_at=SOON, attempts=int(subject))
    await note(db, "tidy", retry_at=SOON, attempts=1)

    assert await failing(db) == {"ask": 3, "tidy": 1}
