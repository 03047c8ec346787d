"""Truncating texts, filling inputs, and the rules that every view is checked against."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Option

from bot.playground.fake_slack.checks import check_view
from bot.playground.fake_slack.json_pointer import utf16
from bot.slack.content import plain
from bot.slack.inputs import option_with_value, people_select, text_input
from bot.slack.mrkdwn import length, quote_within, truncated
from bot.slack.view_rules import broken_rules
from tests.slack.test_views_fit import TEXTS

BOT = Path(__file__).parents[2] / "bot"


@given(TEXTS, st.integers(1, 300))
def test_text_is_truncated_only_above_its_limit(text: str, limit: int) -> None:
    cut = truncated(text, limit)

    assert length(cut) == utf16(cut) <= limit
    assert (cut == text) == (utf16(text) <= limit)
    assert cut == text or text.startswith(cut[:-1])
    assert utf16(quote_within(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcdef", 4, "abc…"),
        ("ab  cdef", 5, "ab…"),
        ("ab😀cd", 4, "ab…"),
        ("ab😀cd", 5, "ab😀…"),
        ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 13, "👩‍👩‍👧‍👦…"),
        ("ae\u0301bc", 3, "a…"),
        ("a👍🏽bcd", 4, "a…"),
        ("👩‍👩‍👧‍👦", 4, "👩…"),
    ],
)
def test_truncation_avoids_splitting_graphemes(text: str, limit: int, expected: str) -> None:
    assert truncated(text, limit) == expected


# ------------------------------------------------------------ inputs and rules


def test_input_hint_reports_a_truncated_value() -> None:
    block = text_input("b", "Goal", "a", limit=10, value="x" * 11, hint="Short is good.").to_dict()

    assert block["element"]["initial_value"] == "x" * 9 + "…"
    assert block["hint"]["text"].startswith("This was 11 characters long, and only 10 fit")
    assert block["hint"]["text"].endswith("Short is good.")


def test_people_select_keeps_people_beyond_its_maximum() -> None:
    element = people_select("a", ["U1", "U2", "U3"], max_selected=2).to_dict()

    assert element["initial_users"] == ["U1", "U2", "U3"]
    assert "max_selected_items" not in element


def test_initial_option_must_be_among_the_options() -> None:
    options = [Option(value="1", text=plain("one"))]

    assert option_with_value(options, 1) is options[0]
    assert option_with_value(options, "2") is None
    assert option_with_value(options, None) is None


def _text(kind: str = "plain_text", text: str = "x") -> dict[str, str]:
    return {"type": kind, "text": text}


def _view(element: Mapping[str, object], **changes: object) -> dict[str, object]:
    block = {"type": "input", "block_id": "b", "label": _text(), "element": element}
    view = {"type": "modal", "title": _text(), "submit": _text(), "blocks": [block]}
    return {**view, **changes}


def _options(*values: str) -> list[dict[str, object]]:
    return [{"value": value, "text": _text()} for value in values]


TYPED = {"type": "plain_text_input", "action_id": "a"}
NUMBER = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
SECTION = {"type": "section", "block_id": "s", "text": _text("mrkdwn")}
INVALID_VIEWS = {
    "initial value too long": _view({**TYPED, "max_length": 3, "initial_value": "abcd"}),
    "counted in UTF-16": _view({**TYPED, "max_length": 3, "initial_value": "😀😀"}),
    "default limit exceeded": _view({**TYPED, "initial_value": "x" * 3_001}),
    "initial value too short": _view({**TYPED, "min_length": 3, "initial_value": "ab"}),
    "minimum above maximum": _view({**TYPED, "min_length": 9, "max_length": 8}),
    "number out of range": _view({**NUMBER, "initial_value": "10"}),
    "not a number": _view({**NUMBER, "initial_value": "ten"}),
    "option not offered": _view(
        {"type": "static_select", "options": _options("1"), "initial_option": _options("2")[0]}
    ),
    "options not offered": _view(
        {"type": "checkboxes", "options": _options("1"), "initial_options": _options("2")}
    ),
    "too many options": _view({"type": "static_select", "options": _options(*"x" * 101)}),
    "too many radio buttons": _view({"type": "radio_buttons", "options": _options(*"x" * 11)}),
    "too many people": _view(
        {"type": "multi_users_select", "max_selected_items": 1, "initial_users": ["U1", "U2"]}
    ),
    "invalid date": _view({"type": "datepicker", "initial_date": "2026-02-30"}),
    "invalid time": _view({"type": "timepicker", "initial_time": "24:30"}),
    "no submit": _view(TYPED, submit=None),
    "title too long": _view(TYPED, title=_text(text="😀" * 13)),
    "block id repeated": _view(TYPED, blocks=[SECTION, SECTION]),
    "empty text": _view(TYPED, blocks=[{**SECTION, "text": {"type": "mrkdwn"}}]),
    "context text too long": _view(
        TYPED, blocks=[{"type": "context", "elements": [_text("mrkdwn", "x" * 3_001)]}]
    ),
    "view too large": _view(
        TYPED, blocks=[{"type": "section", "text": _text("mrkdwn", "é" * 3_000)}] * 20
    ),
}


@pytest.mark.parametrize("name", INVALID_VIEWS)
def test_invalid_view_is_rejected_by_the_bot_and_the_fake_slack(name: str) -> None:
    view = {key: value for key, value in INVALID_VIEWS[name].items() if value is not None}

    assert broken_rules(view)
    assert check_view(view)
    assert broken_rules(_view(TYPED)) == []


def test_views_are_sent_from_one_module_only() -> None:
    sends_view = re.compile(r"views_(open|push|update)\b|response_action=")
    found = {
        str(file.relative_to(BOT))
        for file in BOT.rglob("*.py")
        if "playground" not in file.parts and sends_view.search(file.read_text())
    }
    published = {
        str(file.relative_to(BOT))
        for file in BOT.rglob("*.py")
        if "enqueue.publish(" in file.read_text()
    }

    assert found == {"slack/views.py"}
    assert published == {"home/lifecycle.py"}
