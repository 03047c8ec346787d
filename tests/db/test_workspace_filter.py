"""Every statement of the bot names one workspace, or says why it means all of them."""

from typing import Any

import pytest
from sqlalchemy import delete, exists, or_, select, text, update

from bot.db import schema
from bot.db.engine import Database
from bot.db.tenancy import across_workspaces
from bot.phases import store
from tests.db.workspace_filter import WorkspaceMissing, check

phases, people, rounds = schema.phases, schema.people, schema.rounds
_OTHER = phases.alias("other_phases")
_SUBQUERY = select(phases.c.workspace_id, phases.c.phase_id).subquery()
_IN_W = phases.c.workspace_id == "T1"

UNLIMITED: dict[str, Any] = {
    "select": select(phases),
    "update": update(phases).where(phases.c.phase_id == "p").values(state="over"),
    "delete": delete(phases).where(phases.c.phase_id == "p"),
    "alternative": select(phases).where(or_(_IN_W, phases.c.phase_id == "p")),
    "inequality": select(phases).where(phases.c.workspace_id != "T1"),
    "joined by id alone": select(phases)
    .join(rounds, rounds.c.phase_id == phases.c.phase_id)
    .where(_IN_W),
    "alias": select(phases, _OTHER).where(_IN_W, _OTHER.c.phase_id == phases.c.phase_id),
    "subquery": select(_SUBQUERY),
    "exists": select(people).where(
        people.c.workspace_id == "T1", exists().where(phases.c.phase_id == people.c.user_id)
    ),
    "raw SQL": text("DELETE FROM phases"),
}
LIMITED: dict[str, Any] = {
    "select": select(phases).where(_IN_W),
    "joined by workspace": select(phases)
    .join(rounds, rounds.c.workspace_id == phases.c.workspace_id)
    .where(_IN_W),
    "alias": select(phases, _OTHER).where(_IN_W, _OTHER.c.workspace_id == phases.c.workspace_id),
    "filter on a subquery": select(_SUBQUERY).where(_SUBQUERY.c.workspace_id == "T1"),
    "marked": across_workspaces(select(phases), "a test"),
    "raw SQL without a table": text("SHOW server_version"),
}


@pytest.mark.parametrize("name", UNLIMITED)
def test_statement_without_workspace_is_refused(name: str):
    with pytest.raises(WorkspaceMissing):
        check(UNLIMITED[name])


@pytest.mark.parametrize("name", LIMITED)
def test_statement_with_workspace_or_reason_is_accepted(name: str):
    check(LIMITED[name])


async def test_statements_of_the_bot_are_checked_as_they_run(
    db: Database, monkeypatch: pytest.MonkeyPatch, faulty_statements: list[str]
):
    async def forgetful(tx: Any) -> None:
        await tx.execute(select(phases))

    monkeypatch.setattr(
        forgetful, "__code__", forgetful.__code__.replace(co_filename=store.__file__)
    )

    async with db.reading() as reader:
        await forgetful(reader)
        await reader.execute(select(phases))  # this test's own

    (fault,) = faulty_statements
    assert fault.startswith(store.__file__)
    assert "phases is not limited" in fault
    faulty_statements.clear()
