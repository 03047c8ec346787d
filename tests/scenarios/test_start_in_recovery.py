"""A sprint that starts inside the recovery of the last one prints what the team said of that."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from bot.db import schema
from tests.harness import BEN, LAUNCH, WORKSPACE, BotHarness
from tests.results.result_rows import a_closed_round
from tests.rounds.round_rows import NOW, a_phase
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, shown

JUSTIFIED = {"start.text.justification": "The customer moved the date."}
SAID = "*What the team said of the last sprint:* Clear and doable 2.5 of 5, "
NOTHING = "*What the team said of the last sprint:* Nothing: there were no results to show."


async def a_past_sprint(harness: BotHarness, *, ended_days_ago: int, **closed: Any) -> None:
    """Insert a sprint of 14 days with one round, whose levels are those of `closed`."""
    ended = NOW - timedelta(days=ended_days_ago)
    started = ended - timedelta(days=14)
    dates: dict[str, Any] = {"starts_on": started.date(), "ends_on": ended.date()}
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, state="ended", ended_at=ended, started_at=started, **dates)
        await a_closed_round(tx, "r1", opened_at=started + timedelta(days=1))
        rounds = schema.rounds
        shown_at = ended if closed.get("is_shown", True) else None
        await tx.execute(update(rounds).where(rounds.c.round_id == "r1").values(shown_at=shown_at))
        rows = [
            {"workspace_id": WORKSPACE, "round_id": "r1", "key": key, "level": level}
            for key, level in (("clarity", 2.5), ("trust", 4.0))
        ]
        if closed.get("has_levels", True):
            await tx.execute(insert(schema.question_levels), rows)
    await harness.settle()


def announcement(harness: BotHarness) -> str:
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    (posted,) = (each for each in seen if each["text"].startswith(("🏁", "🌱")))
    return shown(posted["blocks"])


async def reply_to(ana: Lead, words: str) -> str:
    answer = await ana.me.command(f"/imbalance {words}", LAUNCH)
    await ana.harness.settle()
    return shown(answer.body["blocks"])


async def announce(ana: Lead, kind: str = "results 2w", **moment: str) -> None:
    await ana.types(kind)
    assert await ana.sends(**CLEAR, **moment) == {}
    assert await ana.sends(**(TRUST if kind.startswith("trust") else SPRINT)) == {}


async def test_form_preview_and_announcement_print_what_the_team_said(
    harness: BotHarness, ana: Lead
) -> None:
    await a_past_sprint(harness, ended_days_ago=3)
    await ana.types("results 2w")
    assert SAID in shown(ana.blocks)

    await ana.sends(**CLEAR, **JUSTIFIED)
    await ana.sends(**SPRINT)
    assert SAID in shown(ana.blocks)
    assert await ana.sends() == {}

    assert f"{SAID}Trust under pressure 4 of 5 (results of the start)." in announcement(harness)


async def test_status_and_budget_name_the_recovery(harness: BotHarness, ana: Lead) -> None:
    await a_past_sprint(harness, ended_days_ago=3)

    status = await reply_to(ana, "status")
    budget = await reply_to(ana, "budget")

    assert "*Recovery:* No new sprint before Mon 7 Dec." in status
    assert "*Recovery:* Until Sat 5 Dec." in budget


async def test_status_of_trust_building_names_the_recovery_of_the_sprint_before(
    harness: BotHarness, ana: Lead
) -> None:
    await a_past_sprint(harness, ended_days_ago=3)
    await announce(ana, "trust 4w")
    assert await ana.sends() == {}

    status = await reply_to(ana, "status")

    assert "*Recovery:* No new sprint before Mon 7 Dec." in status


@pytest.mark.parametrize("closed", [{"has_levels": False}, {"is_shown": False}])
async def test_announcement_says_that_nothing_was_shown(
    harness: BotHarness, ana: Lead, closed: dict[str, bool]
) -> None:
    """Results that the team was not shown yet stay unseen."""
    await a_past_sprint(harness, ended_days_ago=3, **closed)
    await announce(ana, **JUSTIFIED)
    assert await ana.sends() == {}

    assert NOTHING in announcement(harness)


@pytest.mark.parametrize(("kind", "days_ago"), [("results 2w", 20), ("trust 4w", 3)])
async def test_phase_after_recovery_or_for_trust_prints_nothing_of_the_last_sprint(
    harness: BotHarness, ana: Lead, kind: str, days_ago: int
) -> None:
    await a_past_sprint(harness, ended_days_ago=days_ago)
    await announce(ana, kind)
    assert await ana.sends() == {}

    assert "the team said" not in announcement(harness)
