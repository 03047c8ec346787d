"""Slack's limits for blocks, views and metadata (docs.slack.dev/reference/block-kit)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground.fake_slack.checks import check_blocks, check_metadata, check_view, name_of
from tests.playground.helpers import (
    actions,
    button,
    field,
    home,
    modal,
    mrkdwn,
    option,
    plain,
    radio,
    section,
    text_input,
)

CONFIRM = {"title": plain("a"), "text": plain("b"), "confirm": plain("c"), "deny": plain("d")}
SELECT = {"type": "static_select", "action_id": "s"}
PEOPLE = {"type": "multi_users_select", "action_id": "p"}
CONVERSATIONS = {"type": "multi_conversations_select", "max_selected_items": 1}
NUMBER = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
PICTURE = {"type": "image", "alt_text": "A chart"}

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("message", section("x" * 3000)),
    ("message", section(fields=[mrkdwn("x" * 1200)] * 10)),
    ("home", section(fields=[mrkdwn("x" * 2000)] * 10)),
    ("message", section(accessory=button(confirm=CONFIRM, style="danger", value="x" * 2000))),
    ("message", {"type": "header", "text": plain("x" * 150)}),
    ("message", {"type": "divider"}),
    ("message", {"type": "context", "elements": [mrkdwn("a"), plain("b")]}),
    ("message", actions(*[button(str(n)) for n in range(25)])),
    ("message", field("b", radio(values="1234567890"))),
    ("message", field("b", radio(initial_option=option("3")))),
    ("message", {**PICTURE, "slack_file": {"id": "F1"}}),
    ("message", {"type": "markdown", "text": "x" * 12_000}),
    ("message", field("b", {**SELECT, "options": [option(str(n)) for n in range(100)]})),
    ("home", field("b", text_input(multiline=True, max_length=3000), optional=True)),
    ("modal", field("b", {"type": "datepicker", "action_id": "d", "initial_date": "2026-12-18"})),
    ("modal", field("b", {"type": "number_input", "is_decimal_allowed": False})),
    ("modal", field("b", {"type": "multi_users_select", "initial_users": ["U1"]})),
    ("modal", field("b", {"type": "file_input", "max_files": 10})),
    ("modal", {"type": "alert", "text": plain("careful")}),
]

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("message", section("x" * 3001), "/text/text", "less than 3001 characters"),
    ("message", section(""), "/text/text", "more than 0 characters"),
    ("message", {"type": "section"}, "", "text or fields"),
    ("message", section(fields=[mrkdwn("x")] * 11), "/fields", "no more than 10"),
    ("message", section(accessory=text_input()), "/accessory", "unsupported type"),
    ("message", section(colour="red"), "", "additional property: colour"),
    ("message", {"type": "header", "text": plain("x" * 151)}, "/text/text", "less than 151"),
    ("message", {"type": "header", "text": mrkdwn("x")}, "/text/type", "plain_text"),
    ("message", {"type": "header", "text": {**plain("x"), "verbatim": True}}, "/text", "verbatim"),
    ("message", {"type": "context", "elements": []}, "/elements", "no fewer than 1"),
    ("message", {"type": "context", "elements": [mrkdwn("x")] * 11}, "/elements", "more than 10"),
    ("message", actions(*[button(str(n)) for n in range(26)]), "/elements", "no more than 25"),
    ("message", actions(button("a"), button("a")), "/elements/1/action_id", "must be unique"),
    ("message", actions(text_input()), "/elements/0", "unsupported type"),
    ("message", actions(button(text=mrkdwn("x"))), "/elements/0/text/type", "plain_text"),
    ("message", actions(button(text=plain("x" * 76))), "/elements/0/text/text", "less than 76"),
    ("message", actions(button(value="x" * 2001)), "/elements/0/value", "less than 2001"),
    ("message", actions(button(style="blue")), "/elements/0/style", "danger, primary"),
    ("message", actions(button(url="nowhere")), "/elements/0/url", "valid URL"),
    ("message", actions(button(action_id="x" * 256)), "/elements/0/action_id", "less than 256"),
    ("message", field("b", button()), "/element", "unsupported type"),
    ("message", field("x" * 256, radio()), "/block_id", "less than 256"),
    ("message", field("b", radio(values="12345678901")), "/element/options", "no more than 10"),
    ("message", field("b", radio(values="")), "/element/options", "no fewer than 1"),
    ("message", field("b", radio(initial_option=option("9"))), "/initial_option", "must match"),
    ("message", field("b", radio(), label=mrkdwn("x")), "/label/type", "plain_text"),
    ("message", field("b", {**SELECT, "options": [option("x" * 151)]}), "/value", "than 151"),
    ("message", field("b", SELECT), "/element", "options, option_groups"),
    (
        "message",
        field("b", text_input(placeholder=plain("x" * 151))),
        "/placeholder/text",
        "than 151",
    ),
    ("message", field("b", text_input(max_length=3001)), "/max_length", "between 1 and 3000"),
    (
        "message",
        field("b", text_input(initial_value="abc", max_length=2)),
        "/initial_value",
        "than 3",
    ),
    (
        "modal",
        field("b", text_input(initial_value="😀😀", max_length=3)),
        "/initial_value",
        "than 4",
    ),
    ("modal", field("b", text_input(initial_value="x" * 3001)), "/initial_value", "than 3001"),
    (
        "modal",
        field("b", text_input(initial_value="a", min_length=2)),
        "/initial_value",
        "more than 1",
    ),
    (
        "modal",
        field("b", text_input(min_length=9, max_length=8)),
        "/element",
        "more than max_length",
    ),
    ("modal", field("b", text_input(placeholder=plain(""))), "/placeholder/text", "more than 0"),
    (
        "modal",
        field("b", {**PEOPLE, "initial_users": ["U1", "U2"], "max_selected_items": 1}),
        "/initial_users",
        "no more than 1",
    ),
    (
        "modal",
        field("b", {**CONVERSATIONS, "initial_conversations": ["C1", "C2"]}),
        "/initial_conversations",
        "no more than 1",
    ),
    ("modal", field("b", {**PEOPLE, "initial_users": []}), "/initial_users", "no fewer than 1"),
    ("modal", field("b", {**NUMBER, "initial_value": "10"}), "/initial_value", "between"),
    ("modal", field("b", {**NUMBER, "initial_value": "ten"}), "/initial_value", "a number"),
    (
        "modal",
        field("b", {"type": "datepicker", "initial_date": "2026-02-30"}),
        "/initial_date",
        "calendar",
    ),
    ("message", field("b", {"type": "file_input"}), "/element", "modals only"),
    ("message", field("b", {"type": "number_input"}), "/element", "is_decimal_allowed"),
    ("message", field("b", {"type": "datepicker", "initial_date": "18.12."}), "_date", "format"),
    ("message", PICTURE, "", "image_url, slack_file"),
    ("message", {"type": "image", "image_url": "https://a.b/c.png"}, "", "alt_text"),
    ("message", {**PICTURE, "slack_file": {"id": "F2"}}, "/slack_file", "invalid slack file"),
    ("message", {"type": "markdown", "text": "x" * 12_001}, "", "less than 12001"),
    ("message", {"type": "alert", "text": plain("x")}, "", "unsupported type"),
    ("modal", {"type": "markdown", "text": "x"}, "", "unsupported type"),
    ("home", {"type": "table", "rows": []}, "", "unsupported type"),
    ("home", {"type": "call"}, "", "unsupported type"),
]


def has_file(file_id: str) -> bool:
    return file_id == "F1"


@pytest.mark.parametrize(("surface", "block"), ACCEPTED)
def test_valid_blocks_are_accepted(surface: Any, block: dict[str, Any]) -> None:
    assert check_blocks([block], surface, has_file=has_file) == []


@pytest.mark.parametrize(("surface", "block", "pointer", "message"), REFUSED)
def test_invalid_blocks_are_reported_at_their_pointer(
    surface: Any, block: dict[str, Any], pointer: str, message: str
) -> None:
    problems = check_blocks([block], surface, has_file=has_file)

    assert problems
    assert any(pointer in problem.pointer and message in problem.message for problem in problems)


def test_duplicate_block_id_is_reported() -> None:
    twice = [section(block_id="a"), section(block_id="a")]

    assert [problem.pointer for problem in check_blocks(twice, "message")] == ["/blocks/1/block_id"]


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_each_surface_has_its_block_limit(surface: Any, most: int) -> None:
    assert check_blocks([section()] * most, surface) == []
    assert check_blocks([section()] * (most + 1), surface)


def test_message_has_a_character_limit_over_all_blocks() -> None:
    """At most 13,200, where each block counts for 125 in addition to its texts."""
    long_blocks = [section("x" * 3000) for _ in range(4)]
    fits = [*long_blocks, section("x" * 400)]

    assert check_blocks(fits, "message") == []
    problems = check_blocks([*fits, section("x" * 200)], "message")
    assert name_of(problems) == "msg_blocks_too_long"
    assert check_blocks([*long_blocks, *long_blocks], "modal") == []
    too_long_and_invalid = check_blocks(
        [*long_blocks, *long_blocks, section("x" * 3001)], "message"
    )
    assert name_of(too_long_and_invalid) == "invalid_blocks"


def test_problem_is_formatted_like_slacks_errors() -> None:
    (problem,) = check_blocks([{"type": "header", "text": plain("x" * 151)}], "message")

    expected = "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    assert str(problem) == expected


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(section(), title=plain("x" * 25)), "less than 25"),
        (modal(section(), title=None), "title"),
        (modal(field("b", text_input()), submit=None), "submit"),
        (modal(section(), private_metadata="x" * 3001), "less than 3001"),
        (modal(section(), callback_id="x" * 256), "less than 256"),
        (modal(section(), external_id="x" * 256), "less than 256"),
        (modal(section(), clear_on_close="yes"), "boolean"),
        (modal(section(), colour="red"), "colour"),
        (
            modal(
                field("a", text_input(focus_on_load=True)),
                field("b", text_input(focus_on_load=True)),
            ),
            "one",
        ),
        (modal(*[section("é" * 3000)] * 100), "too large"),
        (home(section(), title=plain("Home")), "title"),
        (home(section(), close=plain("Home")), "close"),
        ({"type": "drawer", "blocks": []}, "modal or home"),
        ("view", "modal or home"),
    ],
)
def test_invalid_views_are_reported(view: Any, message: str) -> None:
    assert any(message in problem.message for problem in check_view(view))


def test_valid_views_are_accepted() -> None:
    assert check_view(modal(field("b", text_input()), private_metadata="x" * 3000)) == []
    assert check_view(home()) == []


@pytest.mark.parametrize(
    "metadata",
    [
        "note",
        {"event_type": "note"},
        {"event_type": "note", "event_payload": "42"},
        {"event_type": "A Note", "event_payload": {}},
        {"event_type": "note", "event_payload": {}, "more": 1},
    ],
)
def test_malformed_metadata_is_reported(metadata: Any) -> None:
    assert check_metadata(metadata)
    assert check_metadata({"event_type": "note", "event_payload": {}}) == []


KEYS = st.sampled_from(
    [
        *("type", "text", "elements", "element", "accessory", "fields", "label", "options"),
        *("option_groups", "initial_option", "initial_options", "value", "confirm", "action_id"),
        *("block_id", "slack_file", "image_url", "placeholder", "max_length", "url"),
    ]
)
TYPES = st.sampled_from(
    [
        *("section", "actions", "input", "context", "header", "image", "rich_text", "alert"),
        *("button", "radio_buttons", "checkboxes", "static_select", "multi_static_select"),
        *("overflow", "plain_text_input", "number_input", "datepicker", "plain_text", "mrkdwn"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | TYPES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.builds(lambda kind, rest: {**rest, "type": kind}, TYPES, st.dictionaries(KEYS, inner))
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(JSON)
def test_checks_accept_any_json_without_crashing(content: Any) -> None:
    for surface in ("message", "modal", "home"):
        check_blocks(content, surface)
        check_blocks([content], surface)
    check_view({"type": "modal", "blocks": [content], "title": content})
    check_metadata(content)
