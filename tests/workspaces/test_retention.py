"""Data is deleted once its time is over, in one workspace alone; and all of it on request."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.playground.fake_slack.workspace_changes import wait_for_delivery
from bot.workspaces import lifecycle, retention, store
from bot.workspaces.forget_me import DONE, DONE_FOR_NOW
from bot.workspaces.rules import WorkspaceSettings, faults, months_before
from tests.harness import ANA, BEN, CHIARA, LAUNCH, WORKSPACE, BotHarness
from tests.operations.stuck_messages import command
from tests.rounds.round_rows import NOW
from tests.scenarios.lead import Lead, shown
from tests.two_workspaces import BOTH, OTHER_WORKSPACE, OVER, RUNS, TwoWorkspaces
from tests.workspaces.test_uninstalled import INSTALLATION

DEFAULTS = WorkspaceSettings()
Rows = dict[str, list[str]]


async def after(workspaces: TwoWorkspaces, *, days: int) -> tuple[Rows, Rows]:
    """Return the rows of the first workspace before and after expired data was deleted."""
    for workspace_id in BOTH:
        await workspaces.fill(workspace_id)
    before, others = [await workspaces.rows(workspace_id) for workspace_id in BOTH]
    async with workspaces.db.transaction() as tx:
        now = NOW + timedelta(days=days)
        await retention.delete_expired(tx, WORKSPACE, DEFAULTS, now)
    assert await workspaces.rows(OTHER_WORKSPACE) == others
    return before, await workspaces.rows(WORKSPACE)


def changed(before: Rows, rows: Rows) -> set[str]:
    return {name for name in before if before[name] != rows[name]}


async def test_nothing_is_deleted_in_the_first_weeks(two_workspaces: TwoWorkspaces) -> None:
    before, rows = await after(two_workspaces, days=20)
    assert changed(before, rows) == {"people"}  # a closed account of somebody in no phase


async def test_texts_go_after_a_year_and_levels_stay(two_workspaces: TwoWorkspaces) -> None:
    before, rows = await after(two_workspaces, days=370)

    assert len(rows["phases"]) == len(before["phases"])
    assert rows["question_levels"] == before["question_levels"]
    assert rows["audit"] == before["audit"]
    ended = [row for row in rows["phases"] if f"'{OVER}'" in row]
    assert len(ended) == 1
    assert "Stakes" not in ended[0]
    assert f"{OVER} of" not in str(rows["phases"] + rows["set_aside_items"])
    assert f"of {OVER} in" not in str(rows["phase_people"] + rows["hold_proposals"])
    assert len(rows["hold_proposals"]) == len(before["hold_proposals"]) - 1
    assert f"about {OVER} in" not in str(rows["rounds"])
    assert f"about {RUNS} in" in str(rows["rounds"])
    assert str(rows["rounds"]).count("'yes'") == str(before["rounds"]).count("'yes'")
    assert "Part of" in str(rows["phase_people"])  # those of running phases


async def test_phases_and_audit_log_go_after_two_years(two_workspaces: TwoWorkspaces) -> None:
    before, rows = await after(two_workspaces, days=760)

    assert f"'{OVER}'" not in str(rows["phases"] + rows["phase_people"] + rows["rounds"])
    assert len(rows["phases"]) == len(before["phases"]) - 1
    assert rows["audit"] == []


async def test_settled_messages_go_after_the_phases_that_need_them(harness: BotHarness) -> None:
    lead = Lead(harness)
    await lead.starts("results 1w")
    await harness.wait(days=12)
    messages = schema.messages

    async def count() -> int:
        async with harness.bot.db.reading() as reader:
            return len((await reader.execute(select(messages.c.key))).all())

    sent = await count()
    assert sent > 5
    for days, is_kept in ((60, True), (120, False)):
        async with harness.bot.db.transaction() as tx:
            now = harness.clock.now() + timedelta(days=days)
            await retention.delete_expired(tx, WORKSPACE, DEFAULTS, now)
        assert (await count() == sent) is is_kept
    assert harness.slack.problems == []


async def test_everything_goes_thirty_days_after_uninstalling(
    two_workspaces: TwoWorkspaces, harness: BotHarness
) -> None:
    await two_workspaces.clear()
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
    others = await two_workspaces.rows(OTHER_WORKSPACE)
    async with harness.bot.db.transaction() as tx:
        for _ in range(2):  # Slack may say it twice
            assert await lifecycle.uninstall(tx, WORKSPACE, "app_uninstalled", harness.clock.now())

    await harness.wait(days=29)
    assert any((await two_workspaces.rows(WORKSPACE)).values())
    await harness.wait(days=2)

    assert not any((await two_workspaces.rows(WORKSPACE)).values())
    kept = await two_workspaces.rows(OTHER_WORKSPACE)
    assert {name: len(rows) for name, rows in kept.items() if name == "phases"} == {
        "phases": len(others["phases"])
    }


async def test_reinstalling_in_time_keeps_everything(db: Database, clock: AdjustableClock) -> None:
    await lifecycle.install(db, INSTALLATION, clock.now())
    async with db.transaction() as tx:
        await lifecycle.uninstall(tx, WORKSPACE, "app_uninstalled", clock.now())
    await lifecycle.install(db, INSTALLATION, clock.now())

    async with db.reading() as reader:
        actions = await reader.scalars(select(schema.agenda.c.action))
        assert "purge_workspace" not in set(actions)


async def test_forget_me_says_what_it_does_and_keeps_what_a_running_phase_needs(
    harness: BotHarness,
) -> None:
    await Lead(harness).starts("results 1w")
    ben = Lead(harness, BEN)
    announcement = ben.me.visible(LAUNCH)[0]
    await ben.me.click("phase.my_part", channel=LAUNCH, ts=announcement["ts"])
    await ben.sends(**{"phase.part.text": "I carry the importer."})
    await ben.me.click("on_hold.what_else", channel=LAUNCH, ts=announcement["ts"])
    await ben.sends(**{"new.text": "The demo"})
    await ben.me.close()

    async def forget() -> str:
        await ben.me.command("/imbalance forget-me", LAUNCH)
        assert "What stays" in shown(ben.blocks)
        await ben.sends()
        return shown(ben.blocks)

    async def texts() -> str:
        async with harness.bot.db.reading() as reader:
            people = (schema.phase_people, schema.people, schema.round_people)
            tables = (*people, schema.hold_proposals)
            rows = [(await reader.execute(select(table))).all() for table in tables]
        return str(rows)

    assert await forget() == DONE_FOR_NOW
    assert "importer" not in await texts()
    assert BEN in await texts()
    await ben.me.close(everything=True)
    await harness.wait(days=25)

    assert await forget() == DONE
    assert BEN not in await texts()
    assert CHIARA in await texts()
    assert harness.slack.problems == []


async def test_purge_command_deletes_one_workspace_and_asks_first_if_it_is_installed(
    two_workspaces: TwoWorkspaces, database_url: str
) -> None:
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
    others = await two_workspaces.rows(OTHER_WORKSPACE)

    unknown = await command(database_url, "purge", "T0NOBODY")
    refused = await command(database_url, "purge", WORKSPACE)
    assert (unknown.code, refused.code) == (1, 1)
    assert f"It knows: {OTHER_WORKSPACE}, {WORKSPACE}." in unknown.err
    assert "add --yes" in refused.err
    done = await command(database_url, "purge", WORKSPACE, "--yes")

    assert done.code == 0
    assert done.out.startswith("Deleted all ")
    assert not any((await two_workspaces.rows(WORKSPACE)).values())
    assert await two_workspaces.rows(OTHER_WORKSPACE) == others


async def test_purge_while_messages_are_being_sent_leaves_nothing(
    harness: BotHarness, database_url: str
) -> None:
    await Lead(harness, ANA).starts()
    harness.slack.faults.latency = 0.2
    sent_before = _posts(harness)
    asking = asyncio.create_task(harness.travel_to(datetime(2026, 11, 24, 20, tzinfo=UTC)))
    while _posts(harness) == sent_before:  # noqa: ASYNC110 (until the first questions are sent)
        await asyncio.sleep(0.01)

    done = await command(database_url, "purge", WORKSPACE, "--yes")
    harness.slack.faults.latency = 0
    await asking
    await harness.wait(days=3)

    assert done.code == 0
    async with harness.bot.db.reading() as reader:
        for table in schema.metadata.sorted_tables:
            assert (await reader.execute(select(table))).all() == [], table.name
    sent = [shown(message["blocks"]) for message in harness.slack.as_user(BEN).dm_with_bot()]
    assert len(sent) <= 1
    assert harness.slack.problems == []


def _posts(harness: BotHarness) -> int:
    return sum(call.method == "chat.postMessage" for call in harness.slack.calls)


async def test_daily_tidying_deletes_what_is_kept_no_longer(harness: BotHarness) -> None:
    async with harness.bot.db.transaction() as tx:
        await store.add_audit_entry(
            tx,
            WORKSPACE,
            actor=BEN,
            action="settings",
            subject="minimum_small",
            before=None,
            after=5,
            now=harness.clock.now() - timedelta(days=800),
        )
    await harness.wait(days=2)

    async with harness.bot.db.reading() as reader:
        assert (await reader.execute(select(schema.audit))).all() == []


@given(st.integers(0, 20 * 365 * 24), st.integers(1, 130))
def test_months_before_keeps_day_and_time(hours: int, months: int) -> None:
    instant = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    before = months_before(instant, months)

    assert (instant.year - before.year) * 12 + instant.month - before.month == months
    assert before.time() == instant.time()
    assert before.day == instant.day or (before + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("texts", "levels", "field"), [(24, 24, None), (25, 24, "keep_texts_months")]
)
def test_texts_may_not_be_kept_longer_than_their_phase(
    texts: int, levels: int, field: str | None
) -> None:
    found = faults(WorkspaceSettings(keep_texts_months=texts, keep_levels_months=levels))
    assert [fault.field for fault in found] == ([field] if field else [])


async def test_uninstalling_through_slack_schedules_the_purge(harness: BotHarness) -> None:
    await wait_for_delivery(harness.slack.uninstall())
    await harness.settle()

    async with harness.bot.db.reading() as reader:
        agenda = schema.agenda
        due_at = await reader.scalar(
            select(agenda.c.due_at).where(agenda.c.action == "purge_workspace")
        )
    assert due_at is not None
    assert timedelta(days=29) < due_at - harness.clock.now() <= timedelta(days=30)
