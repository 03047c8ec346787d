"""People as Slack may describe them, through a whole week: of an organisation, without a zone."""

from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.scenarios.lead import Lead, shown

GRID = {"enterprise_id": "E0GRID", "teams": ["T0PLAY", "T2"]}
ELSEWHERE = {"enterprise_id": "E0ELSE", "teams": ["T9"]}


async def test_colleagues_are_asked_and_outsiders_are_not_whatever_their_team_id(
    harness: BotHarness, ana: Lead
) -> None:
    slack = harness.slack
    people = {
        "U0GRID": slack.copy_of(BEN, id="U0GRID", name="grid", team_id="T2", **GRID),
        "U0ORG": slack.copy_of(BEN, id="U0ORG", name="org", team_id="E0GRID", **GRID),
        "U0OUT": slack.copy_of(BEN, id="U0OUT", name="out", team_id="", **ELSEWHERE),
        "U0NEW": slack.copy_of(BEN, id="U0NEW", name="new", is_invited=True),
    }
    for user_id, person in people.items():
        slack.workspace.users[user_id] = person
        slack.workspace.conversations[LAUNCH].members.append(user_id)
    await ana.starts()
    await harness.wait(days=4)

    asked = {user_id for user_id in people if slack.as_user(user_id).dm_with_bot()}
    assert asked == {"U0GRID", "U0ORG"}


async def test_colleague_of_the_organisation_starts_a_phase(harness: BotHarness) -> None:
    harness.slack.change_user(ANA, team_id="T2", **GRID)
    lead = Lead(harness)
    await lead.starts()

    assert lead.page == "Announced"


async def test_person_without_a_zone_or_a_shown_name_is_asked_by_day(
    harness: BotHarness, ana: Lead
) -> None:
    harness.slack.change_user(BEN, tz=None, real_name="", display_name="\u200b\u202e")
    await ana.starts()
    await harness.wait(days=4)

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    assert "\u202e" not in shown(announcement["blocks"])
    assert "Dark mode (ben)" in shown(announcement["blocks"])
    assert harness.slack.as_user(BEN).dm_with_bot()
