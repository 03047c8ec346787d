"""The forms for changing answers, and for the part of them that is no tap.

A member may comment; a lead may choose whether the team sees their answers. The `private_metadata`
of both forms is the round's id. A form is shown to one person only and is in no export, so it may
hold their earlier answers; a message never does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    RadioButtonsElement,
)
from slack_sdk.models.views import View

from bot.checks.messages import ANSWERS, LABELS
from bot.checks.messages import question as check_question
from bot.checks.model import CHECK_KEY
from bot.checks.model import LEVELS as CHECK_LEVELS
from bot.rounds import messages
from bot.rounds.answer_changes import AnswerInput, CommentInput, SharingInput
from bot.rounds.model import QuestionnaireView
from bot.rounds.questions import Question
from bot.slack.content import context, plain, section
from bot.slack.inputs import form_parser, option_with_value, text_input
from bot.slack.mrkdwn import clean, join_names, truncated

FORM, COMMENT_FORM = "rounds.form", "rounds.comment_form"
LEVEL, COMMENT, SHARED = "rounds.level", "rounds.words", "rounds.shared"
TITLE, COMMENT_TITLE, SHARE_TITLE = "Your answers", "Comment", "Who sees it"
YOUR_ANSWER = "Your answer"
LEVELS = ("1 · Not at all", "2", "3", "4", "5 · Fully")
CANNOT_SAY = "Can't say"
ADD = "Anything to add?"
COMMENT_TO_LEAD = "{leads} reads this without your name. Your writing style could give you away."
COMMENT_TO_LEADS = "{leads} read this without your name. Your writing style could give you away."
COMMENT_TO_TEAM = "The team reads this without your name. Your writing style could give you away."
LEADS_LIMIT = 600
SHARE_LABEL = "Beside the team's totals"
SHARE_TEXT = "Show the team my answers"
SHARE_WHO = "The whole team sees them with these results. You choose again each week."


def build(asking: QuestionnaireView, given: AnswerInput, *, form: str = FORM) -> View:
    """Return the form for all answers, filled with the earlier ones.

    `form` tells where it was opened from.
    """
    blocks: list[Block] = []
    for question in asking.questions:
        blocks.append(messages.question_text(question, to_lead=asking.to_lead))
        blocks.append(_level_input(question, asking.round_id, given.answers))
    if asking.check is not None:
        blocks += [
            section(f"*{LABELS[asking.check.kind]}*\n{check_question(asking.check)}"),
            _check_input(asking.round_id, given.answers),
        ]
    blocks += [_other_input(asking, given), context(messages.small_print(asking))]
    return _view(form, asking, TITLE, blocks)


def build_comment(asking: QuestionnaireView, given: AnswerInput) -> View:
    """Return the form for a member's comment, or for a lead's choice of who sees the answers."""
    title = SHARE_TITLE if asking.to_lead else COMMENT_TITLE
    return _view(COMMENT_FORM, asking, title, [_other_input(asking, given)])


@form_parser
def parse(values: Mapping[str, Any], round_id: str) -> AnswerInput:
    """Return what is chosen and typed in the form for all answers.

    `values` is Slack's `state.values`; inputs of other rounds are ignored.
    """
    inputs = _inputs(values, round_id)
    comment, share = inputs.pop("comment", {}), inputs.pop("share", {})
    levels = {key: _selected_level(element) for key, element in inputs.items()}
    return AnswerInput(
        answers={key: level or None for key, level in levels.items() if level is not None},
        comment=clean(comment.get("value") or ""),
        shared=bool(share.get("selected_options")),
    )


@form_parser
def parse_comment(values: Mapping[str, Any], round_id: str) -> CommentInput | SharingInput:
    """Return the comment, or the choice of who sees the answers."""
    inputs = _inputs(values, round_id)
    if "share" in inputs:
        return SharingInput(shared=bool(inputs["share"].get("selected_options")))
    return CommentInput(comment=clean(inputs["comment"].get("value") or ""))


def _view(callback_id: str, asking: QuestionnaireView, title: str, blocks: Sequence[Block]) -> View:
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=asking.round_id,
        title=plain(title),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=list(blocks),
    )


def _inputs(values: Mapping[str, Any], round_id: str) -> dict[str, Any]:
    prefix = messages.block_id(round_id, "")
    return {
        name.removeprefix(prefix): element
        for name, state in values.items()
        if name.startswith(prefix)
        for element in state.values()
    }


def _level_input(
    question: Question, round_id: str, answers: Mapping[str, int | None]
) -> InputBlock:
    # A selected radio button cannot be deselected, so "can't say" is an option.
    options = [
        Option(value=str(level), text=plain(text)) for level, text in enumerate(LEVELS, start=1)
    ]
    options.append(Option(value="0", text=plain(CANNOT_SAY)))
    return _answer_input(round_id, question.key, options, answers)


def _check_input(round_id: str, answers: Mapping[str, int | None]) -> InputBlock:
    options = [
        Option(value=str(level or 0), text=plain(ANSWERS[answer]))
        for answer, level in CHECK_LEVELS.items()
    ]
    return _answer_input(round_id, CHECK_KEY, options, answers)


def _answer_input(
    round_id: str, key: str, options: Sequence[Option], answers: Mapping[str, int | None]
) -> InputBlock:
    """Return the choice of one answer; the option for no level has the value 0."""
    chosen = (answers[key] or 0) if key in answers else None
    return InputBlock(
        block_id=messages.block_id(round_id, key),
        label=plain(YOUR_ANSWER),
        element=RadioButtonsElement(
            action_id=LEVEL, options=options, initial_option=option_with_value(options, chosen)
        ),
        optional=True,
    )


def _other_input(asking: QuestionnaireView, given: AnswerInput) -> InputBlock:
    if asking.to_lead:
        return _share_input(asking, is_ticked=given.shared)
    to_leads = COMMENT_TO_LEAD if len(asking.leads) == 1 else COMMENT_TO_LEADS
    hint = COMMENT_TO_TEAM if asking.comments_to == "team" else to_leads
    return text_input(
        messages.block_id(asking.round_id, "comment"),
        ADD,
        COMMENT,
        limit=messages.COMMENT_LIMIT,
        value=given.comment,
        hint=hint.format(leads=truncated(join_names(asking.leads), LEADS_LIMIT)),
        multiline=True,
        optional=True,
    )


def _share_input(asking: QuestionnaireView, *, is_ticked: bool) -> InputBlock:
    box = Option(value="yes", text=plain(SHARE_TEXT), description=plain(SHARE_WHO))
    return InputBlock(
        block_id=messages.block_id(asking.round_id, "share"),
        label=plain(SHARE_LABEL),
        element=CheckboxesElement(
            action_id=SHARED, options=[box], initial_options=[box] if is_ticked else None
        ),
        optional=True,
    )


def _selected_level(element: Mapping[str, Any]) -> int | None:
    """Return the chosen level, 0 for "can't say", None where nothing is chosen."""
    value = (element.get("selected_option") or {}).get("value", "")
    return int(value) if value in ("0", "1", "2", "3", "4", "5") else None
