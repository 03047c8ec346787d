"""The form for a decision: go on and why, or change one thing; or on to the form that ends it."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import InputBlock, Option, RadioButtonsElement
from slack_sdk.models.views import View

from bot.decisions.messages import END_INSTEAD, question_lines
from bot.decisions.model import Answer, Choice, Decision
from bot.phases.model import Phase
from bot.slack.content import button, paragraphs, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean
from bot.slack.views import notice_view

FORM = "decisions.form"
CHOICE, CHOSEN = "decisions.choice", "decisions.choice.chosen"
BLOCK, TEXT = "decisions.text", "decisions.text.typed"
TEXT_LIMIT = 1_000

TITLE = "Your Decision"
CHOICE_LABEL = "What you decide"
CHOICES = {
    Choice.CONTINUE: "Go on as planned, because",
    Choice.ADJUST: "Go on, and change one thing",
}
LABEL = "The reason, or the change"
EXAMPLE = "The pilot is on track. Or: when a review waits a day, I will take it."
HINT = (
    "Your whole team reads this with your name, in the announcement's thread. If you change "
    "something, they're asked later whether it happened."
)
ABOUT_END = "Should it stop? Ending it asks what came of it, and tells the channel."
END_BUTTON = "End It Instead"
POSTED = "It's on its way to the announcement's thread."


def build(phase: Phase, decision: Decision) -> View:
    options = [Option(value=value, text=plain(text)) for value, text in CHOICES.items()]
    text = text_input(
        BLOCK,
        LABEL,
        TEXT,
        limit=TEXT_LIMIT,
        placeholder=EXAMPLE,
        hint=HINT,
        multiline=True,
        optional=False,
    )
    choice = InputBlock(
        block_id=CHOICE,
        label=plain(CHOICE_LABEL),
        element=RadioButtonsElement(action_id=CHOSEN, options=options),
    )
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=f"{phase.phase_id}:{decision.decision_id}",
        title=plain(TITLE),
        submit=plain("Tell the Team"),
        close=plain("Cancel"),
        blocks=[
            *paragraphs(question_lines(phase, decision)),
            choice,
            text,
            section(ABOUT_END, accessory=button(END_BUTTON, END_INSTEAD, phase.phase_id)),
        ],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> Answer:
    """Return the answer as it was typed. `values` is Slack's `state.values`."""
    return Answer(
        choice=Choice(values[CHOICE][CHOSEN]["selected_option"]["value"]),
        text=clean(values[BLOCK][TEXT].get("value") or ""),
    )


def posted() -> View:
    return notice_view(TITLE, POSTED)
