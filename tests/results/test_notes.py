"""What a lead heard: who may write it, until when, and who reads it."""

from dataclasses import replace

import pytest

from bot.db import schema
from bot.db.engine import Database
from bot.results import store
from bot.results.lifecycle import Noting, save_note
from bot.services import Services
from bot.slack.errors import Refused
from tests.harness import ANA, BEN, WORKSPACE
from tests.results.steps import COMMENTS, close, show
from tests.rounds.evidence import said
from tests.rounds.round_rows import PHASE


def noting(text: str = "I hear you", user_id: str = ANA, round_id: str = "r1") -> Noting:
    return Noting(workspace_id=WORKSPACE, round_id=round_id, user_id=user_id, text=text)


async def test_a_note_can_be_changed_until_the_team_reads_it(
    phase: Database, services: Services
) -> None:
    await close(phase, comments=COMMENTS)
    await save_note(services, noting("First thought"))
    await save_note(services, noting("Second thought"))
    edited = (await said(phase))[f"edit:lead_results:r1:{ANA}"]
    assert "Second thought" in str(edited)
    assert "Thanks for Tuesday" in str(edited)

    await show(services)

    told = await said(phase)
    assert "Second thought" in str(told["results:r1"])
    assert "First thought" not in str(told["results:r1"])
    assert "'type': 'input'" not in str(told[f"edit:lead_results:r1:{ANA}"])
    with pytest.raises(Refused, match="has read these"):
        await save_note(services, noting("Too late"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (noting(user_id=BEN), "only the leads"),
        (noting(round_id="of another workspace"), "only the leads"),
        (noting(""), "the box is empty"),
        (noting("x" * 1_001), "1,001 characters"),
    ],
)
async def test_notes_that_are_refused_change_nothing(
    phase: Database, services: Services, wrong: Noting, why: str
) -> None:
    await close(phase)
    with pytest.raises(Refused, match=why):
        await save_note(services, wrong)

    assert f"edit:lead_results:r1:{ANA}" not in await said(phase)


async def test_another_workspace_cannot_reach_the_round(
    phase: Database, services: Services
) -> None:
    await close(phase)

    with pytest.raises(Refused):
        await save_note(services, replace(noting(), workspace_id="T0OTHER"))


async def test_an_open_round_takes_no_note(phase: Database, services: Services) -> None:
    await close(phase)
    async with phase.transaction() as tx:
        await tx.execute(schema.rounds.update().values(state="open"))

    with pytest.raises(Refused):
        await save_note(services, noting())


async def test_the_note_opens_the_next_questions_once_the_team_has_read_it(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await save_note(services, noting("We drop the importer"))
    async with phase.reading() as reader:
        assert await store.latest_note(reader, WORKSPACE, PHASE) is None
        assert await store.history(reader, WORKSPACE, PHASE) == ()

    await show(services)

    async with phase.reading() as reader:
        assert await store.latest_note(reader, WORKSPACE, PHASE) == "We drop the importer"
        (seen,) = await store.history(reader, WORKSPACE, PHASE)
    assert (seen.round_id, seen.noted_by) == ("r1", "Ana")
