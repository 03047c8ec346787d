"""What leads and team are told about a closed round, word by word."""

import json
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.fake_slack.checks import check_blocks
from bot.results.comments import in_replies
from bot.results.messages import NOTE_LIMIT, to_leads, to_team
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
    showing,
    shown,
)

NOTED = replace(WEEK, note=NOTE, noted_by="Ana")
BENS = Reflection(name="Ben", answers={"clarity": 4, "trust": 1, "ego": 5}, shared=True)
TO_TEAM = replace(PHASE, comments_to="team")
FACTS = {
    "first": showing(START),
    "week": showing(),
    "large": showing(START, LARGE),
    "after_too_few": showing(START, TOO_FEW, LARGE),
    "too_few": showing(START, TOO_FEW),
    "closing": showing(START, replace(WEEK, kind="closing", week=4)),
    "after": showing(START, replace(WEEK, kind="after", week=2)),
    "poll": showing(START, replace(WEEK, kind="poll", week=2)),
    "noted": showing(START, NOTED, comments=COMMENTS),
    "read": showing(START, replace(NOTED, shown_at=TEAM_READS), comments=COMMENTS),
    "two_leads": showing(START, WEEK, phase=TWO_LEADS, reflections=(OWN, BENS)),
    "comments_to_team": showing(START, NOTED, phase=TO_TEAM, comments=COMMENTS),
}
SHOWN = {
    **{f"{name}_to_leads": to_leads(facts) for name, facts in FACTS.items()},
    **{f"{name}_to_team": to_team(facts) for name, facts in FACTS.items()},
    "paused_to_leads": to_leads(showing(START, NOTED, phase=replace(PHASE, paused_at=TEAM_READS))),
    "paused_too_few_to_leads": to_leads(
        showing(START, TOO_FEW, phase=replace(PHASE, paused_at=TEAM_READS))
    ),
}


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def seen(message: Content) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


@pytest.mark.parametrize("name", SHOWN)
def test_is_shown_as_before(name: str, picture: SnapshotAssertion) -> None:
    message = SHOWN[name]
    drawn = message.picture
    assert {
        "text": message.text,
        "blocks": message.blocks,
        "picture": drawn and {"facts": drawn.facts, "alt": drawn.alt_text, "title": drawn.title},
    } == picture


@pytest.mark.parametrize("name", SHOWN)
def test_slack_would_take_it(name: str) -> None:
    assert check_blocks(SHOWN[name].blocks, "message") == []


@pytest.mark.parametrize("name", SHOWN)
def test_first_line_fits_a_notification(name: str) -> None:
    assert len(SHOWN[name].text) <= 80
    assert "!" not in seen(SHOWN[name]).replace("<!", "")


@pytest.mark.parametrize("changes", [(-2.0, 1.0), (0.5, -0.5), (0.0, 0.0), (None, None)])
def test_every_first_line_fits_a_notification(changes: tuple[float | None, ...]) -> None:
    figures = (
        shown("clarity", (0, 2, 2, 0, 0), changes[0]),
        shown("ego", (0, 2, 2, 0, 0), changes[1]),
    )
    for kind in ("first", "weekly", "closing", "after", "poll"):
        facts = showing(START, replace(WEEK, kind=kind, week=9, figures=figures))
        facts = replace(facts, phase=replace(PHASE, channel_id="C0123456789"))
        assert len(to_team(facts).text) <= 80
        assert len(to_leads(facts).text) <= 80


def test_the_first_line_names_what_changed_most() -> None:
    assert to_team(showing()).text == ("Week 2 in <#C0LAUNCH>: less clear, more trust than before.")
    assert to_team(showing(START)).text == "Start in <#C0LAUNCH>: more than half clear."


def test_a_change_is_counted_from_the_last_round_that_showed_the_question() -> None:
    told = seen(to_team(FACTS["after_too_few"]))

    assert "(3.5 of 5), same as the start" in told
    assert "up 0.5 since the start" in told


def test_signals_gaps_and_comments_are_for_the_leads_alone() -> None:
    facts = showing(START, WEEK, comments=COMMENTS)
    low = "You see it clearer than the team does"

    assert low in seen(to_leads(facts))
    assert COMMENTS[1] in seen(to_leads(facts))
    assert low not in seen(to_team(facts))
    assert "Ana said" not in seen(to_team(facts))
    assert COMMENTS[1] not in seen(to_team(facts))


