"""The end of a phase as people meet it in Slack: asked before, ended, wrapped up, said goodbye."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness import ANA, BEN, CHIARA, FINN, GUEST, LAUNCH, MEMBERS, OWNER, BotHarness
from tests.scenarios.lead import Lead, shown

WARNED = datetime(2026, 12, 3, 10, tzinfo=UTC)
OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)  # the sprint of two weeks has ended
WORDS = {"outcome": "Beta is out.", "learning": "Review earlier.", "thanks": "To all."}


def told(harness: BotHarness, user_id: str, words: str) -> list[dict[str, Any]]:
    """Messages from the bot to one person whose first line has these words."""
    return [one for one in harness.slack.as_user(user_id).dm_with_bot() if words in one["text"]]


def in_channel(harness: BotHarness, words: str) -> list[dict[str, Any]]:
    return [one for one in harness.slack.as_user(BEN).visible(LAUNCH) if words in one["text"]]


async def types(harness: BotHarness, user_id: str, words: str) -> str:
    answer = await harness.slack.as_user(user_id).command(f"/imbalance {words}".strip(), LAUNCH)
    return answer.text


async def test_the_question_two_days_before_and_the_end_by_itself(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    (warning,) = told(harness, ANA, "ends on Mon 7 Dec")
    assert "Nothing needs to be done: it ends by itself" in shown(warning["blocks"])
    assert told(harness, BEN, "ends on") == []

    await harness.travel_to(OVER)

    announcement, *_ = in_channel(harness, "ended Mon 7 Dec: ship the beta")
    assert "My part" not in shown(announcement["blocks"])
    (closing,) = in_channel(harness, "it's over")
    said = shown(closing["blocks"])
    assert "It took 15 days." in said
    assert "• Dark mode: back with <@U0BEN> on Tue 8 Dec." in said
    assert "*Recovery:* no new sprint is planned before Wed 23 Dec." in said
    channel = harness.slack.workspace.conversations[LAUNCH]
    assert channel.pins == []
    assert channel.bookmarks == []
    assert len(told(harness, ANA, "has ended. What did it bring?")) == 1
    assert harness.slack.problems == []


async def test_wrapped_up_before_the_end(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    await ana.me.click("phases.end")
    assert ana.page == "Wrap up"
    assert "The phase ends when you send this" in shown(ana.blocks)
    assert ana.inputs[:5] == ["outcome", "learning", "thanks", "outcome:0", "until:0"]

    assert await ana.sends(**WORDS, **{"line:U0BEN": "Your Tuesday fix saved us."}) == {}

    assert "Each member gets a goodbye" in shown(ana.blocks)
    (closing,) = in_channel(harness, "it's over")
    said = shown(closing["blocks"])
    assert "It took 11 days, 4 fewer than planned." in said
    assert "*What it brought:* Beta is out." in said
    assert "*What we learned:* Review earlier." in said
    assert "*Thanks:* To all." in said
    assert "Tuesday fix" not in said
    await harness.travel_to(OVER)
    assert len(in_channel(harness, "it's over")) == 1
    assert told(harness, ANA, "What did it bring?") == []


async def test_goodbyes_in_each_ones_hours(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    ben = Lead(harness, BEN)
    await ben.me.click("phase.my_part")
    await ben.sends(**{"phase.part.text": "I carry the importer."})
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WORDS, **{"line:U0BEN": "Your Tuesday fix saved us."})

    await harness.wait(days=1)

    for member in MEMBERS:
        (goodbye,) = told(harness, member, "it's over")
        zone = harness.slack.workspace.users[member].tz
        assert 8 <= _hour(goodbye, zone) < 20
    (to_ben,) = told(harness, BEN, "it's over")
    assert shown(to_ben["blocks"]).splitlines() == [
        "*🏁 Results sprint in <#C0LAUNCH>: it's over.*",
        "*What it brought:* Beta is out.",
        "*Your part:* I carry the importer.",
        "*Ana to you:* Your Tuesday fix saved us.",
        "*Back with you on Tue 24 Nov:* Dark mode.",
        "*Recovery:* no new sprint is planned before Wed 25 Nov.",
    ]
    assert "Tuesday" not in str(told(harness, CHIARA, "it's over")).replace("Tue 24", "")
    assert told(harness, ANA, "it's over") == []


async def test_wrapped_up_after_the_end(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    assert "The phase has ended." not in shown(in_channel(harness, "it's over")[0]["blocks"])
    await ana.me.click("phases.end")
    assert "The phase has ended." in shown(ana.blocks)

    choices = {"outcome:0": "parked", "until:0": "2027-01-11", "line:U0FIN": "Good catch."}
    assert await ana.sends(**WORDS, **choices) == {}

    (added,) = in_channel(harness, "what it brought")
    assert "*What it brought:* Beta is out." in shown(added["blocks"])
    assert "• Dark mode: parked with <@U0BEN> until Mon 11 Jan." in shown(added["blocks"])
    (question,) = told(harness, ANA, "is wrapped up")
    assert "Wrap up" not in shown(question["blocks"]).splitlines()
    await harness.wait(days=1)
    (goodbye,) = told(harness, FINN, "it's over")
    assert "*Ana to you:* Good catch." in shown(goodbye["blocks"])


async def test_a_line_for_who_had_their_goodbye(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(OVER)
    await harness.wait(days=4)
    assert "Ana will tell the channel" in shown(told(harness, BEN, "it's over")[0]["blocks"])
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WORDS, **{"line:U0BEN": "Your Tuesday fix saved us."})
    await harness.wait(days=3)

    (line,) = told(harness, BEN, "a line for you")
    assert "*Ana to you:* Your Tuesday fix saved us." in shown(line["blocks"])
    assert len(told(harness, BEN, "it's over")) == 1
    assert told(harness, CHIARA, "a line for you") == []


@pytest.mark.parametrize("until", ["", "2026-11-23", "2026-11-20"])
async def test_parked_work_needs_a_later_day(harness: BotHarness, ana: Lead, until: str) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    chosen = {"until:0": until} if until else {}
    errors = await ana.sends(**WORDS, **{"outcome:0": "parked"}, **chosen)

    assert list(errors) == ["until:0"]
    assert errors["until:0"].startswith("Nothing was sent: ")
    assert ana.typed("outcome") == "Beta is out."
    assert in_channel(harness, "it's over") == []


async def test_dropped_work_is_said_to_be(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)

    await ana.sends(**WORDS, **{"outcome:0": "dropped"})
    await harness.wait(days=1)

    assert "• Dark mode: dropped." in shown(in_channel(harness, "it's over")[0]["blocks"])
    goodbye = shown(told(harness, BEN, "it's over")[0]["blocks"])
    assert "*Dropped, it was yours:* Dark mode." in goodbye


async def test_who_is_slower_is_told_and_loses_nothing(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    olivia = Lead(harness, OWNER)
    await olivia.me.command("/imbalance end", LAUNCH)
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WORDS)

    errors = await olivia.sends(outcome="Another end.")

    assert "this phase is wrapped up" in errors["outcome"]
    assert olivia.typed("outcome") == "Another end."
    assert len(in_channel(harness, "it's over")) == 1


async def test_late_clicks_on_old_messages(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await harness.travel_to(WARNED)
    (warning,) = told(harness, ANA, "ends on")
    place = {"channel": ana.me.direct_message.id, "ts": warning["ts"]}  # type: ignore[union-attr]
    await harness.travel_to(OVER)
    await ana.me.close()

    await ana.me.click("phases.extend", **place)
    assert ana.me.top_view is None
    assert "was not extended: it has ended" in str(ana.me.dm_with_bot()[-1])
    await ana.me.click("phases.end", **place)
    await ana.sends(**WORDS)
    await ana.me.close()
    await ana.me.click("phases.end", **place)
    assert ana.me.top_view is None
    assert "this phase is wrapped up" in str(ana.me.dm_with_bot()[-1])


@pytest.mark.parametrize(
    ("who", "said"),
    [(BEN, "only the leads of this phase"), (GUEST, "guests and people from other")],
)
async def test_somebody_elses_phase_is_not_ended(
    harness: BotHarness, ana: Lead, who: str, said: str
) -> None:
    await ana.starts()

    for words in ("end", "extend"):
        answer = await types(harness, who, words)
        assert said in answer
        assert answer.startswith("Nothing was changed: ")
        assert harness.slack.as_user(who).top_view is None


async def test_an_admin_may_end_it(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    olivia = Lead(harness, OWNER)
    await olivia.me.command("/imbalance end", LAUNCH)

    await olivia.sends(**WORDS, **{"line:U0BEN": "Thank you."})
    await harness.wait(days=1)

    assert "*Olivia to you:* Thank you." in shown(told(harness, BEN, "it's over")[0]["blocks"])


@pytest.mark.parametrize("words", ["end", "extend"])
async def test_without_a_phase_there_is_nothing_to_end(harness: BotHarness, words: str) -> None:
    said = await types(harness, ANA, words)

    assert said.startswith("Nothing was changed: no phase runs in this channel.")


async def test_hostile_words_are_shown_and_never_fire(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.command("/imbalance end", LAUNCH)
    bad = "<!channel> <@U0BEN> *now* \u202e😀 שלום"

    await ana.sends(outcome=bad, learning=bad, thanks=bad, **{"line:U0BEN": bad})
    await harness.wait(days=1)

    for message in (*in_channel(harness, "it's over"), *told(harness, BEN, "it's over")):
        said = message["text"] + shown(message["blocks"])
        assert "&lt;!channel&gt;" in said
        assert "<!channel>" not in said
        assert "\u202e" not in said
        assert "שלום" in said
    assert harness.slack.problems == []


async def test_the_report_has_the_pictures_of_what_the_team_saw(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    while (due := await harness.bot.next_due()) is not None and due <= OVER:
        await harness.travel_to(due)
        await harness.slack.team_answers()
        await harness.settle()
    (closing,) = in_channel(harness, "it's over")
    assert _pictures(closing) == 1

    await harness.wait(days=4)  # the last answers are shown by now
    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(**WORDS)

    (added,) = in_channel(harness, "what it brought")
    assert _pictures(added) == 1
    assert harness.slack.problems == []


def _pictures(message: dict[str, Any]) -> int:
    return [block["type"] for block in message["blocks"]].count("image")


def _hour(message: dict[str, Any], zone: str | None) -> int:

    at = datetime.fromtimestamp(float(message["ts"]), UTC)
    return at.astimezone(ZoneInfo(zone or "UTC")).hour
