"""Starting a phase as a lead does it in Slack: the command, three pages, the announcement."""

from typing import Any

import pytest
from sqlalchemy import func, select

from bot.db import schema
from tests.vocabulary import (
    ANA,
    ARCHIVED,
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
    SECRET,
    House,
)

CLEAR = {"start.level.clarity": "4", "start.level.trust": "3"}
SPRINT = {
    "start.text.milestone": "ship the beta",
    "start.text.stakes": "Two customers decide on 21 Dec.",
    "start.row.0": "Dark mode",
    "start.owner.0": BEN,
    "start.text.ask": "Fast reviews, one late test night.",
    "start.text.protected": "Weekends, 1:1s, booked leave.",
    "start.text.why_you": "Each of you owns a piece nobody else can.",
    "start.text.give_up": "My roadmap review, polish.",
}
TRUST = {
    "start.text.milestone": "new platform team",
    "start.text.purpose": "Decide together without waiting for me.",
    "start.text.mistakes_fine": "Internal tools, first drafts.",
    "start.text.mistakes_not": "Customer data.",
    "start.text.listening": "Open hour Thursdays; you speak first.",
    "start.text.yours_to_shape": "How we review and meet.",
    "start.text.give_up": "Having the last word on design.",
}


class Lead:
    """Ana (or another) at a form."""

    def __init__(self, house: House, user_id: str = ANA) -> None:
        self.house = house
        self.me = house.slack.as_user(user_id)

    @property
    def page(self) -> str:
        view = self.me.top_view
        return view["title"]["text"] if view else ""

    @property
    def view(self) -> dict[str, Any]:
        """The form on top."""
        assert self.me.top_view is not None
        return self.me.top_view

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return list(self.view["blocks"])

    @property
    def inputs(self) -> list[str]:
        return [block["block_id"] for block in self.blocks if block["type"] == "input"]

    def typed(self, block_id: str) -> Any:
        (state,) = self.view["state"]["values"][block_id].values()
        return next(value for key, value in state.items() if key != "type")

    async def types(self, text: str, channel_id: str = LAUNCH) -> str:
        """Type the command; returns what only this person is told."""
        answer = await self.me.command(f"/imbalance start {text}".strip(), channel_id)
        return answer.text

    async def sends(self, **values: Any) -> dict[str, str]:
        """Fill in and submit the page; returns the errors beside its fields."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        await self.me.fill(self.view["id"], named)
        answer = await self.me.submit()
        await self.house.settle()
        return answer.errors

    async def starts(self, kind: str = "results 2w", channel_id: str = LAUNCH) -> None:
        """All of it, from the command to *Announce*."""
        assert await self.types(kind, channel_id) == ""
        assert await self.sends(**CLEAR) == {}
        promise = TRUST if kind.startswith("trust") else SPRINT
        assert await self.sends(**promise) == {}
        assert await self.sends() == {}


def shown(blocks: list[dict[str, Any]]) -> str:
    """Every text in the blocks, in reading order."""
    found = []
    for block in blocks:
        parts = [block, *block.get("elements", [])]
        found += [part["text"] for part in parts if isinstance(part.get("text"), str)]
        found += [part["text"]["text"] for part in parts if isinstance(part.get("text"), dict)]
    return "\n".join(found)


async def count(house: House, table: Any) -> int:
    async with house.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def ana(house: House) -> Lead:
    return Lead(house)


async def test_a_sprint_from_the_command_to_the_announcement(house: House, ana: Lead) -> None:
    assert await ana.types("results until 2026-12-18") == ""
    assert ana.page == "Is this the moment?"
    assert "With this one: 26 of 90 days in results sprints." in shown(ana.blocks)
    await ana.sends(**CLEAR)
    assert ana.page == "The promise"
    await ana.sends(**SPRINT)
    assert ana.page == "Preview"
    assert "Each of you owns a piece nobody else can." in shown(ana.blocks)
    assert "What each of 7 people gets* Tuesdays at 10:00" in shown(ana.blocks)
    assert house.slack.as_user(BEN).visible(LAUNCH) == []
    await ana.sends()

    assert ana.page == "Announced"
    (announcement,) = house.slack.as_user(BEN).visible(LAUNCH)
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
    channel = house.slack.workspace.conversations[LAUNCH]
    assert [pin["ts"] for pin in channel.pins] == [announcement["ts"]]
    assert [bookmark["title"] for bookmark in channel.bookmarks] == [
        "Results sprint: ship the beta"
    ]


async def test_trust_building_chosen_in_the_form(house: House, ana: Lead) -> None:
    await ana.types("")
    assert await ana.sends(start__kind="trust_building", **CLEAR) == {}
    assert await ana.sends(**TRUST) == {}
    await ana.sends()

    (announcement,) = house.slack.as_user(BEN).visible(LAUNCH)
    assert announcement["text"] == "🌱 Trust-building until Mon 7 Dec: new platform team"
    assert "*Not here:* Customer data." in shown(announcement["blocks"])
    assert "no new sprint" not in shown(announcement["blocks"])


async def test_the_first_questions_come_the_next_morning(house: House, ana: Lead) -> None:
    await ana.starts()
    await house.wait(days=2)

    for member in MEMBERS:
        first = house.slack.as_user(member).dm_with_bot()[0]
        assert first["text"].startswith("Three questions about the start")
    for other in (GUEST, OTHER_BOT):
        assert house.slack.as_user(other).dm_with_bot() == []


async def test_an_ordinary_week_is_doubted_at_the_place(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(start__level__clarity="2")
    assert ana.page == "Is this the moment?"
    texts = [shown([block]) for block in ana.blocks]
    doubt = texts.index("*This looks like an ordinary week. Start anyway?*")
    assert ana.blocks[doubt - 1]["block_id"] == "start.level.clarity"
    assert "Tick Yes" in (await ana.sends())["start.level.clarity"]

    await ana.sends(start__anyway=["yes"])

    assert ana.page == "The promise"


async def test_a_clearer_answer_needs_no_tick(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(start__level__clarity="1")

    await ana.sends(start__level__clarity="3")

    assert ana.page == "The promise"


async def test_the_questions_may_stay_blank(house: House, ana: Lead) -> None:
    await ana.types("results 2w")

    await ana.sends()

    assert ana.page == "The promise"


async def test_nothing_typed_is_lost_on_the_way_back(ana: Lead) -> None:
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


async def test_another_row_keeps_what_is_typed_up_to_five(ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    for number in range(1, 5):
        await ana.me.fill(ana.view["id"], {f"start.row.{number - 1}": f"Thing {number}"})
        await ana.me.click("phase.start.add")
    assert ana.typed("start.row.3") == "Thing 4"
    assert not any(block["block_id"] == "start.rows" for block in ana.blocks)

    await ana.sends(**{**SPRINT, "start.row.4": "Thing 5"})

    assert "Dark mode (Ben), Thing 2 (Ana), Thing 3 (Ana)" in shown(ana.blocks)


async def test_more_options_open_in_place(house: House, ana: Lead) -> None:
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

    (announcement,) = house.slack.as_user(BEN).visible(LAUNCH)
    assert "led by Ana and Hana" in shown(announcement["blocks"])
    assert "Thursdays: 3 questions to 4 people, totals only." in shown(announcement["blocks"])


@pytest.mark.parametrize(
    ("option", "value", "said"),
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
async def test_errors_stand_at_their_field(ana: Lead, option: str, value: Any, said: str) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.more")

    errors = await ana.sends(**{**SPRINT, option: value})

    assert list(errors) == [option]
    assert said in errors[option]
    assert errors[option].startswith("Nothing was started: ")
    assert ana.typed("start.text.ask") == SPRINT["start.text.ask"]


async def test_a_second_sprint_too_soon_is_justified_in_public(house: House, ana: Lead) -> None:
    await ana.starts("results 3w")
    await house.wait(days=22)  # it ended by itself, and a day passed
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    assert ana.page == "The promise"
    assert "Write why it is worth it; the announcement prints it." in shown(ana.blocks)

    await ana.sends(start__text__justification="The customer moved the date.")
    assert ana.page == "Preview"
    await ana.sends()

    announcement = house.slack.as_user(BEN).visible(LAUNCH)[-1]
    assert "*Why another sprint:* The customer moved the date." in shown(announcement["blocks"])


@pytest.mark.parametrize(
    ("who", "channel_id", "said"),
    [
        (ANA, SECRET, "I am not in this private channel"),
        (ANA, ARCHIVED, "archived"),
        (GUEST, LAUNCH, "guests and people from other organisations"),
    ],
)
async def test_a_refusal_says_why_and_what_to_do(
    house: House, who: str, channel_id: str, said: str
) -> None:
    lead = Lead(house, who)

    told = await lead.types("results 2w", channel_id)

    assert said in told
    assert told.startswith("Nothing was ")
    assert lead.me.top_view is None


async def test_a_direct_message_is_no_place_for_a_phase(house: House, ana: Lead) -> None:
    await ana.me.open_home()
    direct = ana.me.direct_message
    assert direct is not None

    assert "a phase belongs to a channel" in await ana.types("results", direct.id)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("results until 31-12", 'cannot read "31-12" as a day'),
        ("results until", "cannot read nothing as a day"),
        ("results until 2026-11-20", "Fri 20 Nov is not after today"),
        ("results 30w", "more than the 6 weeks"),
        ("999w", "more than the 12 weeks"),
    ],
)
async def test_what_cannot_be_is_said_at_the_command(ana: Lead, words: str, said: str) -> None:
    assert said in await ana.types(words)
    assert ana.me.top_view is None


async def test_a_public_channel_is_joined_when_it_is_announced(house: House, ana: Lead) -> None:
    await ana.types("trust 3w", PLATFORM)
    await ana.sends(**CLEAR)
    await ana.sends(**TRUST)
    joined = [call.method for call in house.slack.calls if call.method == "conversations.join"]
    assert joined == []

    await ana.sends()

    (announcement,) = [one for one in ana.me.visible(PLATFORM) if one.get("bot_id")]
    assert announcement["text"] == "🌱 Trust-building until Mon 14 Dec: new platform team"


async def test_one_phase_a_channel(house: House, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(house, BEN)

    told = await ben.types("trust")

    assert "a results sprint runs here until Mon 7 Dec" in told
    assert "/imbalance extend" in told
    assert ben.me.top_view is None


async def test_who_was_slower_loses_nothing(house: House, ana: Lead) -> None:
    ben = Lead(house, BEN)
    await ben.types("trust 2w")
    await ben.sends(**CLEAR)
    await ben.sends(**TRUST)
    await ana.starts()

    await ben.sends()

    assert ben.page == "Preview"
    assert "a results sprint runs here until Mon 7 Dec" in shown(ben.blocks)
    assert "What you typed is kept for a week" in shown(ben.blocks)
    assert "Customer data." in shown(ben.blocks)
    assert await count(house, schema.phases) == 1


async def test_what_was_left_half_done_comes_back(house: House, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    await ana.me.close()

    await ana.types("")

    assert "What you typed here before is filled in." in shown(ana.blocks)
    await ana.sends()
    assert ana.typed("start.text.stakes") == SPRINT["start.text.stakes"]


async def test_an_end_that_passed_meanwhile_is_not_brought_back(house: House, ana: Lead) -> None:
    await ana.types("results until 2026-11-25 ship the beta")
    await ana.sends(**CLEAR)
    await ana.me.close()
    await house.wait(days=3)

    await ana.types("")
    await ana.sends()

    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.ends_on") == "2026-12-10"


async def test_a_page_of_a_forgotten_form_says_so(house: House, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await house.wait(days=8)

    errors = await ana.sends(**SPRINT)

    assert "this form is older than a week and was forgotten" in str(errors)


async def test_submitted_twice_it_is_one_phase(house: House, ana: Lead) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.sends(**SPRINT)
    draft_id = ana.view["private_metadata"]
    await ana.sends()
    await ana.types("results 2w")  # refused; the old form is sent once more
    async with house.bot.db.reading() as reader:
        kept = await reader.scalar(
            select(schema.phase_drafts.c.phase_id).where(schema.phase_drafts.c.draft_id == draft_id)
        )

    assert kept is not None
    assert await count(house, schema.phases) == 1
    assert len(house.slack.as_user(BEN).visible(LAUNCH)) == 1


async def test_mentions_are_shown_and_never_fire(house: House, ana: Lead) -> None:
    hostile = {name: "<!channel> & <@U0BEN> *now* \u202e😀 שלום" for name in SPRINT}
    await ana.types("results 2w <!channel> &amp; more")
    await ana.sends(**CLEAR)
    await ana.sends(**{**hostile, "start.owner.0": BEN})
    await ana.sends()

    (announcement,) = house.slack.as_user(BEN).visible(LAUNCH)
    said = announcement["text"] + shown(announcement["blocks"])
    assert "&lt;!channel&gt;" in said
    assert "<!channel>" not in said
    assert "<@U0BEN>" not in said
    assert "\u202e" not in said
    assert "שלום" in said


async def test_after_one_extension_a_new_phase_follows(house: House, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance extend", LAUNCH)
    await ana.sends(**{"ends_on": "2026-12-10", "reason": "The audit came late."})
    await ana.me.close()
    await house.wait(days=15)
    await ana.me.command("/imbalance extend", LAUNCH)
    assert ana.page == "Is this the moment?"
    assert "was extended once already" in shown(ana.blocks)

    await ana.sends(**CLEAR)
    assert ana.typed("start.text.milestone") == "ship the beta"
    assert ana.typed("start.row.0") == "Dark mode"
    await ana.sends()
    assert "The phase before was extended already" in shown(ana.blocks)
    await ana.sends(**{"start.text.justification": "One customer is left."})
    assert await count(house, schema.phases) == 1
    await ana.sends()

    assert ana.page == "Announced"
    told = [one["text"] for one in ana.me.visible(LAUNCH) if "Results sprint" in one["text"]]
    assert "🏁 Results sprint, ended Tue 8 Dec: ship the beta" in told
    assert "🏁 Results sprint until Tue 22 Dec: ship the beta" in told
    channel = house.slack.workspace.conversations[LAUNCH]
    assert len(channel.pins) == len(channel.bookmarks) == 1


async def test_days_left_are_counted_down(house: House, ana: Lead) -> None:
    await ana.starts()

    await house.wait(days=13)

    announcement = ana.me.visible(LAUNCH)[0]
    assert "1 day left" in shown(announcement["blocks"])


async def test_my_part_stands_under_details(house: House, ana: Lead) -> None:
    await ana.starts()
    ben, chiara = Lead(house, BEN), Lead(house, CHIARA)
    await ben.me.click("phase.my_part")
    await ben.sends(**{"phase.part.text": "I carry the importer."})

    await chiara.me.click("phase.details")

    said = shown(chiara.blocks)
    assert "• Ben: I carry the importer." in said
    assert "Chiara:" not in said


async def test_a_concern_reaches_the_leads_without_a_name(house: House, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(house, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": "Two of us worked on Sunday."})
    assert ana.me.dm_with_bot() == []

    await house.wait(days=1, hours=1)

    told = [one for one in ana.me.dm_with_bot() if "concern" in one["text"]]
    assert len(told) == 1
    assert "Two of us worked on Sunday." in shown(told[0]["blocks"])
    assert "Ben" not in str(told[0])
    assert await count(house, schema.concerns) == 0


async def test_who_is_not_in_the_team_is_told_so(house: House, ana: Lead) -> None:
    await ana.starts()
    guest = house.slack.as_user(GUEST)

    for button in ("phase.my_part", "phase.concern"):
        await guest.click(button)
        assert guest.top_view is None
        assert "you are not in the team of this phase" in str(guest.ephemerals(LAUNCH)[-1])
