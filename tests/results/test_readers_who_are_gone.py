"""Results where some or all leads cannot be written to: who still gets them, and with what."""

import pytest
from sqlalchemy import update

from bot.db import schema
from bot.db.engine import Database
from tests.harness import ANA, BEN, WORKSPACE
from tests.results.steps import CLOSED, close
from tests.rounds.evidence import said

TO_ANA, TO_BEN = f"lead_results:r1:{ANA}", f"lead_results:r1:{BEN}"
COMMENTS = ("The importer is late.", "Thanks for Tuesday.")


async def gone(db: Database, how: str, *user_ids: str) -> None:
    table = schema.people if how == "is_deleted" else schema.phase_people
    value = True if how == "is_deleted" else CLOSED
    async with db.transaction() as tx:
        of_them = (table.c.workspace_id == WORKSPACE) & table.c.user_id.in_(user_ids)
        await tx.execute(update(table).where(of_them).values({how: value}))


@pytest.fixture
async def co_led(phase: Database) -> Database:
    """The sprint of Ana, who started it, and Ben."""
    people = schema.phase_people
    async with phase.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(role="lead"))
    return phase


@pytest.mark.parametrize("how", ["is_deleted", "left_at"])
async def test_where_no_lead_is_left_only_comments_bring_them_to_the_starter(
    co_led: Database, how: str
) -> None:
    await gone(co_led, how, ANA, BEN)

    await close(co_led)
    assert [key for key in await said(co_led) if key.startswith("lead_results:")] == []

    await close(co_led, "r2", number=2, comments=COMMENTS)
    told = {key: str(it) for key, it in (await said(co_led)).items() if "r2" in key}
    assert told.keys() == {f"lead_results:r2:{ANA}", f"comments:r2:{ANA}:1"}
    assert all(comment in told[f"comments:r2:{ANA}:1"] for comment in COMMENTS)


@pytest.mark.parametrize("how", ["is_deleted", "left_at"])
async def test_while_another_lead_reads_them_the_starter_who_is_gone_does_not(
    co_led: Database, how: str
) -> None:
    await gone(co_led, how, ANA)

    await close(co_led, comments=COMMENTS)

    assert [key for key in await said(co_led) if key.startswith("lead_results:")] == [TO_BEN]
