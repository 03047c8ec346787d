"""docs/messages.md: every message of the bot, with its text as the snapshots have it.

`make snapshots` writes the page; a test compares it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.outbox.keys import MessageKind
from tests.docs.reading import ROOT

PAGE = ROOT / "docs" / "messages.md"
INTRODUCTION = """# Messages

Every message that Imbalance sends, who gets it, when, and how often at most. The texts are those
of the tests' example: Ana leads a phase in #launch. `make snapshots` writes this page; a test fails
when it is out of date.

Between 20:00 and 08:00 and at weekends, nobody gets a direct message. A message is edited when what
it says changes; edits notify nobody.
"""
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(?:https?://|slack:)[^|>]*\|([^>]*)>")
_NAMES = {"<#C0LAUNCH>": "#launch"}


@dataclass(frozen=True, kw_only=True)
class Message:
    """One kind of message, or one answer that only the person who asked can see."""

    title: str
    to: str
    when: str
    at_most: str
    snapshot: str  # FOLDER/TEST_FILE/TEST[CASE], of tests/
    kinds: tuple[MessageKind, ...] = ()

    @property
    def file(self) -> Path:
        folder, name = self.snapshot.split("/", 1)
        return ROOT / "tests" / folder / "__snapshots__" / f"{name}.json"


_ENDING, _HEALTH = "ending/test_messages/{}", "channel_health/test_messages/{}"
_DECISIONS = "decisions/test_messages/{}"
_ROUNDS, _RESULTS = "rounds/test_messages/{}", "results/test_messages/{}"
_CASE = "test_message_matches_snapshot[{}]"


def _case(place: str, name: str) -> str:
    return place.format(_CASE.format(name))


GROUPS: Mapping[str, tuple[Message, ...]] = {
    "In the channel": (
        Message(
            title="Announcement",
            kinds=(MessageKind.ANNOUNCEMENT,),
            to="everyone in the channel; pinned and bookmarked",
            when="at *Announce*",
            at_most="once a phase; edited daily",
            snapshot="announcement/test_messages/test_announcement_matches_snapshot[sprint]",
        ),
        Message(
            title="Results",
            kinds=(MessageKind.RESULTS,),
            to="the announcement's thread; also the channel where its people are mostly the team",
            when="a working day after the leads read them",
            at_most="once a round; in the channel itself once a week",
            snapshot=_case(_RESULTS, "checked_to_team"),
        ),
        Message(
            title="Comments",
            kinds=(MessageKind.COMMENTS,),
            to="who reads comments, as the start form says: the leads, or the thread",
            when="with the results, from two comments on",
            at_most="once a round",
            snapshot=_case(_RESULTS, "comments"),
        ),
        Message(
            title="Questions to talk about",
            kinds=(MessageKind.TALKING_POINTS,),
            to="the channel of a team that is too small for anonymous answers",
            when="on the day of the questions",
            at_most="once a week",
            snapshot=_case(_ROUNDS, "talking_points"),
        ),
        Message(
            title="Brought back early",
            kinds=(MessageKind.BACK_EARLY,),
            to="the announcement's thread",
            when="when a lead ends the hold on work before the phase does",
            at_most="once for each change",
            snapshot=_case("on_hold/test_messages/{}", "back early"),
        ),
        Message(
            title="Proposal of what else can wait",
            kinds=(MessageKind.HOLD_PROPOSAL,),
            to="the announcement's thread, with the leads mentioned",
            when="when a member proposes it",
            at_most="once for each proposal",
            snapshot=_case("on_hold/test_messages/{}", "proposed"),
        ),
        Message(
            title="Answer to a proposal",
            kinds=(MessageKind.HOLD_ANSWER,),
            to="the announcement's thread",
            when="when a lead accepts or declines",
            at_most="once for each proposal",
            snapshot=_case("on_hold/test_messages/{}", "accepted"),
        ),
        Message(
            title="Decision",
            kinds=(MessageKind.DECISION,),
            to="the announcement's thread",
            when="when a lead decides whether the phase goes on",
            at_most="once for each question",
            snapshot=_case(_DECISIONS, "decided, go on"),
        ),
        Message(
            title="Not decided yet",
            kinds=(MessageKind.UNDECIDED,),
            to="the announcement's thread",
            when="two working days after the leads were asked",
            at_most="once for each question",
            snapshot=_case(_DECISIONS, "undecided"),
        ),
        Message(
            title="Answer to a concern",
            kinds=(MessageKind.CONCERN_ANSWER,),
            to="the announcement's thread",
            when="when a lead answers an anonymous note",
            at_most="once for each note",
            snapshot="announcement/test_part_messages/test_answer_to_a_concern_matches_snapshot",
        ),
        Message(
            title="A mistake that taught something",
            kinds=(MessageKind.MISTAKE,),
            to="the announcement's thread, in trust-building phases",
            when="when somebody tells one",
            at_most="once for each",
            snapshot="habits/test_forms/test_mistake_message_matches_snapshot",
        ),
        Message(
            title="Extension",
            kinds=(MessageKind.EXTENDED,),
            to="the channel",
            when="when a lead moves the end",
            at_most="once a phase",
            snapshot=_case(_ENDING, "extended, sprint"),
        ),
        Message(
            title="Closing",
            kinds=(MessageKind.CLOSING,),
            to="the channel",
            when="at 17:00 of the last day, or when a lead ends the phase",
            at_most="once a phase; edited once the last results are out",
            snapshot=_case(_ENDING, "closing, sprint on its date"),
        ),
        Message(
            title="Wrap-up",
            kinds=(MessageKind.WRAPPED_UP,),
            to="the channel",
            when="when a lead writes it after the end",
            at_most="once a phase",
            snapshot=_case(_ENDING, "wrapped up, items changed"),
        ),
        Message(
            title="Parked work without an owner",
            kinds=(MessageKind.PARKED_UNOWNED,),
            to="the announcement's thread, where the owner can't be reached",
            when="on the morning of its day",
            at_most="once for each item",
            snapshot=_case("on_hold/test_messages/{}", "parked without owner"),
        ),
    ),
    "To members": (
        Message(
            title="The first questions",
            kinds=(),
            to="each person on the team",
            when="on the working morning after the announcement",
            at_most="once a phase",
            snapshot=_case(_ROUNDS, "first_message"),
        ),
        Message(
            title="The weekly questions",
            kinds=(MessageKind.ASK,),
            to="each person on the team",
            when="on the phase's weekday and time, where they live",
            at_most="once in five days; edited at each tap and when they close",
            snapshot=_case(_ROUNDS, "check_promise"),
        ),
        Message(
            title="Reminder",
            kinds=(MessageKind.REMIND,),
            to="a member who has neither answered nor skipped, if the start form says so",
            when="a working day after the questions",
            at_most="once a round",
            snapshot=_case(_ROUNDS, "reminder"),
        ),
        Message(
            title="Parked work",
            kinds=(MessageKind.PARKED,),
            to="the owner of the work",
            when="at 09:00 of its day",
            at_most="once for each item",
            snapshot=_case("on_hold/test_messages/{}", "parked until today"),
        ),
        Message(
            title="Goodbye",
            kinds=(MessageKind.GOODBYE,),
            to="each member",
            when="two working days after the end",
            at_most="once a phase",
            snapshot=_case(_ENDING, "goodbye, everything"),
        ),
        Message(
            title="A late line of thanks",
            kinds=(MessageKind.LATE_THANKS,),
            to="the member it was written for",
            when="when a lead writes it after the goodbye",
            at_most="once a phase",
            snapshot=_case(_ENDING, "goodbye, late line"),
        ),
    ),
    "To leads": (
        Message(
            title="Questions about oneself",
            kinds=(MessageKind.REFLECT,),
            to="each lead",
            when="with the team's questions",
            at_most="once a round",
            snapshot=_case(_ROUNDS, "to_lead"),
        ),
        Message(
            title="Results for the leads",
            kinds=(MessageKind.LEAD_RESULTS,),
            to="each lead",
            when="when the questions close, a working day before the team",
            at_most="once a round",
            snapshot=_case(_RESULTS, "week_to_leads"),
        ),
        Message(
            title="Concerns",
            kinds=(MessageKind.CONCERNS,),
            to="each lead",
            when="the working morning after they were written",
            at_most="once a day",
            snapshot="announcement/test_part_messages/test_concerns_message_matches_snapshot",
        ),
        Message(
            title="Reply to a line",
            kinds=(MessageKind.EXPECTATION_REPLY,),
            to="each lead",
            when="when a member presses *Change It* or *Too Much*",
            at_most="once for each reply",
            snapshot=(
                "announcement/test_expectation_forms/"
                "test_reply_form_and_message_match_snapshot[too_much]"
            ),
        ),
        Message(
            title="Does this go on?",
            kinds=(MessageKind.DECISION_ASKED,),
            to="each lead, where the question can't come with results",
            when='on the day of "stop if"',
            at_most="once at a time",
            snapshot=_case(_DECISIONS, "asked"),
        ),
        Message(
            title="The end is near",
            kinds=(MessageKind.WARN,),
            to="each lead",
            when="at 09:00, two working days before the end",
            at_most="once for each end date",
            snapshot=_case(_ENDING, "warning, sprint"),
        ),
        Message(
            title="Request for the wrap-up",
            kinds=(MessageKind.WRAP_UP,),
            to="each lead",
            when="when the phase has ended",
            at_most="once a phase",
            snapshot=_case(_ENDING, "wrap-up request"),
        ),
    ),
    "When something is wrong": (
        Message(
            title="Paused",
            kinds=(MessageKind.PAUSED,),
            to="each lead",
            when="when the bot can't post in the channel any more",
            at_most="once for each pause; edited when the phase goes on",
            snapshot=_case(_HEALTH, "paused, archived"),
        ),
        Message(
            title="Announcement missing",
            kinds=(MessageKind.ANNOUNCEMENT_MISSING,),
            to="each lead",
            when="when the announcement was deleted",
            at_most="once a phase",
            snapshot=_case(_HEALTH, "announcement missing"),
        ),
        Message(
            title="Not delivered",
            kinds=(MessageKind.NOT_DELIVERED,),
            to="each lead",
            when="when Slack refuses a message for good",
            at_most="once for each message",
            snapshot=_case(_HEALTH, "not posted, results"),
        ),
        Message(
            title="Another lead can't be reached",
            kinds=(MessageKind.OTHER_LEAD_UNREACHABLE,),
            to="the other leads",
            when="when Slack says that a lead's account is closed",
            at_most="once for each lead",
            snapshot=_case(_HEALTH, "co-lead unreachable"),
        ),
        Message(
            title="No lead can be reached",
            kinds=(MessageKind.NOBODY_LEADS,),
            to="the workspace's admins",
            when="when a phase has no lead left",
            at_most="once a phase",
            snapshot=_case(_HEALTH, "no reachable lead"),
        ),
        Message(
            title="What a team wrote reaches nobody",
            kinds=(MessageKind.NOBODY_READS,),
            to="the workspace's admins",
            when="when that happens after the end",
            at_most="once a phase",
            snapshot=_case(_HEALTH, "no reachable lead after the end"),
        ),
    ),
    "Only to the person who asks": (
        Message(
            title="App Home, first visit",
            kinds=(MessageKind.HOME,),
            to="the person who opens it",
            when="at each visit, and when it changes while somebody uses it",
            at_most="–",
            snapshot="home/test_view/test_home_view_matches_snapshot[first_visit]",
        ),
        Message(
            title="Status",
            kinds=(),
            to="who types `/imbalance status`",
            when="at once",
            at_most="–",
            snapshot=_case("status/test_card/{}", "status, sprint, questions open"),
        ),
        Message(
            title="Is This on Hold?",
            kinds=(),
            to="who uses the shortcut",
            when="at once",
            at_most="–",
            snapshot=_case("on_hold/test_messages/{}", "found"),
        ),
        Message(
            title="Picture of the history",
            kinds=(MessageKind.HISTORY_PICTURE,),
            to="who presses *Send Me the Picture*",
            when="at once",
            at_most="once for each page opened",
            snapshot="history/test_history_page/test_picture_message_matches_snapshot",
        ),
        Message(
            title="First steps",
            kinds=(MessageKind.INSTALLED,),
            to="who installed the bot from its pages",
            when="when Slack has confirmed the installation",
            at_most="once for each person",
            snapshot="installing/test_messages/test_first_steps_match_snapshot",
        ),
    ),
}


def page() -> str:
    """Return the whole page in Markdown."""
    groups = [line for name, messages in GROUPS.items() for line in _group(name, messages)]
    return "\n".join((INTRODUCTION, *groups))


def _group(name: str, messages: tuple[Message, ...]) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| message | to | when | at most |\n| --- | --- | --- | --- |"
    for message in messages:
        anchor = re.sub(r"[^\w -]", "", message.title.lower()).replace(" ", "-")
        cells = (f"[{message.title}](#{anchor})", message.to, message.when, message.at_most)
        yield f"| {' | '.join(cells)} |"
    for message in messages:
        yield f"\n### {message.title}\n"
        yield "\n>\n".join(_quoted(text) for text in _texts(message.file))
    yield ""


def _texts(file: Path) -> Iterator[str]:
    stored = json.loads(file.read_text(encoding="utf-8"))
    blocks = stored["blocks"] if isinstance(stored, dict) else stored
    if isinstance(blocks[-1], list):
        blocks = blocks[-1]
    for block in blocks:
        if isinstance(block, dict) and (text := _text(block)):
            yield text


def _text(block: dict[str, Any]) -> str:
    """Return what a person reads in a block, buttons in brackets."""
    kind = block["type"]
    if kind in ("section", "header"):
        texts = [
            block.get("text"),
            *block.get("fields", ()),
            block.get("accessory", {}).get("text"),
        ]
        return "\n".join(_plain(text["text"]) for text in texts if text)
    if kind == "context":
        return "\n".join(_plain(one["text"]) for one in block["elements"] if "text" in one)
    if kind == "actions":
        return " ".join(f"`{_label(element)}`" for element in block["elements"])
    if kind == "image":
        return f"(picture: {_plain(block['alt_text'])})"
    if kind == "input":
        return f"{_plain(block['label']['text'])} ____"
    return ""


def _label(element: dict[str, Any]) -> str:
    shown = element.get("text") or element.get("placeholder") or {"text": "…"}
    return _plain(shown["text"])


def _plain(text: str) -> str:
    """Return mrkdwn as Markdown: dates and links as people see them, emphasis as there."""
    for name, shown in _NAMES.items():
        text = text.replace(name, shown)
    text = re.sub(r"<@U0([A-Z]+)>", lambda found: f"@{found[1].title()}", text)
    text = _LINK.sub(r"\1", _DATE.sub(r"\1", text))
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"**\1**", text)
    return text.replace("&lt;", "\\<").replace("&gt;", "\\>").replace("<", "\\<")


def _quoted(text: str) -> str:
    return "  \n".join(f"> {line}" for line in text.split("\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
