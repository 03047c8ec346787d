"""Who may start a phase where, and whom the form proposes as the team."""

from dataclasses import replace
from datetime import date

import pytest

from bot.phases.draft import Draft, Row
from bot.phases.scene import Scene, look_at, with_team, wrong_people
from bot.playground.server import StandIn
from bot.slack.errors import Refused
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.services import Services
from bot.workspaces.store import remember_workspace, save_settings
from tests.vocabulary import (
    ANA,
    BEN,
    CHIARA,
    DEACTIVATED,
    EMI,
    EXTERNAL,
    FINN,
    GENERAL,
    GUEST,
    HANA,
    LAUNCH,
    MEMBERS,
    OTHER_BOT,
    OWNER,
    PARTNER,
    PLATFORM,
    SECRET,
    WORKSPACE,
)

DRAFT = Draft(ends_on=date(2026, 12, 7))


async def scene_of(services: Services, user_id: str = ANA, channel_id: str = LAUNCH) -> Scene:
    return await look_at(services, workspace_id=WORKSPACE, channel_id=channel_id, user_id=user_id)


@pytest.mark.parametrize(
    ("user_id", "channel_id", "said"),
    [
        (EXTERNAL, PARTNER, "guests and people from other organisations"),
        (GUEST, LAUNCH, "guests and people from other organisations"),
        (DEACTIVATED, LAUNCH, "guests and people from other organisations"),
        (OTHER_BOT, LAUNCH, "guests and people from other organisations"),
        ("U0NOBODY", LAUNCH, "guests and people from other organisations"),
        (FINN, PLATFORM, "only people who are in this channel"),
        (ANA, SECRET, "/invite @Imbalance"),
        (ANA, "D0ANYTHING", "a phase belongs to a channel"),
    ],
)
async def test_who_may_not_start(
    services: Services, user_id: str, channel_id: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        await scene_of(services, user_id, channel_id)


async def test_a_workspace_names_who_may_start(services: Services) -> None:
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await remember_workspace(tx, {"team_id": WORKSPACE, "user_id": "U0IMBAL"}, now)
        settings = WorkspaceSettings(starters=(BEN,))
        await save_settings(tx, WORKSPACE, settings, actor=OWNER, now=now)

    with pytest.raises(Refused, match="Ask Ben, or an admin"):
        await scene_of(services)
    for allowed in (BEN, OWNER):
        await scene_of(services, allowed, LAUNCH if allowed == BEN else GENERAL)


async def test_today_is_where_the_lead_lives(services: Services) -> None:
    assert (await scene_of(services, EMI)).zone == "Asia/Tokyo"
    assert (await scene_of(services, EMI)).today == date(2026, 11, 23)


async def test_the_team_is_who_is_in_the_channel(services: Services) -> None:
    draft = await with_team(services, await scene_of(services), DRAFT)

    assert sorted(draft.members or ()) == sorted(MEMBERS)
    assert not draft.choose_team


async def test_a_large_channel_is_chosen_from_by_hand(services: Services, standin: StandIn) -> None:
    scene = await scene_of(services)
    many = tuple(f"U0NEW{number}" for number in range(20))
    draft = await with_team(services, replace(scene, member_ids=scene.member_ids + many), DRAFT)

    assert draft.members == ()
    assert draft.choose_team
    assert not [call for call in standin.calls if call.args.get("user") == many[0]]


async def test_who_was_chosen_stays(services: Services) -> None:
    chosen = replace(DRAFT, members=(BEN,))

    assert await with_team(services, await scene_of(services), chosen) == chosen


@pytest.mark.parametrize("user_id", [GUEST, EXTERNAL, DEACTIVATED, OTHER_BOT, "U0NOBODY"])
async def test_only_colleagues_are_chosen(services: Services, user_id: str) -> None:
    scene = await scene_of(services)
    draft = replace(
        DRAFT, members=(BEN, user_id), co_leads=(user_id,), rows=(Row(text="It", owner_id=user_id),)
    )

    wrong = await wrong_people(services, scene, draft)
    assert set(wrong) == {"members", "co_leads", "owner.0"}
    assert all("cannot be chosen" in text for text in wrong.values())


async def test_only_people_of_the_channel_are_chosen(services: Services) -> None:
    scene = await scene_of(services, ANA, PLATFORM)
    draft = replace(DRAFT, members=(BEN, HANA), rows=(Row(text="It", owner_id=HANA),))

    wrong = await wrong_people(services, scene, draft)
    assert set(wrong) == {"members"}
    assert "Hana would not read it" in wrong["members"]


async def test_nothing_is_wrong_with_colleagues(services: Services) -> None:
    scene = await scene_of(services)
    draft = replace(DRAFT, members=(BEN, CHIARA), co_leads=(HANA,))

    assert await wrong_people(services, scene, draft) == {}
