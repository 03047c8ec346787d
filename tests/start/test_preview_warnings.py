"""Warnings above the preview: a long sprint, and more than a third of the teams in one."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.phases.rules import PhaseKind
from bot.services import Services
from bot.slack.request import Request
from bot.start import wizard_views
from bot.start.draft import Draft, Row
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import eligible_channel
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.round_rows import a_phase, a_workspace

TODAY = date(2026, 11, 23)
SPRINT = Draft(
    kind=PhaseKind.RESULTS_SPRINT,
    texts={"milestone": "Ship", "stakes": "Two customers decide."},
    ends_on=date(2026, 12, 7),
    rows=(Row(text="Dark mode", owner_id=BEN),),
    members=MEMBERS,
)
TRUST = replace(SPRINT, kind=PhaseKind.TRUST_BUILDING, texts={"purpose": "Decide together."})
OTHER_KIND: dict[str, Any] = {"kind": "trust_building", "promise": {"purpose": "x"}}


async def warnings(services: Services, draft: Draft) -> str:
    """Return what the preview says above the announcement."""
    here = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
    eligible = await eligible_channel(services, here)
    stored = StoredDraft(draft_id="one", channel_id=LAUNCH, user_id=ANA, draft=draft, phase_id=None)
    view = (await wizard_views.preview(services, eligible, stored)).to_dict()
    texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    announced = next(i for i, text in enumerate(texts) if text.startswith("*What "))
    return "\n".join(texts[:announced])


async def teams(services: Services, *, sprinting: int, others: int, ended: int = 0) -> None:
    """Other channels: in a sprint, in a trust-building phase, and after a sprint."""
    async with services.db.transaction() as tx:
        ended_now: dict[str, Any] = {"state": "ended", "ended_at": services.clock.now()}
        states: list[dict[str, Any]] = (
            [{}] * sprinting + [OTHER_KIND] * others + [ended_now] * ended
        )
        for number, state in enumerate(states):
            await a_phase(tx, phase_id=f"p{number}", channel_id=f"C{number}", members=(), **state)


@pytest.mark.parametrize(
    ("sprinting", "others", "warning"),
    [
        (0, 0, None),
        (1, 0, None),  # of two teams a share means nothing
        (2, 0, "3 of 3 teams"),
        (0, 2, None),  # one of three is a third, and not more
        (1, 1, "2 of 3 teams"),
        (1, 3, "2 of 5 teams"),
        (1, 4, None),
        (2, 5, "3 of 8 teams"),
        (2, 6, None),
    ],
)
async def test_more_than_a_third_of_three_teams_or_more_is_warned_of(
    services: Services, sprinting: int, others: int, warning: str | None
) -> None:
    await teams(services, sprinting=sprinting, others=others)

    said = await warnings(services, SPRINT)

    assert said.startswith(f"{warning} are in a results sprint") if warning else said == ""
    assert await warnings(services, TRUST) == ""


async def test_sprints_that_are_over_count_as_teams_only(services: Services) -> None:
    await teams(services, sprinting=1, others=0, ended=1)
    assert (await warnings(services, SPRINT)).startswith("2 of 3 teams")

    async with services.db.transaction() as tx:
        await a_phase(tx, phase_id="more", channel_id="C9", state="ended", members=())
        await a_phase(tx, phase_id="most", channel_id="C10", state="ended", members=())
        await a_phase(tx, phase_id="last", channel_id="C11", state="ended", members=())
    assert await warnings(services, SPRINT) == ""


@pytest.mark.parametrize("weeks", [4, 2])
async def test_a_sprint_is_long_from_the_second_day_after_its_weeks(
    services: Services, weeks: int
) -> None:
    async with services.db.transaction() as tx:
        await a_workspace(tx, WorkspaceSettings(sprint_warn_weeks=weeks))
    limit = TODAY + timedelta(weeks=weeks)

    assert await warnings(services, replace(SPRINT, ends_on=limit)) == ""
    day_more = limit + timedelta(days=1)
    assert f"After {weeks} weeks" in await warnings(services, replace(SPRINT, ends_on=day_more))
    assert await warnings(services, replace(TRUST, ends_on=day_more)) == ""
