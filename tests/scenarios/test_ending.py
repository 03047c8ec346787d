"""The end of a phase in Slack: warning, automatic end, wrap-up and goodbyes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.phases.store import active_in
from bot.promises.lifecycle import make as make_promise
from bot.promises.model import Reply
from tests.harness import ANA, BEN, CHIARA, FINN, LAUNCH, MEMBERS, OWNER, WORKSPACE, BotHarness
from tests.scenarios.lead import CLEAR, RICHER, SPRINT, TRUST, Lead, shown

WARNED = datetime(2026, 12, 3, 10, tzinfo=UTC)
OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)  # the sprint of two weeks has ended
WRAP_UP = {
    "milestone_outcome": "hit",
    "outcome": "Beta is out.",
    "learning": "Review earlier.",
    "thanks": "To all.",
}


def dms_containing(harness: BotHarness, user_id: str, words: str) -> list[dict[str, Any]]:
    """Return the bot's direct messages to a person whose text contains these words."""
    return [one for one in harness.slack.as_user(user_id).dm_with_bot() if words in one["text"]]


def channel_messages_containing(harness: BotHarness, words: str) -> list[dict[str, Any]]:
    return [one for one in harness.slack.as_user(BEN).visible(LAUNCH) if words in one["text"]]


async def run_command(harness: BotHarness, user_id: str, words: str) -> str:
    answer = await harness.slack.as_user(user_id).command(f"/imbalance {words}".strip(), LAUNCH)
    return answer.text


async def everybody_answers_until(harness: BotHarness, until: datetime) -> None:
    while (due := await harness.bot.next_due()) is not None and due <= until:
        await harness.travel_to(due)
        await harness.slack.let_team_answer()
        await harness.settle()


