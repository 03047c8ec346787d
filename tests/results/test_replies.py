"""Replies of leads to results: permission to write them, deadline, and readers."""

from dataclasses import replace

import pytest

from bot.db import schema
from bot.db.engine import Database
from bot.results import store
from bot.results.lifecycle import round_to_reply_to, save_reply
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, LAUNCH, WORKSPACE
from tests.results.result_rows import change, latest_reply_text
from tests.results.steps import COMMENTS, close, show
from tests.rounds.evidence import said
from tests.rounds.round_rows import PHASE, the_phase

BY_ANA = Request(workspace_id=WORKSPACE, target_id="r1", user_id=ANA)


async def test_reply_can_be_changed_until_the_team_reads_it(
    phase: Database, services: Services
) -> None:
    await close(phase, comments=COMMENTS)
    await save_reply(services, BY_ANA, change("First thought"))
    await save_reply(services, BY_ANA, change("Second thought"))
    edited = (await said(phase))[f"edit:lead_results:r1:{ANA}"]
    assert "Second thought" in str(edited)

    await show(services)

    queued = await said(phase)
    assert "Second thought" in str(queued["results:r1"])
    assert "First thought" not in str(queued["results:r1"])
    assert "results.reply" not in str(queued[f"edit:lead_results:r1:{ANA}"])
    with pytest.raises(Refused, match="has read the reply, so it stays"):
        await save_reply(services, BY_ANA, change("Too late"))
    with pytest.raises(Refused, match="has read the reply, so it stays"):
        await round_to_reply_to(services, BY_ANA)


async def test_reply_after_the_team_has_read_the_results_is_added_to_them_once(
    phase: Database, services: Services
) -> None:
    await close(phase, comments=COMMENTS)
    await show(services)
    assert "Ana hasn't replied yet." in str((await said(phase))["results:r1"])
    assert (await round_to_reply_to(services, BY_ANA)).promise is None

    await save_reply(services, BY_ANA, change("Better late than never"))

    queued = await said(phase)
    edited = queued["edit:results:r1"]
    assert edited["text"] == f"First results in <#{LAUNCH}>"
    assert "Better late than never" in str(edited)
    assert "replied yet" not in str(edited)
    assert "Better late than never" in str(queued[f"edit:lead_results:r1:{ANA}"])
    with pytest.raises(Refused, match="has read the reply, so it stays"):
        await save_reply(services, BY_ANA, change("Once more"))


@pytest.mark.parametrize(
    ("request_", "text", "reason"),
    [
        (replace(BY_ANA, user_id=BEN), "I hear you", "Only the leads"),
        (replace(BY_ANA, target_id="of another workspace"), "I hear you", "Only the leads"),
        (BY_ANA, "", "This is still empty"),
        (BY_ANA, "x" * 1_001, "1,001 characters"),
    ],
)
async def test_refused_reply_changes_nothing(
    phase: Database, services: Services, request_: Request, text: str, reason: str
) -> None:
    await close(phase)
    with pytest.raises(Refused, match=reason):
        await save_reply(services, request_, change(text))

    assert f"edit:lead_results:r1:{ANA}" not in await said(phase)


async def test_reply_from_another_workspace_is_refused(phase: Database, services: Services) -> None:
    await close(phase)

    with pytest.raises(Refused):
        await save_reply(services, replace(BY_ANA, workspace_id="T0OTHER"), change("I hear you"))


async def test_reply_on_an_open_round_is_refused(phase: Database, services: Services) -> None:
    await close(phase)
    async with phase.transaction() as tx:
        await tx.execute(schema.rounds.update().values(state="open"))

    with pytest.raises(Refused):
        await save_reply(services, BY_ANA, change("I hear you"))


async def test_reply_is_available_to_later_rounds_once_the_team_has_read_it(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await save_reply(services, BY_ANA, change("We drop the importer"))
    async with phase.reading() as reader:
        assert await latest_reply_text(reader, WORKSPACE, PHASE) is None
        assert await store.history(reader, WORKSPACE, await the_phase(reader)) == ()

    await show(services)

    async with phase.reading() as reader:
        assert await latest_reply_text(reader, WORKSPACE, PHASE) == "We drop the importer"
        (shown,) = await store.history(reader, WORKSPACE, await the_phase(reader))
    assert shown.promise is not None
    assert (shown.round_id, shown.promise.name) == ("r1", "Ana")


async def test_results_without_a_reply_take_none_once_newer_ones_are_out(
    phase: Database, services: Services
) -> None:
    await close(phase)
    await show(services)
    assert "results.reply" in str((await said(phase))[f"lead_results:r1:{ANA}"])
    await close(phase, "r2", number=2)

    with pytest.raises(Refused, match="Reply to those instead"):
        await save_reply(services, BY_ANA, change("Too late"))
    edited = (await said(phase))[f"edit:lead_results:r1:{ANA}"]
    assert "No lead replied to these results." in str(edited)
    assert "results.reply" not in str(edited)
    assert "results.reply" in str((await said(phase))[f"lead_results:r2:{ANA}"])
