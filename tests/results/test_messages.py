"""Texts of the results messages to the leads and to the team."""

import json
import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.checks.model import AskedCheck, CheckAnswer, CheckKind
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.promises.model import PromiseOutcome
from bot.results import reply_form
from bot.results.comments import comment_messages
from bot.results.messages import about_numbers, leads_message, members_message, team_message
from bot.results.model import ClosedRound, Reflection
from bot.results.reply_form import TEXT_LIMIT
from bot.slack.content import Content
from tests.results.closed_rounds import (
    COMMENTS,
    HOSTILE,
    LABELS,
    LARGE,
    OWN,
    PHASE,
    PROMISE,
    START,
    TEAM_READS,
    TOO_FEW,
    TWO_LEADS,
    WEEK,
    WHOLE,
    showing,
)

REPLIED = replace(WEEK, promise=PROMISE)
CHECK = AskedCheck(kind=CheckKind.PROMISE, text="When plans move, I will say so first.")
CHECKED = replace(REPLIED, check=replace(CHECK, outcome=CheckAnswer.PARTLY))
BEN_REFLECTION = Reflection(name="Ben", answers={"clarity": 4, "trust": 1, "ego": 5}, shared=True)
LINK = "https://example.slack.com/archives/C0LAUNCH/p1?thread_ts=1.1&cid=C0LAUNCH"
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
    "replied": showing(START, REPLIED),
    "nothing_changes": showing(
        START, replace(REPLIED, promise=replace(PROMISE, heard=None, is_change=False))
    ),
    "checked": showing(START, CHECKED),
    "read": showing(START, replace(REPLIED, shown_at=TEAM_READS)),
    "promise_checked": showing(
        START,
        replace(
            REPLIED,
            shown_at=TEAM_READS,
            promise=replace(PROMISE, outcome=PromiseOutcome.PARTLY),
        ),
    ),
    "read_without_note": showing(START, replace(WEEK, shown_at=TEAM_READS)),
    "in_channel": showing(START, replace(WEEK, shown_at=TEAM_READS, is_broadcast=True)),
    "two_leads": showing(START, WEEK, phase=TWO_LEADS, reflections=(OWN, BEN_REFLECTION)),
}
SHOWN = {
    **{f"{name}_to_leads": leads_message(facts) for name, facts in FACTS.items()},
    **{f"{name}_to_team": team_message(facts) for name, facts in FACTS.items()},
    "paused_to_leads": leads_message(
        showing(START, REPLIED, phase=replace(PHASE, paused_at=TEAM_READS))
    ),
    "paused_too_few_to_leads": leads_message(
        showing(START, TOO_FEW, phase=replace(PHASE, paused_at=TEAM_READS))
    ),
    "week_to_members": members_message(showing(), LINK),
    "comments": comment_messages(COMMENTS)[0],
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


def test_results_begin_with_the_best_and_the_weakest() -> None:
    assert (
        "*Week 2 in <#C0LAUNCH>: trust is strong (4 of 5), clarity is the weak spot (2).*"
        in blocks_json(team_message(showing()))
    )
    assert team_message(showing()).text == "Week 2 results in <#C0LAUNCH>"
    assert leads_message(showing()).text == "Week 2 results in <#C0LAUNCH>, for the leads first"


def test_only_results_shown_in_the_channel_are_broadcast() -> None:
    assert team_message(FACTS["in_channel"]).is_broadcast
    assert not team_message(FACTS["read_without_note"]).is_broadcast


def test_small_print_stands_behind_a_button() -> None:
    text = blocks_json(team_message(showing()))
    page = str(about_numbers(showing()).to_dict())

    assert "About These Numbers" in text
    assert "private tips" not in text
    assert "Totals only, rounded, from 4 answers on." in page
    assert "Ana also gets private tips based on these totals." in page
    assert "About These Numbers" not in blocks_json(team_message(FACTS["too_few"]))


def test_leads_and_team_read_the_median_answer_to_the_check_and_nothing_without_one() -> None:
    line = "Did this happen? “When plans move, I will say so first.” *Partly*, said the team."
    for build in (leads_message, team_message):
        assert line in blocks_json(build(FACTS["checked"]))
        assert "artly" not in build(FACTS["checked"]).text
        not_reached = showing(START, replace(REPLIED, check=CHECK))
        assert blocks_json(build(not_reached)) == blocks_json(build(FACTS["replied"]))
    hostile = replace(CHECK, text=HOSTILE, outcome=CheckAnswer.NO)
    shown = team_message(showing(START, replace(WEEK, check=hostile)))
    assert check_blocks(shown.blocks, "message") == []
    assert "<!channel>" not in blocks_json(shown)


def test_change_refers_to_the_last_round_that_showed_the_question() -> None:
    text = blocks_json(team_message(FACTS["after_too_few"]))

    assert "3.5 of 5, same as the start" in text
    assert "up 0.5 since the start" in text


def test_hints_and_gaps_are_shown_to_leads_only() -> None:
    gap = "Clear and doable: you said 5; your team said 2."
    hint = "Clarity: you rate it higher than your team does (5, 2)."

    for text in (gap, hint):
        assert text in blocks_json(leads_message(showing()))
        assert text not in blocks_json(team_message(showing()))


def test_several_leads_are_named_beside_the_levels() -> None:
    own = (OWN, replace(BEN_REFLECTION, shared=False))
    text = blocks_json(leads_message(showing(reflections=own, phase=TWO_LEADS)))

    assert "Clear and doable: Ana said 5; the team said 2." in text
    assert "Clear and doable: Ben said 4; the team said 2." in text


@pytest.mark.parametrize("leads", [6, 30])
def test_answers_of_many_leads_fit_slack_limits(leads: int) -> None:
    labels = dict.fromkeys(LABELS, "<" * 75)
    own = tuple(
        replace(OWN, name=f"Name {number} {'&' * 60}", shared=True) for number in range(leads)
    )
    shown = replace(START, labels=labels, shown_at=None)
    facts = showing(shown, reflections=own, phase=TWO_LEADS)

    for message in (leads_message(facts), team_message(facts)):
        assert check_blocks(message.blocks, "message") == []
        assert blocks_json(message).count("Name") >= 6
        assert ("And those of 24 more." in blocks_json(message)) is (leads == 30)


def test_shared_answers_stand_beside_the_teams_levels_and_others_do_not() -> None:
    text = blocks_json(team_message(FACTS["two_leads"]))

    assert "*Clear and doable:* 2 of 5" in text
    assert "Ben said 4" in text
    assert "Ana said" not in text


def test_shared_answers_of_two_leads_stand_beside_each_level() -> None:
    own = (replace(OWN, shared=True), BEN_REFLECTION)
    text = str(team_message(showing(START, reflections=own, phase=TWO_LEADS)).blocks)

    assert "Ana said 5, Ben said 4" in text
    assert "Ana didn't say, Ben said 5" in text


@pytest.mark.parametrize("hidden", ["clarity", "trust", "ego"])
def test_leads_answer_is_not_shown_beside_a_question_with_too_few_answers(hidden: str) -> None:
    figures = tuple(each for each in START.figures if each.figure.key != hidden)
    own = (replace(OWN, answers=dict.fromkeys(LABELS, 4), shared=True),)
    text = str(team_message(showing(replace(START, figures=figures), reflections=own)).blocks)

    assert text.count("Ana said 4") == 2


def test_no_lead_answer_is_shown_where_the_team_shows_none() -> None:
    nothing = replace(START, reached_minimum=False, figures=())
    text = str(team_message(showing(nothing, reflections=(replace(OWN, shared=True),))).blocks)

    assert "Ana said" not in text


def test_leads_are_told_which_of_their_answers_the_team_will_read() -> None:
    own = (replace(OWN, shared=True), replace(BEN_REFLECTION, shared=False))
    unread = replace(START, shown_at=None)
    text = str(leads_message(showing(unread, reflections=own, phase=TWO_LEADS)).blocks)

    assert "with the answers of Ana beside them" in text
    assert "Ana said 5" in text
    assert "Ana said 5; the team said" not in text
    assert "Ben said 4; the team said" in text


def test_team_is_told_that_a_lead_has_not_replied_yet() -> None:
    assert "and what changes*\\nAna hasn't replied yet." in blocks_json(team_message(showing()))
    assert "Ana and Ben haven't replied yet." in blocks_json(team_message(FACTS["two_leads"]))
    assert "replied yet" not in blocks_json(team_message(FACTS["replied"]))
    assert "replied yet" not in blocks_json(team_message(FACTS["too_few"]))


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


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("week", "Reply to the Team"),
        ("replied", "Change My Reply"),
        ("read_without_note", "Reply to the Team"),
        ("read", None),
        ("too_few", "Reply to the Team"),
    ],
)
def test_lead_can_reply_until_the_team_has_read_a_reply(name: str, label: str | None) -> None:
    message = leads_message(FACTS[name])
    buttons = [
        element["text"]["text"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]

    assert buttons == ([label] if label else [])


@pytest.mark.parametrize("shown", [REPLIED, replace(WEEK, shown_at=TEAM_READS)])
def test_reply_form_matches_snapshot(shown: ClosedRound, json_snapshot: SnapshotAssertion) -> None:
    form = reply_form.build(shown).to_dict()

    assert check_view(form) == []
    assert form == json_snapshot


@pytest.mark.parametrize("text", ["x" * TEXT_LIMIT, "<&>" * (TEXT_LIMIT // 3), "a\n" * 500])
def test_long_notes_and_comments_fit_slack_limits(text: str) -> None:
    facts = showing(START, replace(REPLIED, promise=replace(PROMISE, heard=text, text=text)))
    for message in (leads_message(facts), team_message(facts), *comment_messages([text] * 60)):
        assert check_blocks(message.blocks, "message") == []


def test_every_comment_is_shown_exactly_once() -> None:
    comments = tuple(f"Comment {n:02}: " + "words " * 60 for n in range(50))
    text = "".join(map(blocks_json, comment_messages(comments)))

    assert all(text.count(f"Comment {n:02}:") == 1 for n in range(50))


@pytest.mark.parametrize("sign", ["&", "*", "x", "a\n", "words "])
def test_every_character_of_a_comment_is_shown(sign: str) -> None:
    comments = tuple((f"{n:02}" + sign * 1_000)[:1_000] for n in range(12))
    shown_blocks = [block for message in comment_messages(comments) for block in message.blocks]
    quotes = [
        block["text"]["text"]
        for block in shown_blocks
        if block["type"] == "section" and block["text"]["text"].startswith(">")
    ]

    read = "".join(quotes).replace("\u2060", "").replace(">", "").replace("&amp;", "&")
    assert read.replace("\n", "") == "".join(comments).replace("\n", "")


def test_user_text_cannot_trigger_mentions_or_links() -> None:
    round_ = replace(
        REPLIED,
        promise=replace(PROMISE, heard=HOSTILE, text=HOSTILE, name=HOSTILE),
        labels=dict.fromkeys(WEEK.labels, HOSTILE),
    )
    phase = replace(PHASE, people=(replace(PHASE.people[0], name=HOSTILE),))
    reflection = replace(BEN_REFLECTION, name=HOSTILE)
    facts = showing(START, round_, phase=phase, reflections=(reflection,))
    for message in (leads_message(facts), team_message(facts), *comment_messages([HOSTILE] * 2)):
        assert check_blocks(message.blocks, "message") == []
        formatted = [
            text["text"]
            for block in message.blocks
            for text in (block.get("text"), *block.get("elements", ()))
            if text and text["type"] == "mrkdwn"
        ]
        for sign in ("<!channel>", "<@U0BEN>", "<https"):
            assert all(sign not in text for text in formatted)
