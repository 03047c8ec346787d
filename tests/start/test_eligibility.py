"""Permission to start a phase in a channel, and the team that the form proposes."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.clock import AdjustableClock
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.people import SLACKBOT
from bot.slack.request import Request
from bot.start import wizard
from bot.start.draft import Draft, Row
from bot.start.eligibility import EligibleChannel, eligible_channel, join, people_errors, with_team
from bot.status.store import budget_status, channel_status
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import remember_workspace, save_settings
from tests.harness import (
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
from tests.rounds.round_rows import a_person, a_workspace

DRAFT = Draft(ends_on=date(2026, 12, 7))


async def eligible_channel_of(
    services: Services, user_id: str = ANA, channel_id: str = LAUNCH
) -> EligibleChannel:
    return await eligible_channel(
        services, Request(workspace_id=WORKSPACE, channel_id=channel_id, user_id=user_id)
    )


@pytest.mark.parametrize(
    ("user_id", "channel_id", "message"),
    [
        (EXTERNAL, PARTNER, "Guests and people from other organizations"),
        (GUEST, LAUNCH, "Guests and people from other organizations"),
        (DEACTIVATED, LAUNCH, "Guests and people from other organizations"),
        (OTHER_BOT, LAUNCH, "Guests and people from other organizations"),
        ("U0NOBODY", LAUNCH, "Guests and people from other organizations"),
        (FINN, PLATFORM, "You aren't in this channel"),
        (ANA, SECRET, "/invite @Imbalance"),
        (ANA, "D0ANYTHING", "A phase belongs to a channel"),
    ],
)
async def test_start_is_refused_for_ineligible_people_and_channels(
    services: Services, user_id: str, channel_id: str, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        await eligible_channel_of(services, user_id, channel_id)


async def test_group_message_is_refused_by_the_name_that_slack_gives_it(
    services: Services,
) -> None:
    here = Request(
        workspace_id=WORKSPACE,
        channel_id="G0GROUP",
        channel_name="mpdm-ana--ben--emi-1",
        user_id=ANA,
    )
    with pytest.raises(Refused, match="A phase belongs to a channel"):
        await wizard.open_start(services, here, {"trigger_id": "1.2.3"})


async def test_only_configured_starters_and_admins_may_start(services: Services) -> None:
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await remember_workspace(tx, {"team_id": WORKSPACE, "user_id": "U0IMBAL"}, now)
        settings = WorkspaceSettings(starters=(BEN,))
        await save_settings(tx, WORKSPACE, settings, actor=OWNER, now=now)

    with pytest.raises(Refused, match="started by Ben"):
        await eligible_channel_of(services)
    for allowed in (BEN, OWNER):
        await eligible_channel_of(services, allowed, LAUNCH if allowed == BEN else GENERAL)


async def test_today_is_taken_in_the_leads_time_zone(services: Services) -> None:
    assert (await eligible_channel_of(services, EMI)).zone == "Asia/Tokyo"
    assert (await eligible_channel_of(services, EMI)).today == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("zone", "default", "now", "today"),
    [
        (None, "Asia/Tokyo", datetime(2026, 11, 23, 16, tzinfo=UTC), date(2026, 11, 24)),
        (None, "UTC", datetime(2026, 11, 23, 16, tzinfo=UTC), date(2026, 11, 23)),
        ("Europe/Lisbon", "Asia/Tokyo", datetime(2026, 11, 23, 16, tzinfo=UTC), date(2026, 11, 23)),
        ("America/New_York", "UTC", datetime(2026, 11, 24, 4, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
async def test_person_without_time_zone_uses_the_workspace_default(
    services: Services,
    clock: AdjustableClock,
    zone: str | None,
    default: str,
    now: datetime,
    today: date,
) -> None:
    clock.move_to(now)
    async with services.db.transaction() as tx:
        await a_person(tx, ANA, zone=zone)
        await a_workspace(tx, WorkspaceSettings(default_zone=default))

    eligible = await eligible_channel_of(services)
    assert (eligible.zone, eligible.today) == (zone or default, today)
    request = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
    assert (await channel_status(services, request)).today == today
    assert (await budget_status(services, request))[-1] == today


@pytest.mark.parametrize(("extra", "by_hand"), [(4, False), (5, True)])
async def test_team_of_up_to_twelve_people_is_proposed(
    services: Services, extra: int, by_hand: bool
) -> None:
    """Guests, apps and closed accounts in the channel do not count."""
    eligible = await eligible_channel_of(services)
    more = tuple(f"U0M{number}" for number in range(extra))
    async with services.db.transaction() as tx:
        for user_id in more:
            await a_person(tx, user_id)
        await a_person(tx, "U0SLP", is_deleted=True)
    ids = (ANA, *MEMBERS, *more, GUEST, OTHER_BOT, SLACKBOT, "U0SLP")

    draft = await with_team(services, replace(eligible, member_ids=ids), DRAFT)

    assert draft.team_by_hand is by_hand
    assert draft.members == (() if by_hand else (*MEMBERS, *more))


@pytest.mark.parametrize(("count", "is_proposed"), [(20, True), (21, False)])
async def test_no_team_is_proposed_in_channels_of_more_than_twenty(
    services: Services, count: int, is_proposed: bool
) -> None:
    eligible = await eligible_channel_of(services)
    guests = tuple(f"U0G{number}" for number in range(count - 2))
    async with services.db.transaction() as tx:
        for user_id in guests:
            await a_person(tx, user_id, is_guest=True)

    draft = await with_team(services, replace(eligible, member_ids=(ANA, BEN, *guests)), DRAFT)

    assert draft.members == ((BEN,) if is_proposed else ())
    assert draft.team_by_hand is not is_proposed


async def test_lone_lead_is_refused_and_unreadable_profiles_are_not_proposed(
    services: Services, fake_slack: FakeSlack
) -> None:
    eligible = await eligible_channel_of(services)
    with pytest.raises(Refused, match="Nobody else who could be on the team"):
        await with_team(services, replace(eligible, member_ids=(ANA, GUEST)), DRAFT)

    fake_slack.faults.fail_next("users.info", status=500)
    unknown = await with_team(services, replace(eligible, member_ids=(ANA, HANA)), DRAFT)
    assert (unknown.members, unknown.team_by_hand) == ((), True)


async def test_archived_and_unjoinable_channels_are_refused(
    services: Services, fake_slack: FakeSlack
) -> None:
    eligible = await eligible_channel_of(services, ANA, PLATFORM)
    before = len([call for call in fake_slack.calls if call.method == "conversations.join"])
    await join(services, replace(eligible, channel=replace(eligible.channel, is_member=True)))
    assert len([c for c in fake_slack.calls if c.method == "conversations.join"]) == before

    fake_slack.faults.fail_next("conversations.join", error="method_not_supported_for_channel_type")
    with pytest.raises(Refused, match=r"\(method_not_supported_for_channel_type\)"):
        await join(services, replace(eligible, channel=replace(eligible.channel, is_member=False)))

    fake_slack.archive(PLATFORM)
    with pytest.raises(Refused, match="This channel is archived"):
        await eligible_channel_of(services, ANA, PLATFORM)


async def test_proposed_team_is_everyone_in_the_channel(services: Services) -> None:
    draft = await with_team(services, await eligible_channel_of(services), DRAFT)

    assert sorted(draft.members or ()) == sorted(MEMBERS)
    assert not draft.team_by_hand


async def test_team_of_a_large_channel_is_chosen_by_hand(
    services: Services, fake_slack: FakeSlack
) -> None:
    eligible = await eligible_channel_of(services)
    many = tuple(f"U0NEW{number}" for number in range(20))
    draft = await with_team(
        services, replace(eligible, member_ids=eligible.member_ids + many), DRAFT
    )

    assert draft.members == ()
    assert draft.team_by_hand
    assert not [call for call in fake_slack.calls if call.args.get("user") == many[0]]


async def test_chosen_team_is_kept(services: Services) -> None:
    chosen = replace(DRAFT, members=(BEN,))

    assert await with_team(services, await eligible_channel_of(services), chosen) == chosen


@pytest.mark.parametrize("user_id", [GUEST, EXTERNAL, DEACTIVATED, OTHER_BOT, SLACKBOT, "U0NOBODY"])
async def test_only_colleagues_can_be_chosen(services: Services, user_id: str) -> None:
    eligible = await eligible_channel_of(services)
    draft = replace(
        DRAFT, members=(BEN, user_id), co_leads=(user_id,), rows=(Row(text="It", owner_id=user_id),)
    )

    wrong = await people_errors(services, eligible, draft)
    assert set(wrong) == {"members", "co_leads", "owner.0"}
    assert all("can't be chosen" in text for text in wrong.values())


async def test_only_channel_members_can_be_chosen_as_team(services: Services) -> None:
    eligible = await eligible_channel_of(services, ANA, PLATFORM)
    draft = replace(DRAFT, members=(BEN, HANA), rows=(Row(text="It", owner_id=HANA),))

    wrong = await people_errors(services, eligible, draft)
    assert set(wrong) == {"members"}
    assert "Hana isn't in this channel" in wrong["members"]


async def test_colleagues_in_the_channel_are_accepted(services: Services) -> None:
    eligible = await eligible_channel_of(services)
    draft = replace(DRAFT, members=(BEN, CHIARA), co_leads=(HANA,))

    assert await people_errors(services, eligible, draft) == {}
