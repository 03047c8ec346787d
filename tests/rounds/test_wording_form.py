"""The form for a workspace's own wording: only what differs from ours is stored."""

from typing import Any

import pytest

from bot.phases.rules import PhaseKind
from bot.rounds import questions_form
from bot.rounds.questions import WORDINGS, questions_for

NAMES = ("label", "to_member", "to_lead")


def shown(words: questions_form.Words) -> dict[str, Any]:
    """Return the state that Slack sends where nothing in the form was changed."""
    blocks = questions_form.build(WORDINGS, words).to_dict()["blocks"]
    return {
        block["block_id"]: {
            questions_form.VALUE: {"value": block["element"].get("initial_value")},
        }
        for block in blocks
        if block["type"] == "input"
    }


def typed(words: questions_form.Words, **changes: str | None) -> dict[str, dict[str, str]]:
    """Return what is stored after these inputs were changed, named like "clarity_label"."""
    values = shown(words)
    assert set(changes) <= set(values)
    for name, text in changes.items():
        values[name] = {questions_form.VALUE: {"value": text}}
    return questions_form.parse(values, WORDINGS)


def test_the_form_sent_as_it_was_shown_stores_nothing_of_ours() -> None:
    assert typed({}) == {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", list(WORDINGS))
def test_only_the_changed_text_is_stored_and_stays(key: str, name: str) -> None:
    stored = typed({}, **{f"{key}_{name}": "  In our words  "})

    assert stored == {key: {name: "In our words"}}
    assert typed(stored) == stored
    ours = WORDINGS[key]
    kind = PhaseKind.TRUST_BUILDING if key == "trust_first" else PhaseKind.RESULTS_SPRINT
    (theirs,) = [one for one in questions_for(kind, stored) if one.key == ours.key]
    for other in NAMES:
        expected = "In our words" if other == name else getattr(ours, other)
        assert getattr(theirs, other) == expected


@pytest.mark.parametrize("text", [None, "", "   "])
def test_an_emptied_text_is_ours_again(text: str | None) -> None:
    stored = {"clarity": {"label": "Clear?", "to_lead": "Am I clear?"}, "ego": {"label": "Room?"}}

    assert typed(stored, clarity_label=text, ego_label=text) == {
        "clarity": {"to_lead": "Am I clear?"}
    }


def test_our_own_words_typed_again_are_not_stored() -> None:
    ours = WORDINGS["clarity"]
    stored = {ours.key: {"label": "Clear?"}}
    assert typed(stored, **{f"{ours.key}_label": f" {ours.label} "}) == {}
