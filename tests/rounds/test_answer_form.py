"""The form for changing answers: its view, and the answers parsed from it."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.checks.model import CHECK_KEY, AskedCheck, CheckKind
from bot.playground.fake_slack.checks import check_view
from bot.rounds import answer_form
from bot.rounds.answer_changes import AnswerInput
from tests.rounds.test_messages import ASKING, HOSTILE

LEAD = replace(ASKING, to_lead=True)
BLANK = AnswerInput(answers={"clarity": None, "trust": None, "ego": None})
FILLED = AnswerInput(answers={"clarity": 1, "trust": None, "ego": 5}, comment="Fewer goals")
SHARED = AnswerInput(answers={"clarity": 3, "trust": 4, "ego": 5}, shared=True)
CHECKED = replace(ASKING, check=AskedCheck(kind=CheckKind.CONTINUE))
NO = replace(FILLED, answers={**FILLED.answers, CHECK_KEY: 3})
FORMS = {
    "blank": (ASKING, BLANK),
    "filled": (ASKING, FILLED),
    "lead": (LEAD, SHARED),
    "check": (CHECKED, NO),
    "check_alone": (CHECKED, AnswerInput(answers={CHECK_KEY: None})),
}


def submitted(view: View) -> dict[str, Any]:
    """Return the state values Slack sends when the form is submitted unchanged."""
    values: dict[str, Any] = {}
    for block in view.to_dict()["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = {
            "radio_buttons": {"selected_option": element.get("initial_option")},
            "plain_text_input": {"value": element.get("initial_value")},
            "checkboxes": {"selected_options": element.get("initial_options", [])},
        }[element["type"]]
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"], **state}}
    return values


@pytest.mark.parametrize(("asking", "given"), FORMS.values(), ids=FORMS)
def test_parse_returns_the_answers_given_to_build(asking: Any, given: AnswerInput) -> None:
    view = answer_form.build(asking, given)

    assert answer_form.parse(submitted(view), asking.round_id) == given


@pytest.mark.parametrize(("asking", "given"), FORMS.values(), ids=FORMS)
def test_answer_form_matches_snapshot(
    asking: Any, given: AnswerInput, snapshot: SnapshotAssertion
) -> None:
    view = answer_form.build(asking, given).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_private_metadata_holds_only_the_round_id() -> None:
    view = answer_form.build(ASKING, FILLED)

    assert view.private_metadata == ASKING.round_id


def test_values_of_another_round_are_ignored() -> None:
    values = submitted(answer_form.build(ASKING, FILLED))

    assert answer_form.parse(values, "another") == AnswerInput()


def test_cant_say_option_is_parsed_as_no_answer() -> None:
    values = submitted(answer_form.build(ASKING, FILLED))
    for state in values.values():
        for element in state.values():
            if element["type"] == "radio_buttons":
                element["selected_option"] = {"value": "0"}

    assert not answer_form.parse(values, ASKING.round_id).has_answer


@pytest.mark.parametrize("value", ["6", "-1", "1.5", "", "<!channel>", "\uff15"])
def test_forged_level_is_parsed_as_no_answer(value: str) -> None:
    values = submitted(answer_form.build(ASKING, FILLED))
    for state in values.values():
        for element in state.values():
            element["selected_option"] = {"value": value}

    assert not answer_form.parse(values, ASKING.round_id).has_answer


def test_bidi_override_is_stripped_from_comment() -> None:
    values = submitted(answer_form.build(ASKING, replace(FILLED, comment=HOSTILE)))

    comment = answer_form.parse(values, ASKING.round_id).comment
    assert comment == HOSTILE.replace("\u202e", "")
