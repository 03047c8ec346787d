"""Profiles as Slack gives them: people of an organisation, hidden names, no time zone."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.db import schema
from bot.services import Services
from bot.slack.mrkdwn import length
from bot.slack.people import MAX_NAME_LENGTH, admins_among, person_from, store_person, stored_people
from bot.workspaces.store import remember_workspace
from tests.harness import WORKSPACE
from tests.rounds.round_rows import NOW

BEN: dict[str, Any] = {"id": "U0BEN", "name": "ben", "team_id": WORKSPACE}
ELSEWHERE = {"id": "W1", "enterprise_id": "E0ELSE", "teams": ["T9"]}


def grid(*teams: str) -> dict[str, Any]:
    return {"id": "W1", "enterprise_id": "E0GRID", "teams": [*teams]}


@pytest.mark.parametrize(
    ("profile", "is_external"),
    [
        ({}, False),
        ({"team_id": "T2"}, True),
        ({"team_id": None}, False),  # servers other than Slack may leave it out
        ({"team_id": None, "is_stranger": True}, True),
        ({"team_id": "T2", "enterprise_user": grid(WORKSPACE, "T2")}, False),
        ({"team_id": "E0GRID", "enterprise_user": grid(WORKSPACE)}, False),
        ({"team_id": None, "teams": [WORKSPACE]}, False),
        ({"team_id": None, "teams": ["T9"], "enterprise_user": ELSEWHERE}, True),
        ({"team_id": None, "enterprise_id": "E0ELSE"}, True),
        ({"team_id": WORKSPACE, "enterprise_user": grid("T2")}, True),
        ({"team_id": WORKSPACE, "enterprise_user": {"teams": []}, "teams": None}, False),
    ],
)
async def test_list_of_workspaces_says_who_is_an_outsider(
    services: Services, profile: dict[str, Any], is_external: bool
) -> None:
    user = {**BEN, **profile}
    async with services.db.transaction() as tx:
        await store_person(tx, WORKSPACE, user, NOW)
        stored = (await stored_people(tx, WORKSPACE, ["U0BEN"]))["U0BEN"]

    assert stored == person_from(WORKSPACE, user)
    assert stored.is_external is is_external
    assert stored.is_full_member is not is_external


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"profile": {"display_name": "R&amp;D &lt;Ben&gt;"}}, "R&D <Ben>"),
        ({"profile": {"display_name": "\u202eneB\u200b"}}, "neB"),
        ({"profile": {"display_name": "Ben\nOkafor\t"}}, "Ben Okafor"),
        ({"profile": {"display_name": "\u200b", "real_name": "Ben Okafor"}}, "Ben Okafor"),
        (
            {"profile": {"display_name": "", "real_name": ""}, "real_name": "", "name": ""},
            "U0BEN",
        ),
        ({"profile": {"display_name": 17, "real_name": ["Ben"]}, "name": None}, "U0BEN"),
        ({"profile": None}, "ben"),
    ],
)
def test_name_is_cleaned_and_unescaped_once(names: dict[str, Any], shown: str) -> None:
    assert person_from(WORKSPACE, {**BEN, **names}).name == shown


def test_long_name_is_cut_to_slacks_limit() -> None:
    name = person_from(WORKSPACE, {**BEN, "profile": {"display_name": "\U0001f469" * 300}}).name
    assert length(name) <= MAX_NAME_LENGTH


@pytest.mark.parametrize("zone", [None, "", 7, "x" * 65])
def test_unusable_zone_counts_as_none(zone: object) -> None:
    assert person_from(WORKSPACE, {**BEN, "tz": zone}).zone is None


def test_invited_person_is_not_asked_before_they_join() -> None:
    invited = {**BEN, "is_invited_user": True, "is_admin": True}
    assert not person_from(WORKSPACE, invited).is_full_member
    assert admins_among([invited, {**BEN, "is_admin": True}]) == [{**BEN, "is_admin": True}]


async def test_name_of_the_workspace_is_cleaned_unescaped_and_fitted(services: Services) -> None:
    for typed, stored in (("R&amp;D\u202e", "R&D"), ("", WORKSPACE), ("x" * 300, "x" * 79 + "…")):
        identity = {"team_id": WORKSPACE, "user_id": "U0BOT", "team": typed}
        async with services.db.transaction() as tx:
            await remember_workspace(tx, identity, NOW)
            assert await tx.scalar(select(schema.workspaces.c.name)) == stored
