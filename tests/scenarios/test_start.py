"""Starting a phase in Slack: the command, three form pages, the announcement."""

from typing import Any

import pytest

from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EMI,
    EXTERNAL,
    GUEST,
    HANA,
    LAUNCH,
    MEMBERS,
    OTHER_BOT,
    PLATFORM,
    BotHarness,
)
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead, shown


async def test_sprint_from_command_to_announcement(harness: BotHarness, ana: Lead) -> None:
    assert await ana.types("results until 2026-12-18") == ""
    assert ana.page == "Is this the moment?"
    assert "With this one: 26 of 90 days in results sprints." in shown(ana.blocks)
    await ana.sends(**CLEAR)
    assert ana.page == "The promise"
    await ana.sends(**SPRINT)
    assert ana.page == "Preview"
    assert "Each of you owns a piece nobody else can." in shown(ana.blocks)
    assert "What each of 7 people gets* Tuesdays at 10:00" in shown(ana.blocks)
    assert harness.slack.as_user(BEN).visible(LAUNCH) == []
    await ana.sends()

    assert ana.page == "Announced"
    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    assert announcement["text"] == "🏁 Results sprint until Fri 18 Dec: ship the beta"
    assert shown(announcement["blocks"]).splitlines() == [
        "*🏁 Results sprint until Fri 18 Dec: ship the beta*",
        "25 days left · led by Ana",
        "*Why now:* Two customers decide on 21 Dec.",
        "*What waits:* Dark mode (Ben).",
        "Back on Mon 21 Dec.",
        "*What I ask:* Fast reviews, one late test night.",
        "*Protected:* Weekends, 1:1s, booked leave.",
        "*Why you:* Each of you owns a piece nobody else can.",
        "*What I give up:* My roadmap review, polish.",
        "*After:* no new sprint planned before Thu 14 Jan.",
        "Tuesdays: 3 questions to 7 people, totals only.",
        "My part",
        "Raise a concern",
        "Details",
    ]
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert [pin["ts"] for pin in channel.pins] == [announcement["ts"]]
    assert [bookmark["title"] for bookmark in channel.bookmarks] == [
        "Results sprint: ship the beta"
    ]