@pytest.mark.parametrize("leads", [6, 30])
def test_the_answers_of_many_leads_fit(leads: int) -> None:
    labels = dict.fromkeys(LABELS, "<" * 75)
    own = tuple(
        replace(OWN, name=f"Name {number} {'&' * 60}", shared=True) for number in range(leads)
    )
    facts = showing(replace(START, labels=labels, shown_at=None), reflections=own)

    for message in (to_leads(facts), to_team(facts)):
        assert check_blocks(message.blocks, "message") == []
        assert seen(message).count("Name") >= 6
        assert ("And those of 24 more." in seen(message)) is (leads == 30)


def test_a_lead_who_ticked_is_shown_beside_the_team_and_nobody_else() -> None:
    told = seen(to_team(FACTS["two_leads"]))

    assert "Ben's own answers" in told
    assert "Ana's own answers" not in told


def test_without_a_note_the_team_reads_that_there_is_none() -> None:
    assert "No note from Ana this week." in seen(to_team(showing()))
    assert "No note from Ana and Ben this week." in seen(to_team(FACTS["two_leads"]))
    assert "No note from Ana this time." in seen(to_team(FACTS["after"]))


def test_below_the_minimum_no_number_of_answers_is_told() -> None:
    for message in (to_leads(FACTS["too_few"]), to_team(FACTS["too_few"])):
        assert message.picture is None
        assert "answered" not in seen(message)
        assert "of 5" not in seen(message)


def test_the_note_can_be_written_until_the_team_has_read_it() -> None:
    def boxes(facts: ResultsView) -> list[str]:
        return [block["type"] for block in to_leads(facts).blocks if block["type"] == "input"]

    assert boxes(FACTS["noted"]) == ["input"]
    assert boxes(FACTS["read"]) == []


@pytest.mark.parametrize("text", ["x" * NOTE_LIMIT, "<&>" * (NOTE_LIMIT // 3), "a\n" * 500])
def test_long_words_fit(text: str) -> None:
    comments = [text] * 60
    facts = showing(START, replace(NOTED, note=text), phase=TO_TEAM, comments=tuple(comments))
    for message in (to_leads(facts), to_team(facts), *in_replies(facts.comments)):
        assert check_blocks(message.blocks, "message") == []


def test_no_comment_is_lost() -> None:
    comments = tuple(f"Comment {n:02}: " + "words " * 60 for n in range(50))
    facts = showing(comments=comments)
    told = seen(to_leads(facts)) + "".join(map(seen, in_replies(comments)))

    assert all(told.count(f"Comment {n:02}:") == 1 for n in range(50))


@pytest.mark.parametrize("sign", ["&", "*", "x", "a\n", "words "])
def test_every_sign_of_a_comment_is_shown(sign: str) -> None:
    comments = tuple((f"{n:02}" + sign * 1_000)[:1_000] for n in range(12))
    facts = showing(comments=comments)
    told = [block for one in (to_leads(facts), *in_replies(comments)) for block in one.blocks]
    quotes = [
        block["text"]["text"]
        for block in told
        if block["type"] == "section" and block["text"]["text"].startswith(">")
    ]

    read = "".join(quotes).replace("\u2060", "").replace(">", "").replace("&amp;", "&")
    assert read.replace("\n", "") == "".join(comments).replace("\n", "")


def test_the_comments_beside_the_results_stay_the_same_when_a_note_comes() -> None:
    """The replies with the others are posted once, and not edited."""
    comments = tuple(f"{n:02}" + "x" * 998 for n in range(9))
    noted = replace(WEEK, note="y" * NOTE_LIMIT, noted_by="Ana")

    for facts in (showing(START, WEEK), showing(START, noted), showing(START, TOO_FEW)):
        told = seen(to_leads(replace(facts, comments=comments)))
        assert [n for n in range(9) if f"{n:02}xxx" in told] == [0]


def test_what_people_wrote_never_fires() -> None:
    round_ = replace(
        NOTED, note=HOSTILE, noted_by=HOSTILE, labels=dict.fromkeys(WEEK.labels, HOSTILE)
    )
    phase = replace(TO_TEAM, people=(replace(TO_TEAM.people[0], name=HOSTILE),))
    beside = replace(BENS, name=HOSTILE)
    facts = showing(START, round_, phase=phase, reflections=(beside,), comments=(HOSTILE,) * 2)
    for message in (to_leads(facts), to_team(facts)):
        assert check_blocks(message.blocks, "message") == []
        formatted = [
            text["text"]
            for block in message.blocks
            for text in (block.get("text"), *block.get("elements", ()))
            if text and text["type"] == "mrkdwn"
        ]
        for sign in ("<!channel>", "<@U0BEN>", "<https"):
            assert all(sign not in text for text in formatted)
