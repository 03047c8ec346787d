"""Starting a phase in Slack: the command, three form pages, the announcement."""

from typing import Any

import pytest

from bot.start import wording
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
from tests.scenarios.lead import CLEAR, RICHER, SPRINT, TRUST, Lead, shown


async def test_sprint_from_command_to_announcement(harness: BotHarness, ana: Lead) -> None:
    assert await ana.types("results until 2026-12-18") == ""
    assert ana.page == "Is this the moment?"
    assert "With this one: 26 of 90 days in results sprints." in shown(ana.blocks)
    await ana.sends(**CLEAR)
    assert ana.page == "The promise"
    await ana.me.click("phase.start.richer")
    await ana.sends(**SPRINT, **RICHER)
    assert ana.page == "Preview"
    assert "Each of you owns a piece nobody else can." in shown(ana.blocks)
    assert "sees the results. First questions: Tue 24 Nov." in shown(ana.blocks)
    assert harness.slack.as_user(BEN).visible(LAUNCH) == []
    await ana.sends()

    assert ana.page == "Announced"
    (announcement,) = harness.slack.as_user(BEN).visible(LAUNCH)
    assert announcement["text"] == "🏁 Results sprint until Fri 18 Dec: ship the beta"
    assert shown(announcement["blocks"]).splitlines() == [
        "*🏁 Results sprint until Fri 18 Dec: ship the beta*",
        "25 days left · led by Ana",
        "*What's at stake:* Two customers decide on 21 Dec.",
        "*On hold:* Dark mode (Ben). Back on Mon 21 Dec.",
        "*What Ana asks:* Fast reviews, one late test night.",
        "*Protected:* Weekends, 1:1s, booked leave.",
        "*Why each of you matters:* Each of you owns a piece nobody else can.",
        "*What Ana gives up:* My roadmap review, polish.",
        "*Afterwards:* No new sprint before Thu 14 Jan.",
        "Every Tuesday, 7 people get three anonymous questions. Only totals are shared.",
        "My Part",
        "What Else Can Wait?",
        "Raise a Concern",
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
    assert "No new sprint" not in shown(announcement["blocks"])


async def test_first_questions_go_to_team_members_only(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.wait(days=2)

    for member in MEMBERS:
        first = harness.slack.as_user(member).dm_with_bot()[0]
        assert first["text"].startswith("Three quick questions about the start")
    for other in (GUEST, OTHER_BOT):
        assert harness.slack.as_user(other).dm_with_bot() == []


async def test_ordinary_week_warning_appears_at_the_answer_and_needs_a_tick(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(start__level__clarity="2")
    assert ana.page == "Is this the moment?"
    texts = [shown([block]) for block in ana.blocks]
    doubt = texts.index("*This looks like an ordinary week. Start anyway?*")
    assert ana.blocks[doubt - 1]["block_id"] == "start.level.clarity"
    assert "Tick below" in (await ana.sends())["start.level.clarity"]

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
    await ana.me.click("phase.start.richer")
    await ana.sends(**SPRINT, **RICHER)
    await ana.me.click("phase.start.back")
    assert ana.page == "The promise"
    assert ana.typed("start.text.give_up") == RICHER["start.text.give_up"]
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
    assert "Every Thursday, 4 people get three anonymous questions." in shown(
        announcement["blocks"]
    )


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("start.members", [BEN, GUEST], "Greta can't be chosen"),
        ("start.members", [BEN, EXTERNAL], "can't be chosen"),
        ("start.members", [ANA], "Nobody is on the team"),
        ("start.co_leads", [OTHER_BOT], "can't be chosen"),
        ("start.owner.0", OTHER_BOT, "can't be chosen"),
        ("start.time_of_day", "22:00", "between 08:00 and 20:00"),
        ("start.ends_on", "2026-11-23", "isn't after today"),
        ("start.ends_on", "2027-03-01", "at most 6 weeks"),
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
    assert ana.typed("start.text.ask") == SPRINT["start.text.ask"]


async def test_sprint_over_budget_needs_a_public_justification(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("results 3w")
    await harness.wait(days=22)  # one day after its automatic end
    await ana.types("results 2w")
    assert "Say why this can't wait; the channel will see it." in shown(ana.blocks)
    errors = await ana.sends(**CLEAR, start__text__justification="\u200b")
    assert errors == {"start.text.justification": wording.JUSTIFICATION_BLANK}

    await ana.sends(start__text__justification="The customer moved the date.")
    assert ana.page == "The promise"
    assert "start.text.justification" not in ana.inputs
    await ana.sends(**SPRINT)
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


async def test_justification_needed_for_a_later_end_is_asked_for_on_page_2(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    assert await ana.sends(**SPRINT, start__ends_on="2026-12-31") == {}

    assert ana.page == "The promise"
    assert "With this one: 39 of 90 days in results sprints. The limit here is 30." in shown(
        ana.blocks
    )
    assert "start.text.justification" in ana.inputs
    await ana.sends(start__text__justification="The customer moved the date.")
    await ana.sends()
    assert ana.page == "Announced"


async def test_choosing_the_kind_changes_the_question_about_trust_and_keeps_the_answers(
    ana: Lead,
) -> None:
    await ana.types("")
    await ana.me.fill(ana.view["id"], CLEAR)
    assert "Even under pressure, do I make time" in str(ana.blocks)

    await ana.me.click("phase.start.kind", value="trust_building")

    assert "do I put trust and relationships before results?" in str(ana.blocks)
    assert "results sprints" not in shown(ana.blocks)
    assert ana.typed("start.kind")["value"] == "trust_building"
    assert ana.typed("start.level.clarity")["value"] == "4"
    assert await ana.sends() == {}
    assert ana.page == "The promise"


@pytest.mark.parametrize("kind", ["results_sprint", "trust_building"])
async def test_example_fills_page_2_and_the_preview_tells_that_it_is_one(
    ana: Lead, kind: str
) -> None:
    await ana.types("")
    await ana.me.click("phase.start.example")
    assert wording.EXAMPLE_FILLED in shown(ana.blocks)
    await ana.sends(start__kind=kind, **CLEAR)

    assert await ana.sends() == {}

    assert ana.page == "Preview"
    assert wording.STILL_EXAMPLE in shown(ana.blocks)


async def test_last_phase_can_be_copied_without_its_end_and_those_who_left(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("trust 2w")
    await harness.wait(days=16)
    harness.slack.leave(LAUNCH, HANA)
    ben = Lead(harness, BEN)
    await ben.types("")
    assert "Fill In an Example" not in shown(ben.blocks)

    await ben.me.click("phase.start.copy")
    assert wording.COPIED in shown(ben.blocks)
    assert ben.typed("start.kind")["value"] == "trust_building"
    await ben.sends(**CLEAR)

    assert ben.typed("start.text.listening") == TRUST["start.text.listening"]
    assert ben.typed("start.ends_on") == "2026-12-23"
    await ben.me.click("phase.start.more")
    assert sorted(ben.typed("start.members")) == sorted({ANA, *MEMBERS} - {BEN, HANA})
    assert await ben.sends() == {}
    assert ben.page == "Preview"


@pytest.mark.parametrize("button", ["phase.start.richer", "phase.start.more"])
async def test_unfolded_parts_fold_again_and_keep_what_was_typed(ana: Lead, button: str) -> None:
    typed = {"phase.start.richer": ("start.text.give_up", "Polish."),
             "phase.start.more": ("start.members", [BEN, CHIARA])}  # fmt: skip
    block_id, value = typed[button]
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    folded = ana.inputs
    await ana.me.click(button)
    await ana.me.fill(ana.view["id"], {block_id: value})

    await ana.me.click(button)
    assert ana.inputs == folded
    await ana.me.click(button)

    assert ana.typed(block_id) == value
