"""Texts of the results messages to the leads and to the team."""

import json
import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.fake_slack.checks import check_blocks
from bot.results.comments import in_replies
from bot.results.messages import NOTE_LIMIT, leads_message, team_message
from bot.results.model import Reflection, ResultsView
from bot.slack.content import Content
from tests.results.closed_rounds import (
    COMMENTS,
    HOSTILE,
    LABELS,
    LARGE,
    NOTE,
    OWN,
    PHASE,
    START,
    TEAM_READS,
    TOO_FEW,
    TWO_LEADS,
    WEEK,
    WHOLE,
    showing,
    shown_level,
)

NOTED = replace(WEEK, note=NOTE, noted_by="Ana")
BEN_REFLECTION = Reflection(name="Ben", answers={"clarity": 4, "trust": 1, "ego": 5}, shared=True)
TO_TEAM = replace(PHASE, comments_to="team")
FACTS = {
    "first": showing(START),
    "week": showing(),
    "large": showing(START, LARGE),
    "one_changed": showing(START, WHOLE),
    "after_too_few": showing(START, TOO_FEW, LARGE),
    "too_few": showing(START, TOO_FEW),
    "closing": showing(START, replace(WEEK, kind="closing", week=4)),
    "after": showing(START, replace(WEEK, kind="after", week=2)),
    "poll": showing(START, replace(WEEK, kind="poll", week=2)),
    "noted": showing(START, NOTED, comments=COMMENTS),
    "read": showing(START, replace(NOTED, shown_at=TEAM_READS), comments=COMMENTS),
    "two_leads": showing(START, WEEK, phase=TWO_LEADS, reflections=(OWN, BEN_REFLECTION)),
    "comments_to_team": showing(START, NOTED, phase=TO_TEAM, comments=COMMENTS),
}
SHOWN = {
    **{f"{name}_to_leads": leads_message(facts) for name, facts in FACTS.items()},
    **{f"{name}_to_team": team_message(facts) for name, facts in FACTS.items()},
    "paused_to_leads": leads_message(
        showing(START, NOTED, phase=replace(PHASE, paused_at=TEAM_READS))
    ),
    "paused_too_few_to_leads": leads_message(
        showing(START, TOO_FEW, phase=replace(PHASE, paused_at=TEAM_READS))
    ),
}


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def blocks_json(message: Content) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


@pytest.mark.parametrize("name", SHOWN)
def test_message_matches_snapshot(name: str, json_snapshot: SnapshotAssertion) -> None:
    message = SHOWN[name]
    chart = message.picture
    assert {
        "text": message.text,
        "blocks": message.blocks,
        "picture": chart and {"facts": chart.facts, "alt": chart.alt_text, "title": chart.title},
    } == json_snapshot


@pytest.mark.parametrize("name", SHOWN)
def test_blocks_are_valid_for_slack(name: str) -> None:
    assert check_blocks(SHOWN[name].blocks, "message") == []


@pytest.mark.parametrize("name", SHOWN)
def test_first_line_fits_a_notification(name: str) -> None:
    assert len(SHOWN[name].text) <= 80
    assert "!" not in blocks_json(SHOWN[name]).replace("<!", "")


@pytest.mark.parametrize("kind", ["first", "weekly", "closing", "after", "poll"])
def test_first_line_of_every_round_kind_fits_a_notification_and_has_no_level(kind: str) -> None:
    facts = showing(START, replace(WEEK, kind=kind, week=9))
    facts = replace(facts, phase=replace(PHASE, channel_id="C0123456789"))
    for message in (team_message(facts), leads_message(facts)):
        assert len(message.text) <= 80
        assert " of 5" not in message.text


def test_headline_names_the_strongest_and_the_weakest_or_the_largest_changes() -> None:
    assert (
        "Week 2 in <#C0LAUNCH>: trust is strongest (4 of 5), clarity weakest (2)."
        in blocks_json(team_message(showing()))
    )
    moved = (shown_level("clarity", (8, 0, 0, 0, 0), -2.0), shown_level("trust", (8,) * 5, 1.0))
    assert "Week 2 in <#C0LAUNCH>: less clear, more trust than before." in blocks_json(
        team_message(showing(START, replace(WEEK, figures=moved)))
    )


def test_change_refers_to_the_last_round_that_showed_the_question() -> None:
    text = blocks_json(team_message(FACTS["after_too_few"]))

    assert "(3.5 of 5), same as the start" in text
    assert "up 0.5 since the start" in text


def test_hints_gaps_and_comments_are_shown_to_leads_only() -> None:
    facts = showing(START, WEEK, comments=COMMENTS)
    hint = "You see it clearer than the team does"

    assert hint in blocks_json(leads_message(facts))
    assert COMMENTS[1] in blocks_json(leads_message(facts))
    assert hint not in blocks_json(team_message(facts))
    assert "Ana said" not in blocks_json(team_message(facts))
    assert COMMENTS[1] not in blocks_json(team_message(facts))