async def test_lead_is_warned_before_the_end_and_the_phase_ends_automatically(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    (warning,) = dms_containing(harness, ANA, "ends on Mon 7 Dec")
    assert "You don't need to do anything: it ends by itself" in shown(warning["blocks"])
    assert dms_containing(harness, BEN, "ends on") == []

    await harness.travel_to(OVER)

    announcement, *_ = channel_messages_containing(harness, "ended Mon 7 Dec: ship the beta")
    assert "My Part" not in shown(announcement["blocks"])
    (closing,) = channel_messages_containing(harness, "has wrapped up")
    text = shown(closing["blocks"])
    assert "It took 15 days." in text
    assert "• Dark mode: back with <@U0BEN> on Tue 8 Dec." in text
    assert "*Recovery:* No new sprint before Wed 23 Dec." in text
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert channel.pins == []
    assert channel.bookmarks == []
    assert len(dms_containing(harness, ANA, "has ended. What came of it?")) == 1
    assert harness.slack.problems == []


async def test_wrap_up_before_the_end_ends_the_phase(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    await ana.me.click("phases.end")
    assert ana.page == "Wrap Up"
    assert "The phase ends when you send this" in shown(ana.blocks)
    texts = ["planned", "outcome", "reason", "learning", "thanks"]
    assert ana.inputs[:8] == ["milestone_outcome", *texts, "outcome:0", "until:0"]
    assert ana.typed("planned") == "ship the beta"

    assert await ana.sends(**WRAP_UP, **{"line:U0BEN": "Your Tuesday fix saved us."}) == {}

    assert "Each member gets a goodbye" in shown(ana.blocks)
    (closing,) = channel_messages_containing(harness, "has wrapped up")
    text = shown(closing["blocks"])
    assert "It took 11 days, 4 days less than planned." in text
    assert "*What happened:* Beta is out." in text
    assert "*Next time:* Review earlier." in text
    assert "*Thanks:* To all." in text
    assert "Tuesday fix" not in text
    await harness.travel_to(OVER)
    assert len(channel_messages_containing(harness, "has wrapped up")) == 1
    assert dms_containing(harness, ANA, "What came of it?") == []


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
        (goodbye,) = dms_containing(harness, member, "has wrapped up")
        zone = harness.slack.workspace.users[member].tz
        assert 8 <= _local_hour(goodbye, zone) < 20
    (to_ben,) = dms_containing(harness, BEN, "has wrapped up")
    assert shown(to_ben["blocks"]).splitlines() == [
        "*🏁 Results sprint in <#C0LAUNCH> has wrapped up.*",
        "*What happened:* Beta is out.",
        "*Your part:* I carry the importer.",
        "*Ana to you:* Your Tuesday fix saved us.",
        "*Back with you on Tue 24 Nov:* Dark mode.",
        "*Recovery:* No new sprint before Wed 25 Nov.",
    ]
    assert "Tuesday" not in str(dms_containing(harness, CHIARA, "has wrapped up")).replace(
        "Tue 24", ""
    )
    assert dms_containing(harness, ANA, "has wrapped up") == []


async def test_wrap_up_after_the_end_posts_the_outcome(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    assert "The phase has ended." not in shown(
        channel_messages_containing(harness, "has wrapped up")[0]["blocks"]
    )
    await ana.me.click("phases.end")
    assert "The phase has ended." in shown(ana.blocks)

    choices = {"outcome:0": "parked", "until:0": "2027-01-11", "line:U0FIN": "Good catch."}
    assert await ana.sends(**WRAP_UP, **choices) == {}

    (added,) = channel_messages_containing(harness, "what came of it.")
    assert "*What happened:* Beta is out." in shown(added["blocks"])
    assert "• Dark mode: parked with <@U0BEN> until Mon 11 Jan." in shown(added["blocks"])
    (question,) = dms_containing(harness, ANA, "is wrapped up")
    assert "Wrap Up" not in shown(question["blocks"]).splitlines()
    await harness.wait(days=1)
    (goodbye,) = dms_containing(harness, FINN, "has wrapped up")
    assert "*Ana to you:* Good catch." in shown(goodbye["blocks"])


async def test_personal_line_after_the_goodbye_is_sent_as_its_own_message(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    await harness.wait(days=4)
    assert "Ana will tell the channel" in shown(
        dms_containing(harness, BEN, "has wrapped up")[0]["blocks"]
    )
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WRAP_UP, **{"line:U0BEN": "Your Tuesday fix saved us."})
    await harness.wait(days=3)

    (line,) = dms_containing(harness, BEN, "a line for you")
    assert "*Ana to you:* Your Tuesday fix saved us." in shown(line["blocks"])
    assert len(dms_containing(harness, BEN, "has wrapped up")) == 1
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
    assert channel_messages_containing(harness, "has wrapped up") == []


async def test_dropped_item_is_reported_to_the_channel_and_its_owner(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WRAP_UP, **{"outcome:0": "dropped"})
    await harness.wait(days=1)

    assert "• Dark mode: dropped." in shown(
        channel_messages_containing(harness, "has wrapped up")[0]["blocks"]
    )
    goodbye = shown(dms_containing(harness, BEN, "has wrapped up")[0]["blocks"])
    assert "*Dropped, so it's off your list:* Dark mode." in goodbye


async def test_second_wrap_up_is_refused_and_keeps_the_typed_text(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    olivia = Lead(harness, OWNER)
    await olivia.me.command("/imbalance end", LAUNCH)
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WRAP_UP)

    errors = await olivia.sends(milestone_outcome="missed", outcome="Another end.")

    assert "This phase is already wrapped up" in errors["milestone_outcome"]
    assert olivia.typed("outcome") == "Another end."
    assert len(channel_messages_containing(harness, "has wrapped up")) == 1


async def test_wrap_up_sets_what_was_promised_beside_what_happened(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.types("results 2w")
    await ana.sends(**CLEAR)
    await ana.me.click("phase.start.richer")
    await ana.sends(**SPRINT, **RICHER)
    await ana.sends()
    async with harness.bot.db.transaction() as tx:
        phase = await active_in(tx, WORKSPACE, LAUNCH)
        assert phase is not None
        await make_promise(
            tx,
            WORKSPACE,
            Reply(heard=None, text="I take reviews over myself.", is_change=True),
            phase_id=phase.phase_id,
            round_id=None,
            made_by=ANA,
            now=harness.clock.now(),
        )
    await ana.me.command("/imbalance end", LAUNCH)
    became = {"milestone_outcome": "moved", "protected_outcome": "partly", "reason": "The audit."}

    assert await ana.sends(**{**WRAP_UP, **became}, planned="The beta by Friday.") == {}

    (closing,) = channel_messages_containing(harness, "has wrapped up")
    lines = shown(closing["blocks"]).splitlines()
    assert lines[2:] == [
        "*The goal:* ship the beta · *moved to a later date*",
        "*Protected:* Weekends, 1:1s, booked leave. · *partly kept*",
        "*Planned:* The beta by Friday.",
        "*What happened:* Beta is out.",
        "*Why:* The audit.",
        "*Next time:* Review earlier.",
        "*Thanks:* To all.",
        "*What was promised on the way*",
        "• Ana promised: I take reviews over myself. · not checked",
        "*What comes back*",
        "• Dark mode: back with <@U0BEN> on Tue 24 Nov.",
        "*Recovery:* No new sprint before Wed 25 Nov.",
    ]


async def test_wrap_up_without_the_goals_outcome_is_refused_and_keeps_what_was_typed(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    errors = await ana.sends(outcome="Beta is out.")

    assert list(errors) == ["milestone_outcome"]
    assert ana.typed("outcome") == "Beta is out."
    assert channel_messages_containing(harness, "has wrapped up") == []


async def test_next_start_form_shows_the_lesson_and_details_what_is_different(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts("trust 2w")
    await ana.me.command("/imbalance end", LAUNCH)
    assert await ana.sends(outcome="We decide together.", learning="Start smaller.") == {}
    await ana.me.close(everything=True)
    await ana.types("trust 2w")
    assert "*Last time's lesson:* Start smaller." in shown(ana.blocks)
    too_long = await ana.sends(**CLEAR, **{"start.text.difference": "x" * 241})
    assert list(too_long) == ["start.text.difference"]

    different = {"start.text.difference": "One team only <!channel>."}
    assert await ana.sends(**CLEAR, **different) == {}
    assert await ana.sends(**TRUST) == {}
    assert await ana.sends() == {}
    await ana.me.close(everything=True)

    await ana.me.click("phase.details")
    text = shown(ana.blocks)
    assert "*What is different this time:* One team only &lt;!channel&gt;." in text


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
        dms_containing(harness, BEN, "has wrapped up")[0]["blocks"]
    )


async def test_mentions_in_the_wrap_up_are_escaped(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)
    hostile = "<!channel> <@U0BEN> *now* \u202e😀 שלום"

    await ana.sends(outcome=hostile, learning=hostile, thanks=hostile, **{"line:U0BEN": hostile})
    await harness.wait(days=1)

    for message in (
        *channel_messages_containing(harness, "has wrapped up"),
        *dms_containing(harness, BEN, "has wrapped up"),
    ):
        text = message["text"] + shown(message["blocks"])
        assert "&lt;!channel&gt;" in text
        assert "<!channel>" not in text
        assert "\u202e" not in text
        assert "שלום" in text
    assert harness.slack.problems == []


async def test_closing_message_is_edited_when_the_last_results_are_out(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await everybody_answers_until(harness, OVER)
    (closing,) = channel_messages_containing(harness, "has wrapped up")
    (before,) = _charts(closing)

    await harness.wait(days=4)  # the last answers are shown by now

    (closing,) = channel_messages_containing(harness, "has wrapped up")
    (after,) = _charts(closing)
    assert after["slack_file"] != before["slack_file"]
    assert "Last" in after["alt_text"]
    assert "Last" not in before["alt_text"]
    assert shown(closing["blocks"]).count(" at the start, ") == 3
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WRAP_UP)
    (added,) = channel_messages_containing(harness, "what came of it.")
    assert _charts(added) == []
    assert harness.slack.problems == []


async def test_closing_message_is_edited_when_the_channel_can_be_written_to_again(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await everybody_answers_until(harness, OVER)
    harness.slack.archive(LAUNCH)
    await harness.settle()
    await harness.wait(days=4)  # the last results are refused
    harness.slack.unarchive(LAUNCH)
    await harness.settle()
    await harness.wait(hours=1)

    (results,) = channel_messages_containing(harness, "Last results")
    (closing,) = channel_messages_containing(harness, "has wrapped up")
    assert "*Room for mistakes:* 2.5 of 5" in shown(results["blocks"])
    assert "*Room for mistakes:* 3 at the start, 2.5 at the end" in shown(closing["blocks"])


async def test_results_after_the_end_stand_beside_those_at_the_start_and_at_the_end(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await everybody_answers_until(harness, OVER + timedelta(days=21))

    (after,) = channel_messages_containing(harness, "2 weeks after the end")
    text = shown(after["blocks"])
    assert text.count(" at the start, ") == text.count(" at the end, ") == 3
    (chart,) = _charts(after)
    assert "2 wk after" in chart["alt_text"]
    (closing,) = channel_messages_containing(harness, "has wrapped up")
    assert "2 wk after" not in _charts(closing)[0]["alt_text"]


def _charts(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in message["blocks"] if block["type"] == "image"]


def _local_hour(message: dict[str, Any], zone: str | None) -> int:

    at = datetime.fromtimestamp(float(message["ts"]), UTC)
    return at.astimezone(ZoneInfo(zone or "UTC")).hour
