"""Stored people and event ids, and channels as Slack shows them to the bot."""

from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from bot.db import schema
from bot.db.engine import Database
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack import conversations
from bot.slack.conversations import fetch_channel, fetch_member_ids
from bot.slack.event_dedup import forget_old, is_new
from bot.slack.people import (
    DEACTIVATED_PROFILE_MAX_AGE,
    PROFILE_MAX_AGE,
    ids_to_refresh,
    mark_refreshed,
    mark_unreachable,
    stored_admins,
    stored_ids,
    stored_people,
)
from tests.harness import (
    ANA,
    ARCHIVED,
    BEN,
    CHIARA,
    DEV,
    EMI,
    FINN,
    LAUNCH,
    OWNER,
    PARTNER,
    PLATFORM,
    SECRET,
    WORKSPACE,
)
from tests.rounds.round_rows import NOW, a_person

SECOND = timedelta(seconds=1)


async def test_profiles_are_due_for_refresh_after_their_freshness_period(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, ANA, refreshed_at=NOW - PROFILE_MAX_AGE)
        await a_person(tx, BEN, refreshed_at=NOW - PROFILE_MAX_AGE + SECOND)
        await a_person(tx, CHIARA, refreshed_at=NOW - DEACTIVATED_PROFILE_MAX_AGE, is_deleted=True)
        await a_person(
            tx, DEV, refreshed_at=NOW - DEACTIVATED_PROFILE_MAX_AGE + SECOND, is_deleted=True
        )
        await a_person(tx, EMI, refreshed_at=NOW - DEACTIVATED_PROFILE_MAX_AGE)
        assert await ids_to_refresh(tx, WORKSPACE, NOW) == (ANA, CHIARA)
        assert await stored_ids(tx, WORKSPACE) == (ANA, BEN, CHIARA, DEV, EMI)

        await mark_refreshed(tx, WORKSPACE, CHIARA, NOW)
        assert await ids_to_refresh(tx, WORKSPACE, NOW) == (ANA,)


async def test_unreachable_people_are_due_for_refresh_within_a_week(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, BEN)
        await a_person(tx, CHIARA)
        await mark_unreachable(tx, WORKSPACE, BEN, NOW)
        await mark_unreachable(tx, WORKSPACE, FINN, NOW)  # not stored before
        found = await stored_people(tx, WORKSPACE, [BEN, CHIARA, FINN, "U0NEW"])
        assert {one: person.is_deleted for one, person in found.items()} == {
            BEN: True,
            CHIARA: False,
            FINN: True,
        }
        assert found[BEN].name == "Ben"
        assert await ids_to_refresh(tx, WORKSPACE, NOW + DEACTIVATED_PROFILE_MAX_AGE) == (BEN, FINN)


async def test_known_admins_excludes_closed_accounts_guests_and_other_teams(db: Database) -> None:
    async with db.transaction() as tx:
        await a_person(tx, OWNER, is_admin=True)
        await a_person(tx, ANA, is_admin=True)
        await a_person(tx, BEN)
        await a_person(tx, CHIARA, is_admin=True, is_deleted=True)
        await a_person(tx, DEV, is_admin=True, is_guest=True)
        await a_person(tx, EMI, is_admin=True, team_id="T0OTHER")
        admins = await stored_admins(tx, WORKSPACE)

    assert [admin.user_id for admin in admins] == [ANA, OWNER]


async def test_event_ids_are_deduplicated_and_deleted_after_two_days(db: Database) -> None:
    body = {"event_id": "Ev1"}
    async with db.transaction() as tx:
        assert await is_new(tx, WORKSPACE, body, NOW)
        assert not await is_new(tx, WORKSPACE, body, NOW)
        assert await is_new(tx, "T0OTHER", body, NOW)
        assert await is_new(tx, WORKSPACE, {"event_id": "Ev2"}, NOW + SECOND)

        await forget_old(tx, NOW + timedelta(days=2))
        assert not await is_new(tx, WORKSPACE, body, NOW)
        await forget_old(tx, NOW + timedelta(days=2) + SECOND)
        left = await tx.scalars(select(schema.events_seen.c.event_id))
        assert list(left) == ["Ev2"]


async def test_member_ids_reads_all_pages(
    services: Services, fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "PAGE_SIZE", 2)
    client = services.client_for(WORKSPACE)

    found = await fetch_member_ids(services.reads, client, WORKSPACE, LAUNCH)

    assert found == fake_slack.workspace.conversations[LAUNCH].members
    pages = [call for call in fake_slack.calls if call.method == "conversations.members"]
    assert len(pages) == (len(found) + 1) // 2


async def test_channel_of_reports_flags_and_hides_invisible_channels(
    services: Services, fake_slack: FakeSlack
) -> None:
    client = services.client_for(WORKSPACE)

    async def flags(channel_id: str) -> set[str] | None:
        found = await fetch_channel(services.reads, client, WORKSPACE, channel_id)
        names = ("is_member", "is_private", "is_archived", "is_shared")
        return None if found is None else {name for name in names if getattr(found, name)}

    assert await flags(LAUNCH) == {"is_member"}
    assert await flags(PLATFORM) == set()
    assert await flags(PARTNER) == {"is_member", "is_shared"}
    assert "is_archived" in (await flags(ARCHIVED) or ())
    assert await flags(SECRET) is None
    assert await flags("C0NOSUCH") is None
    found = await fetch_channel(services.reads, client, WORKSPACE, LAUNCH)
    assert found is not None
    assert (found.channel_id, found.name) == (LAUNCH, "launch")
    fake_slack.faults.fail_next("conversations.info", error="internal_error")
    with pytest.raises(SlackApiError):
        await flags(LAUNCH)


@pytest.mark.parametrize("flag", ["is_ext_shared", "is_pending_ext_shared"])
async def test_channel_counts_as_shared_once_an_external_invitation_is_pending(
    services: Services, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    async def answer(*_: object, **__: object) -> dict[str, Any]:
        return {"channel": {"id": LAUNCH, flag: True}}

    client = services.client_for(WORKSPACE)
    monkeypatch.setattr(services.reads, "read", answer)
    found = await fetch_channel(services.reads, client, WORKSPACE, LAUNCH)

    assert found is not None
    assert (found.is_shared, found.name) == (True, LAUNCH)
