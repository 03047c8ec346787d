"""The form in which a workspace rewords the three questions; none can be dropped."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.slack.content import context, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean, quote_within
from bot.workspaces.rules import LONGEST_LABEL, LONGEST_QUESTION

FORM = "workspaces.wording"
VALUE = "workspaces.words"
TITLE = "Your words"
ABOUT = (
    "They hold from the next questions on. Left empty, ours stay. {lead} becomes the lead's "
    "name, {does} and {Does} go with it."
)
LABELS = {
    "label": "Label",
    "to_member": "To a member, about the lead",
    "to_lead": "To the lead, about themselves",
}
LABEL_SHOWN = 500  # with its escapes
LIMITS = {"label": LONGEST_LABEL, "to_member": LONGEST_QUESTION, "to_lead": LONGEST_QUESTION}

#: Question key -> label, to_member, to_lead, where they differ from ours.
Words = Mapping[str, Mapping[str, str]]


class Question(Protocol):
    """One of the three questions in our own wording."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def to_member(self) -> str: ...
    @property
    def to_lead(self) -> str: ...


def build(ours: Sequence[Question], words: Words) -> View:
    """Return the form, filled with the wording in use."""
    blocks: list[Block] = [context(ABOUT)]
    for question in ours:
        blocks.append(section(f"*{quote_within(question.label, LABEL_SHOWN)}*"))
        blocks += [_input(question, name, words.get(question.key, {})) for name in LABELS]
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any], ours: Sequence[Question]) -> dict[str, dict[str, str]]:
    """Return the wording that differs from ours."""
    words = {
        question.key: {
            name: typed
            for name in LABELS
            if (typed := _typed(values, question, name)) and typed != getattr(question, name)
        }
        for question in ours
    }
    return {key: changed for key, changed in words.items() if changed}


def _input(question: Question, name: str, words: Mapping[str, str]) -> Block:
    return text_input(
        _block(question, name),
        LABELS[name],
        VALUE,
        limit=LIMITS[name],
        value=words.get(name) or getattr(question, name),
        multiline=name != "label",
        optional=True,
    )


def _typed(values: Mapping[str, Any], question: Question, name: str) -> str:
    element = values.get(_block(question, name), {}).get(VALUE, {})
    return clean(element.get("value") or "")


def _block(question: Question, name: str) -> str:
    return f"{question.key}_{name}"
