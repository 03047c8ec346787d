"""The end of a phase in Slack: warning, automatic end, wrap-up and goodbyes."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness import ANA, BEN, CHIARA, FINN, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead, shown

WARNED = datetime(2026, 12, 3, 10, tzinfo=UTC)
OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)  # the sprint of two weeks has ended
WRAP_UP = {"outcome": "Beta is out.", "learning": "Review earlier.", "thanks": "To all."}


def dms_containing(harness: BotHarness, user_id: str, words: str) -> list[dict[str, Any]]:
    """Return the bot's direct messages to a person whose text contains these words."""
    return [one for one in harness.slack.as_user(user_id).dm_with_bot() if words in one["text"]]


def channel_messages_containing(harness: BotHarness, words: str) -> list[dict[str, Any]]:
    return [one for one in harness.slack.as_user(BEN).visible(LAUNCH) if words in one["text"]]


async def run_command(harness: BotHarness, user_id: str, words: str) -> str:
    answer = await harness.slack.as_user(user_id).command(f"/imbalance {words}".strip(), LAUNCH)
    return answer.text


async def test_lead_is_warned_before_the_end_and_the_phase_ends_automatically(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    (warning,) = dms_containing(harness, ANA, "ends on Mon 7 Dec")
    assert "Nothing needs to be done: it ends by itself" in shown(warning["blocks"])
    assert dms_containing(harness, BEN, "ends on") == []

    await harness.travel_to(OVER)

    announcement, *_ = channel_messages_containing(harness, "ended Mon 7 Dec: ship the beta")
    assert "My Part" not in shown(announcement["blocks"])
    (closing,) = channel_messages_containing(harness, "it's over")
    text = shown(closing["blocks"])
    assert "It took 15 days." in text
    assert "• Dark mode: back with <@U0BEN> on Tue 8 Dec." in text
    assert "*Recovery:* no new sprint is planned before Wed 23 Dec." in text
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert channel.pins == []
    assert channel.bookmarks == []
    assert len(dms_containing(harness, ANA, "has ended. What did it bring?")) == 1
    assert harness.slack.problems == []


async def test_wrap_up_before_the_end_ends_the_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    await ana.me.click("phases.end")
    assert ana.page == "Wrap up"
    assert "The phase ends when you send this" in shown(ana.blocks)
    assert ana.inputs[:5] == ["outcome", "learning", "thanks", "outcome:0", "until:0"]

    assert await ana.sends(**WRAP_UP, **{"line:U0BEN": "Your Tuesday fix saved us."}) == {}

    assert "Each member gets a goodbye" in shown(ana.blocks)
    (closing,) = channel_messages_containing(harness, "it's over")
    text = shown(closing["blocks"])
    assert "It took 11 days, 4 fewer than planned." in text
    assert "*What it brought:* Beta is out." in text
    assert "*What we learned:* Review earlier." in text
    assert "*Thanks:* To all." in text
    assert "Tuesday fix" not in text
    await harness.travel_to(OVER)
    assert len(channel_messages_containing(harness, "it's over")) == 1
    assert dms_containing(harness, ANA, "What did it bring?") == []


async def test_goodbyes_arrive_in_each_members_working_hours(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.my_part")
    await ben.sends(**{"phase.part.text": "I carry the importer."})
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WRAP_UP, **{"line:U0BEN": "Your Tuesday fix saved us."})

    await harness.wait(days=1)

    for member in MEMBERS:
        (goodbye,) = dms_containing(harness, member, "it's over")
        zone = harness.slack.workspace.users[member].tz
        assert 8 <= _local_hour(goodbye, zone) < 20
    (to_ben,) = dms_containing(harness, BEN, "it's over")
    assert shown(to_ben["blocks"]).splitlines() == [
        "*🏁 Results sprint in <#C0LAUNCH>: it's over.*",
        "*What it brought:* Beta is out.",
        "*Your part:* I carry the importer.",
        "*Ana to you:* Your Tuesday fix saved us.",
        "*Back with you on Tue 24 Nov:* Dark mode.",
        "*Recovery:* no new sprint is planned before Wed 25 Nov.",
    ]
    assert "Tuesday" not in str(dms_containing(harness, CHIARA, "it's over")).replace("Tue 24", "")
    assert dms_containing(harness, ANA, "it's over") == []


async def test_wrap_up_after_the_end_posts_the_outcome(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    assert "The phase has ended." not in shown(
        channel_messages_containing(harness, "it's over")[0]["blocks"]
    )
    await ana.me.click("phases.end")
    assert "The phase has ended." in shown(ana.blocks)

    choices = {"outcome:0": "parked", "until:0": "2027-01-11", "line:U0FIN": "Good catch."}
    assert await ana.sends(**WRAP_UP, **choices) == {}

    (added,) = channel_messages_containing(harness, "what it brought")
    assert "*What it brought:* Beta is out." in shown(added["blocks"])
    assert "• Dark mode: parked with <@U0BEN> until Mon 11 Jan." in shown(added["blocks"])
    (question,) = dms_containing(harness, ANA, "is wrapped up")
    assert "Wrap Up" not in shown(question["blocks"]).splitlines()
    await harness.wait(days=1)
    (goodbye,) = dms_containing(harness, FINN, "it's over")
    assert "*Ana to you:* Good catch." in shown(goodbye["blocks"])


async def test_personal_line_after_the_goodbye_is_sent_as_its_own_message(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    await harness.wait(days=4)
    assert "Ana will tell the channel" in shown(
        dms_containing(harness, BEN, "it's over")[0]["blocks"]
    )
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WRAP_UP, **{"line:U0BEN": "Your Tuesday fix saved us."})
    await harness.wait(days=3)

    (line,) = dms_containing(harness, BEN, "a line for you")
    assert "*Ana to you:* Your Tuesday fix saved us." in shown(line["blocks"])
    assert len(dms_containing(harness, BEN, "it's over")) == 1
    assert dms_containing(harness, CHIARA, "a line for you") == []


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("", "Parked work needs a day on which it comes back. Pick one."),
        ("2026-11-23", "Mon 23 Nov isn't after today. Pick a later day."),
        ("2025-11-20", "Thu 20 Nov 2025 isn't after today. Pick a later day."),
    ],
)
async def test_parked_item_needs_a_later_date(
    harness: BotHarness, ana: Lead, until: str, told: str
) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    chosen = {"until:0": until} if until else {}
    errors = await ana.sends(**WRAP_UP, **{"outcome:0": "parked"}, **chosen)

    assert errors == {"until:0": told}
    assert ana.typed("outcome") == "Beta is out."
    assert channel_messages_containing(harness, "it's over") == []


