"""Texts of the messages about a round, none of which ever contains an answer."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.fake_slack.checks import check_blocks
from bot.rounds import messages, questions
from bot.rounds.model import QuestionnaireView
from bot.rounds.rules import RoundKind
from bot.slack.content import Content

CLOSES = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
NAMES = ("Ben Okafor", "Chiara Rossi", "Dev Patel", "Emi Tanaka", "Finn O'Brien")
HOSTILE = "*Ana* <!channel> <@U0BEN> <https://x.example|y> `a` _b_ & \u202eabc"
ASKING = QuestionnaireView(
    round_id="r" * 32,
    kind=RoundKind.WEEKLY,
    channel_id="C0LAUNCH",
    to_lead=False,
    leads=("Ana",),
    members=NAMES,
    asked=5,
    minimum=4,
    questions=questions.about_leads(["Ana"]),
    closes_at=CLOSES,
    comments_to="leads",
)
TWO_LEADS = replace(ASKING, leads=("Ana", "Ben"), questions=questions.about_leads(["Ana", "Ben"]))
SHOWN = {
    **{kind.value: messages.questions_message(replace(ASKING, kind=kind)) for kind in RoundKind},
    "two_leads": messages.questions_message(TWO_LEADS),
    "comments_to_team": messages.questions_message(replace(ASKING, comments_to="team")),
    "with_note": messages.questions_message(
        replace(ASKING, note="Too many goals.\nWe drop the importer.")
    ),
    "to_lead": messages.questions_message(replace(ASKING, to_lead=True)),
    "received": messages.receipt("r" * 32, "C0LAUNCH", CLOSES),
    "skipped": messages.skipped("r" * 32, "C0LAUNCH", CLOSES),
    "reminder": messages.reminder("r" * 32, "C0LAUNCH", CLOSES),
    "closed": messages.closed("C0LAUNCH", messages.CLOSED_ENOUGH),
    "closed_few": messages.closed("C0LAUNCH", messages.CLOSED_FEW),
    "closed_unreadable": messages.closed("C0LAUNCH", messages.CLOSED_UNREADABLE),
    "closed_to_lead": messages.closed("C0LAUNCH", messages.CLOSED_LEAD),
    "talking_points": messages.talking_points(ASKING.questions),
}


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def as_sent(message: Content) -> dict[str, object]:
    return {"text": message.text, "blocks": message.blocks}


@pytest.mark.parametrize("name", SHOWN)
def test_message_matches_snapshot(name: str, json_snapshot: SnapshotAssertion) -> None:
    assert as_sent(SHOWN[name]) == json_snapshot


@pytest.mark.parametrize("name", SHOWN)
def test_blocks_are_valid_for_slack(name: str) -> None:
    assert check_blocks(SHOWN[name].blocks, "message") == []


@pytest.mark.parametrize("name", SHOWN)
def test_first_line_fits_a_notification(name: str) -> None:
    message = SHOWN[name]

    assert len(message.text) <= 80
    assert "!" not in message.text.replace("<!", "")


def test_privacy_note_states_the_minimum_of_the_round() -> None:
    assert messages.small_print(replace(ASKING, minimum=6)) == (
        "Ana sees totals only, from 6 answers on. Until the questions close, whoever runs the "
        "bot's server could link answers to people; then individual answers are deleted. Nobody "
        "is shown who answered."
    )


def test_several_leads_take_a_plural_verb() -> None:
    assert messages.small_print(TWO_LEADS).startswith("Ana and Ben see totals only")
    assert "do our leads put trust" in json.dumps(messages.questions_message(TWO_LEADS).blocks)


def test_user_text_cannot_trigger_mentions_or_links() -> None:
    hostile = replace(
        ASKING,
        leads=(HOSTILE,),
        members=(HOSTILE,) * 5,
        note=f"{HOSTILE}\n{HOSTILE}",
        questions=questions.about_leads(
            [HOSTILE],
            questions.reworded({"clarity": {"label": HOSTILE, "to_member": f"Does {HOSTILE}?"}}),
        ),
    )
    message = messages.questions_message(hostile)
    assert check_blocks(message.blocks, "message") == []

    formatted = [
        text["text"]
        for block in message.blocks
        for text in (block.get("text"), *block.get("elements", ()))
        if text and text["type"] == "mrkdwn"
    ]
    assert all("<!channel>" not in text and "<@U0BEN>" not in text for text in formatted)
    assert all("<https" not in text for text in formatted)


def test_long_names_and_a_long_note_fit_slack_limits() -> None:
    names = tuple(f"Person {n:03} " + "&" * 60 for n in range(30))
    crowd = replace(ASKING, members=names, asked=200, note="<&>" * 1_000)

    assert check_blocks(messages.questions_message(crowd).blocks, "message") == []


def test_people_beyond_the_named_ones_are_counted() -> None:
    first = messages.questions_message(replace(ASKING, asked=12)).blocks[0]["text"]["text"]

    assert "12 people are asked: Ben Okafor, " in first
    assert "Finn O'Brien and 7 more." in first


def test_no_message_presets_an_input() -> None:
    """With every input empty, no answer can be read from a message."""
    for message in SHOWN.values():
        sent = json.dumps(as_sent(message))
        assert "initial_option" not in sent
        assert "initial_value" not in sent


def test_input_block_ids_contain_the_round_id() -> None:
    block_ids = [
        block["block_id"]
        for block in messages.questions_message(ASKING).blocks
        if block["type"] == "input"
    ]

    assert block_ids == [
        f"answer:{'r' * 32}:{name}" for name in ("clarity", "trust", "ego", "comment")
    ]