@pytest.mark.parametrize("leads", [6, 30])
def test_answers_of_many_leads_fit_slack_limits(leads: int) -> None:
    labels = dict.fromkeys(LABELS, "<" * 75)
    own = tuple(
        replace(OWN, name=f"Name {number} {'&' * 60}", shared=True) for number in range(leads)
    )
    facts = showing(replace(START, labels=labels, shown_at=None), reflections=own)

    for message in (leads_message(facts), team_message(facts)):
        assert check_blocks(message.blocks, "message") == []
        assert blocks_json(message).count("Name") >= 6
        assert ("And those of 24 more." in blocks_json(message)) is (leads == 30)


def test_team_sees_only_answers_of_leads_who_shared_them() -> None:
    text = blocks_json(team_message(FACTS["two_leads"]))

    assert "Ben's own answers" in text
    assert "Ana's own answers" not in text


def test_team_is_told_when_there_is_no_note() -> None:
    assert "No note from Ana this week." in blocks_json(team_message(showing()))
    assert "No note from Ana and Ben this week." in blocks_json(team_message(FACTS["two_leads"]))
    assert "No note from Ana this time." in blocks_json(team_message(FACTS["after"]))


def test_number_of_answers_is_never_shown() -> None:
    for name, message in SHOWN.items():
        text = blocks_json(message)
        assert "answers:" not in text, name
        assert not re.search(r"\d+ (of \d+ people|answers,|chose)", text), name


def test_nothing_is_shown_below_the_minimum() -> None:
    for message in (leads_message(FACTS["too_few"]), team_message(FACTS["too_few"])):
        assert message.picture is None
        assert "answered" not in blocks_json(message)
        assert "of 5" not in blocks_json(message)


def test_note_input_disappears_once_the_team_has_read_it() -> None:
    def inputs(facts: ResultsView) -> list[str]:
        return [block["type"] for block in leads_message(facts).blocks if block["type"] == "input"]

    assert inputs(FACTS["noted"]) == ["input"]
    assert inputs(FACTS["read"]) == []


@pytest.mark.parametrize("text", ["x" * NOTE_LIMIT, "<&>" * (NOTE_LIMIT // 3), "a\n" * 500])
def test_long_notes_and_comments_fit_slack_limits(text: str) -> None:
    comments = [text] * 60
    facts = showing(START, replace(NOTED, note=text), phase=TO_TEAM, comments=tuple(comments))
    for message in (leads_message(facts), team_message(facts), *in_replies(facts.comments)):
        assert check_blocks(message.blocks, "message") == []


def test_every_comment_is_shown_exactly_once() -> None:
    comments = tuple(f"Comment {n:02}: " + "words " * 60 for n in range(50))
    facts = showing(comments=comments)
    text = blocks_json(leads_message(facts)) + "".join(map(blocks_json, in_replies(comments)))

    assert all(text.count(f"Comment {n:02}:") == 1 for n in range(50))


@pytest.mark.parametrize("sign", ["&", "*", "x", "a\n", "words "])
def test_every_character_of_a_comment_is_shown(sign: str) -> None:
    comments = tuple((f"{n:02}" + sign * 1_000)[:1_000] for n in range(12))
    facts = showing(comments=comments)
    shown_blocks = [
        block
        for message in (leads_message(facts), *in_replies(comments))
        for block in message.blocks
    ]
    quotes = [
        block["text"]["text"]
        for block in shown_blocks
        if block["type"] == "section" and block["text"]["text"].startswith(">")
    ]

    read = "".join(quotes).replace("\u2060", "").replace(">", "").replace("&amp;", "&")
    assert read.replace("\n", "") == "".join(comments).replace("\n", "")


def test_note_does_not_change_which_comments_are_in_the_message() -> None:
    """The other comments are in replies, which are posted once and never edited."""
    comments = tuple(f"{n:02}" + "x" * 998 for n in range(9))
    noted = replace(WEEK, note="y" * NOTE_LIMIT, noted_by="Ana")

    for facts in (showing(START, WEEK), showing(START, noted), showing(START, TOO_FEW)):
        text = blocks_json(leads_message(replace(facts, comments=comments)))
        assert [n for n in range(9) if f"{n:02}xxx" in text] == [0]


def test_user_text_cannot_trigger_mentions_or_links() -> None:
    round_ = replace(
        NOTED, note=HOSTILE, noted_by=HOSTILE, labels=dict.fromkeys(WEEK.labels, HOSTILE)
    )
    phase = replace(TO_TEAM, people=(replace(TO_TEAM.people[0], name=HOSTILE),))
    reflection = replace(BEN_REFLECTION, name=HOSTILE)
    facts = showing(START, round_, phase=phase, reflections=(reflection,), comments=(HOSTILE,) * 2)
    for message in (leads_message(facts), team_message(facts)):
        assert check_blocks(message.blocks, "message") == []
        formatted = [
            text["text"]
            for block in message.blocks
            for text in (block.get("text"), *block.get("elements", ()))
            if text and text["type"] == "mrkdwn"
        ]
        for sign in ("<!channel>", "<@U0BEN>", "<https"):
            assert all(sign not in text for text in formatted)
