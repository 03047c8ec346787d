"""Checks of the state that a batch of inputs has left behind."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

from sqlalchemy import String

from bot.db import schema
from tests.fuzz.target import Target
from tests.harness import ANA, BEN, LAUNCH, OWNER, WORKSPACE
from tests.model import invariants
from tests.model.evidence import read_evidence

LONGER_THAN_A_PHASE = timedelta(weeks=5)


async def broken_states(target: Target, *, show: bool, look_ahead: bool) -> list[str]:
    """Return what is wrong with the stored state; with `look_ahead`, also in the weeks to come.

    With `show`, the state is also shown to people; what cannot be shown is logged as an error.
    """
    await target.harness.settle()
    broken = list(_wrong_rows(target)) + await _broken_invariants(target)
    if show:
        await _read_everything(target)
    if look_ahead:
        await target.harness.wait(days=LONGER_THAN_A_PHASE.days)
        broken += await _broken_invariants(target)
        await _read_everything(target)
    return broken


def _wrong_rows(target: Target) -> Iterator[str]:
    """Yield rows of other workspaces, and values that PostgreSQL would refuse."""
    with closing(sqlite3.connect(target.file)) as connection:
        for table in schema.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, String) and column.type.length:
                    query = f"SELECT max(length({column.name})) FROM {table.name}"
                    (longest,) = connection.execute(query).fetchone()
                    if (longest or 0) > column.type.length:
                        yield f"{table.name}.{column.name} is too long: {longest}"
                if isinstance(column.type, String):
                    query = f"SELECT count(*) FROM {table.name} WHERE instr({column.name}, char(0))"
                    if connection.execute(query).fetchone()[0]:
                        yield f"{table.name}.{column.name} contains NUL"
            if "workspace_id" not in table.columns:  # the states of installing
                continue
            query = f"SELECT count(*) FROM {table.name} WHERE workspace_id != ?"
            if connection.execute(query, [WORKSPACE]).fetchone()[0]:
                yield f"{table.name} has rows of another workspace"
        if connection.execute("PRAGMA foreign_key_check").fetchall():
            yield "a row refers to one that does not exist"


async def _broken_invariants(target: Target) -> list[str]:
    broken = []
    evidence = await read_evidence(target.harness)
    for check in (
        invariants.check_one_active_phase_per_channel,
        invariants.check_results_stay_anonymous,
        invariants.check_ballots_are_deleted_with_their_round,
        invariants.check_set_aside_work_is_returned,
        invariants.check_nothing_is_posted_twice,
    ):
        try:
            check(evidence)
        except AssertionError as error:
            broken.append(f"{check.__name__}: {error}")
    return broken


async def _read_everything(target: Target) -> None:
    slack = target.harness.slack
    for words in ("", "budget", "end", "extend", "start"):
        await slack.as_user(ANA).command(f"/imbalance {words}".strip(), LAUNCH)
    await slack.as_user(OWNER).command("/imbalance settings", LAUNCH)
    for user_id in (ANA, BEN, OWNER):
        await slack.as_user(user_id).open_home()
    await target.harness.settle()