async def test_form_opens_before_the_channel_is_looked_up(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()  # stores Ana's profile
    await harness.wait(days=15)
    before = len(harness.slack.calls)

    await ana.types("results 2w")
    await harness.settle()

    opened, *lookups = [call.method for call in harness.slack.calls[before:]]
    assert opened == "views.open"
    assert sorted(lookups) == ["conversations.info", "conversations.members"]


async def test_trust_building_can_be_chosen_in_the_form(harness: BotHarness, ana: Lead) -> None:
    await ana.types("")
    assert await ana.sends(start__kind="trust_building", **CLEAR) == {}
    assert await ana.sends(**TRUST) == {}
    await ana.sends()

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    assert announcement["text"] == "🌱 Trust-building until Mon 7 Dec: new platform team"
    assert "*Not here:* Customer data." in shown(announcement["blocks"])
    assert "no new sprint" not in shown(announcement["blocks"])


async def test_first_questions_go_to_team_members_only(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.wait(days=2)

    for member in MEMBERS:
        first = harness.slack.as_user(member).dm_with_bot()[0]
        assert first["text"].startswith("Three questions about the start")
    for other in (GUEST, OTHER_BOT):
        assert harness.slack.as_user(other).dm_with_bot() == []


async def test_ordinary_week_warning_appears_at_the_answer_and_needs_a_tick(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(start__level__clarity="2")
    assert ana.page == "Is this the moment?"
    texts = [shown([block]) for block in ana.blocks]
    doubt = texts.index("*This looks like an ordinary week. Start anyway?*")
    assert ana.blocks[doubt - 1]["block_id"] == "start.level.clarity"
    assert "Tick Yes" in (await ana.sends())["start.level.clarity"]

    await ana.sends(start__anyway=["yes"])

    assert ana.page == "The promise"


async def test_higher_clarity_needs_no_tick(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(start__level__clarity="1")

    await ana.sends(start__level__clarity="3")

    assert ana.page == "The promise"


async def test_clarity_and_trust_may_be_left_blank(harness: BotHarness, ana: Lead) -> None:
    await ana.types("results 2w")

    await ana.sends()

    assert ana.page == "The promise"


async def test_going_back_keeps_everything_typed(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    await ana.me.click("phase.start.back")
    assert ana.page == "The promise"
    assert ana.typed("start.text.give_up") == SPRINT["start.text.give_up"]
    assert ana.typed("start.owner.0") == BEN
    await ana.me.fill(ana.view["id"], {"start.text.ask": "Something else"})
    await ana.me.click("phase.start.back")
    assert ana.page == "Is this the moment?"
    assert ana.typed("start.level.clarity")["value"] == "4"

    await ana.sends()

    assert ana.typed("start.text.ask") == "Something else"


async def test_adding_rows_keeps_typed_items_up_to_five(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    for number in range(1, 5):
        await ana.me.fill(ana.view["id"], {f"start.row.{number - 1}": f"Thing {number}"})
        await ana.me.click("phase.start.add")
    assert ana.typed("start.row.3") == "Thing 4"
    assert not any(block["block_id"] == "start.rows" for block in ana.blocks)

    await ana.sends(**{**SPRINT, "start.row.4": "Thing 5"})

    assert "Dark mode (Ben), Thing 2 (Ana), Thing 3 (Ana)" in shown(ana.blocks)


async def test_more_options_keep_typed_text_and_reach_the_announcement(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.fill(ana.view["id"], {"start.text.ask": "Fast reviews"})
    await ana.me.click("phase.start.more")
    assert ana.typed("start.text.ask") == "Fast reviews"
    assert sorted(ana.typed("start.members")) == sorted(MEMBERS)

    options = {
        "start.members": [BEN, CHIARA, DEV, EMI],
        "start.co_leads": [HANA],
        "start.weekday": "3",
        "start.time_of_day": "15:30",
        "start.comments_to": "team",
        "start.remind": [],
    }
    await ana.sends(**SPRINT, **options)
    await ana.sends()

    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    assert "led by Ana and Hana" in shown(announcement["blocks"])
    assert "Thursdays: 3 questions to 4 people, totals only." in shown(announcement["blocks"])


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("start.members", [BEN, GUEST], "Greta cannot be chosen"),
        ("start.members", [BEN, EXTERNAL], "cannot be chosen"),
        ("start.members", [ANA], "nobody is in the team"),
        ("start.co_leads", [OTHER_BOT], "cannot be chosen"),
        ("start.owner.0", OTHER_BOT, "cannot be chosen"),
        ("start.time_of_day", "22:00", "between 08:00 and 20:00"),
        ("start.ends_on", "2026-11-23", "not after today"),
        ("start.ends_on", "2027-03-01", "more than the 6 weeks"),
    ],
)
async def test_errors_appear_at_their_fields(
    ana: Lead, option: str, value: Any, error: str
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")

    errors = await ana.sends(**{**SPRINT, option: value})

    assert list(errors) == [option]
    assert error in errors[option]
    assert errors[option].startswith("Nothing was started: ")
    assert ana.typed("start.text.ask") == SPRINT["start.text.ask"]


async def test_sprint_over_budget_needs_a_public_justification(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("results 3w")
    await harness.wait(days=22)  # one day after its automatic end
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    assert ana.page == "The promise"
    assert "Write why it is worth it; the announcement prints it." in shown(ana.blocks)

    await ana.sends(start__text__justification="The customer moved the date.")
    assert ana.page == "Preview"
    await ana.sends()

    announcement = harness.slack.as_user(BEN).visible(LAUNCH)[-1]
    assert "*Why another sprint:* The customer moved the date." in shown(announcement["blocks"])


async def test_bot_joins_a_public_channel_only_when_announcing(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("trust 3w", PLATFORM)
    await ana.sends(**CLEAR)
    await ana.sends(**TRUST)
    joined = [call.method for call in harness.slack.calls if call.method == "conversations.join"]
    assert joined == []

    await ana.sends()

    (announcement,) = [one for one in ana.me.visible(PLATFORM) if one.get("bot_id")]
    assert announcement["text"] == "🌱 Trust-building until Mon 14 Dec: new platform team"
