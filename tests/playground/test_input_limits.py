"""The fake client accepts input up to Slack's limits, and nothing beyond."""

from typing import Any

import pytest

from bot.playground.fake_slack.forms import client_errors

WHOLE = {"type": "number_input", "min_value": "1", "max_value": "9"}
DECIMAL = {**WHOLE, "is_decimal_allowed": True}
TEXT = {"type": "plain_text_input", "min_length": 2, "max_length": 4}


@pytest.mark.parametrize(
    ("element", "accepted", "refused"),
    [
        (WHOLE, ("1", "9"), ("0", "10", "-1", "1.5", "nine")),
        (DECIMAL, ("1", "1.0", "9.0"), ("0.9", "9.1", "nine")),
        ({"type": "number_input"}, ("0", "-7", "1000000"), ("1e",)),
        (TEXT, ("ab", "abcd"), ("a", "abcde")),
        ({"type": "plain_text_input"}, ("x" * 3_000,), ("x" * 3_001,)),
        ({"type": "email_text_input"}, ("ana@example.org",), ("ana", "@example.org")),
    ],
)
def test_input_is_accepted_within_its_limits_only(
    element: dict[str, Any], accepted: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    blocks = [{"type": "input", "block_id": "b", "element": {**element, "action_id": "a"}}]

    def errors(typed: str) -> dict[str, str]:
        return client_errors(blocks, {"b": {"a": {"type": element["type"], "value": typed}}})

    assert {typed: errors(typed) for typed in accepted} == {typed: {} for typed in accepted}
    assert all(set(errors(typed)) == {"b"} for typed in refused)


def test_only_inputs_keep_a_form_from_being_sent() -> None:
    select = {"type": "static_select", "action_id": "a", "options": []}
    blocks: list[dict[str, Any]] = [
        {"type": "section", "block_id": "s", "accessory": select},
        {"type": "actions", "block_id": "x", "elements": [select]},
    ]
    empty = {"a": {"type": "static_select", "selected_option": None}}

    assert client_errors(blocks, {"s": empty, "x": empty}) == {}
