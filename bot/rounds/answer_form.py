"""The form for changing answers, and for giving them when Send was pressed with nothing chosen.

Its `private_metadata` is the round's id. A form is shown to one person only and is in no export,
so it may hold their earlier answers; a message never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, Option, RadioButtonsElement
from slack_sdk.models.views import View

from bot.rounds import messages
from bot.rounds.model import QuestionnaireView
from bot.rounds.questions import Question
from bot.slack.content import context, plain
from bot.slack.inputs import form_parser, option_with_value
from bot.slack.mrkdwn import clean

FORM = "rounds.form"
TITLE = "Your answers"
CANNOT_SAY = "Can't say"


@dataclass(frozen=True, kw_only=True)
class AnswerInput:
    """One person's input: a level per question, None where left blank."""

    answers: Mapping[str, int | None] = field(default_factory=dict)
    comment: str = ""
    shared: bool = False  # leads only: show these answers beside the team's totals

    @property
    def has_answer(self) -> bool:
        return any(level is not None for level in self.answers.values())


def build(asking: QuestionnaireView, given: AnswerInput) -> View:
    """Return the form, filled with the earlier answers."""
    blocks: list[Block] = []
    for question in asking.questions:
        blocks.append(messages.question_text(question, to_lead=asking.to_lead))
        blocks.append(_level_input(question, asking.round_id, given.answers.get(question.key)))
    if asking.to_lead:
        blocks.append(messages.share_input(asking, ticked=given.shared))
    else:
        blocks.append(messages.comment_input(asking, given.comment))
    blocks.append(context(messages.small_print(asking)))
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=asking.round_id,
        title=plain(TITLE),
        submit=plain("Send"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any], round_id: str) -> AnswerInput:
    """Return what is chosen and typed for one round in a message, in the form or in App Home.

    `values` is Slack's `state.values`; inputs of other rounds are ignored.
    """
    prefix = messages.block_id(round_id, "")
    inputs = {
        name.removeprefix(prefix): element
        for name, state in values.items()
        if name.startswith(prefix)
        for element in state.values()
    }
    comment = inputs.pop("comment", {}).get("value") or ""
    share = inputs.pop("share", {}).get("selected_options") or []
    return AnswerInput(
        answers={key: _selected_level(element) for key, element in inputs.items()},
        comment=clean(comment),
        shared=bool(share),
    )


def _level_input(question: Question, round_id: str, level: int | None) -> Block:
    # A selected radio button cannot be deselected, so here "can't say" is an option.
    blank = Option(value="0", text=plain(CANNOT_SAY))
    options = [*messages.levels(question), blank]
    return InputBlock(
        block_id=messages.block_id(round_id, question.key),
        label=plain(messages.YOUR_ANSWER),
        element=RadioButtonsElement(
            action_id=messages.LEVEL,
            options=options,
            initial_option=option_with_value(messages.levels(question), level),
        ),
        optional=True,
    )


def _selected_level(element: Mapping[str, Any]) -> int | None:
    value = (element.get("selected_option") or {}).get("value", "")
    return int(value) if value in ("1", "2", "3", "4", "5") else None
