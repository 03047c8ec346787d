"""The form in which a workspace rewords the three questions; none can be dropped."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.rounds.questions import Question
from bot.slack.content import context, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean, quote_within
from bot.workspaces.rules import LONGEST_LABEL, LONGEST_QUESTION

FORM = "workspaces.wording"
VALUE = "workspaces.words"
TITLE = "Reword the Questions"
ABOUT = (
    "These are used from the next questions on. Leave a field empty to keep our wording. {lead} "
    "becomes the lead's name; {does} and {Does} become the verb that fits it."
)
LABELS = {
    "label": "Label",
    "to_member": "To a member, about the lead",
    "to_lead": "To the lead, about themselves",
}
LABEL_SHOWN = 500  # with its escapes
LIMITS = {"label": LONGEST_LABEL, "to_member": LONGEST_QUESTION, "to_lead": LONGEST_QUESTION}

#: Name in `WORDINGS` -> label, to_member, to_lead, where they differ from ours.
Words = Mapping[str, Mapping[str, str]]


def build(ours: Mapping[str, Question], words: Words) -> View:
    """Return the form, filled with the wording in use. `ours` is by the same keys as `words`."""
    blocks: list[Block] = [context(ABOUT)]
    for key, question in ours.items():
        blocks.append(section(f"*{quote_within(question.label, LABEL_SHOWN)}*"))
        blocks += [_input(key, question, name, words.get(key, {})) for name in LABELS]
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any], ours: Mapping[str, Question]) -> dict[str, dict[str, str]]:
    """Return the wording that differs from ours."""
    words = {
        key: {
            name: typed
            for name in LABELS
            if (typed := _typed(values, key, name)) and typed != getattr(question, name)
        }
        for key, question in ours.items()
    }
    return {key: changed for key, changed in words.items() if changed}


def _input(key: str, question: Question, name: str, words: Mapping[str, str]) -> Block:
    return text_input(
        _block(key, name),
        LABELS[name],
        VALUE,
        limit=LIMITS[name],
        value=words.get(name) or getattr(question, name),
        multiline=name != "label",
        optional=True,
    )


def _typed(values: Mapping[str, Any], key: str, name: str) -> str:
    element = values.get(_block(key, name), {}).get(VALUE, {})
    return clean(element.get("value") or "")


def _block(key: str, name: str) -> str:
    return f"{key}_{name}"