async def test_dropped_item_is_reported_to_the_channel_and_its_owner(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WRAP_UP, **{"outcome:0": "dropped"})
    await harness.wait(days=1)

    assert "• Dark mode: dropped." in shown(
        channel_messages_containing(harness, "it's over")[0]["blocks"]
    )
    goodbye = shown(dms_containing(harness, BEN, "it's over")[0]["blocks"])
    assert "*Dropped, it was yours:* Dark mode." in goodbye


async def test_second_wrap_up_is_refused_and_keeps_the_typed_text(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    olivia = Lead(harness, OWNER)
    await olivia.me.command("/imbalance end", LAUNCH)
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WRAP_UP)

    errors = await olivia.sends(outcome="Another end.")

    assert "This phase is already wrapped up" in errors["outcome"]
    assert olivia.typed("outcome") == "Another end."
    assert len(channel_messages_containing(harness, "it's over")) == 1


async def test_outdated_extend_and_end_buttons_are_refused(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    (warning,) = dms_containing(harness, ANA, "ends on")
    place = {"channel": ana.me.direct_message.id, "ts": warning["ts"]}  # type: ignore[union-attr]
    await harness.travel_to(OVER)
    await ana.me.close()

    await ana.me.click("phases.extend", **place)
    assert ana.me.top_view is None
    assert "ended on Mon 7 Dec. `/imbalance start` begins a new one" in str(
        ana.me.dm_with_bot()[-1]
    )
    await ana.me.click("phases.end", **place)
    await ana.sends(**WRAP_UP)
    await ana.me.close()
    await ana.me.click("phases.end", **place)
    assert ana.me.top_view is None
    assert "This phase is already wrapped up" in str(ana.me.dm_with_bot()[-1])


async def test_admin_may_end_a_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    olivia = Lead(harness, OWNER)
    await olivia.me.command("/imbalance end", LAUNCH)

    await olivia.sends(**WRAP_UP, **{"line:U0BEN": "Thank you."})
    await harness.wait(days=1)

    assert "*Olivia to you:* Thank you." in shown(
        dms_containing(harness, BEN, "it's over")[0]["blocks"]
    )


async def test_mentions_in_the_wrap_up_are_escaped(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)
    hostile = "<!channel> <@U0BEN> *now* \u202e😀 שלום"

    await ana.sends(outcome=hostile, learning=hostile, thanks=hostile, **{"line:U0BEN": hostile})
    await harness.wait(days=1)

    for message in (
        *channel_messages_containing(harness, "it's over"),
        *dms_containing(harness, BEN, "it's over"),
    ):
        text = message["text"] + shown(message["blocks"])
        assert "&lt;!channel&gt;" in text
        assert "<!channel>" not in text
        assert "\u202e" not in text
        assert "שלום" in text
    assert harness.slack.problems == []


async def test_closing_and_wrap_up_messages_include_the_results_chart(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    while (due := await harness.bot.next_due()) is not None and due <= OVER:
        await harness.travel_to(due)
        await harness.slack.let_team_answer()
        await harness.settle()
    (closing,) = channel_messages_containing(harness, "it's over")
    assert _chart_count(closing) == 1

    await harness.wait(days=4)  # the last answers are shown by now
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WRAP_UP)

    (added,) = channel_messages_containing(harness, "what it brought")
    assert _chart_count(added) == 1
    assert harness.slack.problems == []


def _chart_count(message: dict[str, Any]) -> int:
    return [block["type"] for block in message["blocks"]].count("image")


def _local_hour(message: dict[str, Any], zone: str | None) -> int:

    at = datetime.fromtimestamp(float(message["ts"]), UTC)
    return at.astimezone(ZoneInfo(zone or "UTC")).hour
