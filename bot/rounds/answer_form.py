"""The form in which answers are changed, and given where Send was pressed with nothing chosen.

Its `private_metadata` is the round's id. A form is shown to one person only and is in no export,
so it may hold what they chose before; a message never does.
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
from bot.slack.inputs import offered
from bot.slack.mrkdwn import clean

FORM = "rounds.form"
TITLE = "Your answers"
CANNOT_SAY = "Can't say"


@dataclass(frozen=True, kw_only=True)
class AnswerInput:
    """What one person put in: a level per question, None where left blank."""

    answers: Mapping[str, int | None] = field(default_factory=dict)
    comment: str = ""
    shared: bool = False  # a lead's: show my answers beside yours

    @property
    def has_answer(self) -> bool:
        return any(level is not None for level in self.answers.values())


def build(asking: QuestionnaireView, given: AnswerInput) -> View:
    """The form, filled with what was given before."""
    blocks: list[Block] = []
    for question in asking.questions:
        blocks.append(messages.question_text(question, to_lead=asking.to_lead))
        blocks.append(_level(question, asking.round_id, given.answers.get(question.key)))
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


def parse(values: Mapping[str, Any], round_id: str) -> AnswerInput:
    """What is chosen and typed in a message, in the form or in App Home for one round.

    `values` is Slack's `state.values`; inputs of other rounds are left out.
    """
    start = messages.block_id(round_id, "")
    mine = {
        name.removeprefix(start): element
        for name, state in values.items()
        if name.startswith(start)
        for element in state.values()
    }
    comment = mine.pop("comment", {}).get("value") or ""
    share = mine.pop("share", {}).get("selected_options") or []
    return AnswerInput(
        answers={key: _chosen(element) for key, element in mine.items()},
        comment=clean(comment),
        shared=bool(share),
    )


def _level(question: Question, round_id: str, level: int | None) -> Block:
    # Chosen radio buttons cannot be taken back, so here "can't say" is one of them.
    blank = Option(value="0", text=plain(CANNOT_SAY))
    options = [*messages.levels(question), blank]
    return InputBlock(
        block_id=messages.block_id(round_id, question.key),
        label=plain(messages.YOUR_ANSWER),
        element=RadioButtonsElement(
            action_id=messages.LEVEL,
            options=options,
            initial_option=offered(messages.levels(question), level),
        ),
        optional=True,
    )


def _chosen(element: Mapping[str, Any]) -> int | None:
    value = (element.get("selected_option") or {}).get("value", "")
    return int(value) if value in ("1", "2", "3", "4", "5") else None
