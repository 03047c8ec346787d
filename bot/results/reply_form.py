"""The form for a lead's reply to the results: what they heard, and the one thing that changes."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import InputBlock, Option, RadioButtonsElement
from slack_sdk.models.views import View

from bot.promises.model import Reply
from bot.results.model import ClosedRound
from bot.slack.content import plain
from bot.slack.inputs import form_parser, option_with_value, text_input
from bot.slack.mrkdwn import clean

FORM = "results.reply_form"
HEARD, HEARD_TEXT = "results.heard", "results.heard.text"
CHOICE, CHOSEN = "results.choice", "results.choice.chosen"
BLOCK, CHANGE_TEXT = "results.reply.change", "results.reply.change.text"
TEXT_LIMIT = 1_000
CHANGE, NOTHING = "change", "nothing"

TITLE = "Reply to the Team"
HEARD_LABEL = "The hardest thing I heard"
CHOICE_LABEL = "What changes"
CHOICES = {CHANGE: "One change", NOTHING: "Nothing changes this week, because"}
LABEL = "The change, or the reason"
BEFORE = (
    "Your whole team reads this with your name: with the results, and again above the next "
    "questions. You can change it until then."
)
AFTERWARDS = (
    "Your whole team reads this with your name, in the results and above the next questions. It "
    "can't be changed afterwards."
)
EXAMPLE = "When a review waits a day, I will take it. Or: we have only just started."


def build(shown: ClosedRound) -> View:
    """Return the form, with what was written before."""
    before = shown.promise
    heard = text_input(
        HEARD,
        HEARD_LABEL,
        HEARD_TEXT,
        limit=TEXT_LIMIT,
        value=before.heard if before else None,
        multiline=True,
        optional=True,
    )
    text = text_input(
        BLOCK,
        LABEL,
        CHANGE_TEXT,
        limit=TEXT_LIMIT,
        value=before.text if before else None,
        placeholder=EXAMPLE,
        hint=AFTERWARDS if shown.shown_at else BEFORE,
        multiline=True,
    )
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=shown.round_id,
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=[heard, _choice(NOTHING if before and not before.is_change else CHANGE), text],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> Reply:
    """Return the reply as it was typed, cleaned."""
    return Reply(
        heard=clean(values[HEARD][HEARD_TEXT].get("value") or "") or None,
        text=clean(values[BLOCK][CHANGE_TEXT].get("value") or ""),
        is_change=values[CHOICE][CHOSEN]["selected_option"]["value"] == CHANGE,
    )


def _choice(chosen: str) -> InputBlock:
    options = [Option(value=value, text=plain(text)) for value, text in CHOICES.items()]
    return InputBlock(
        block_id=CHOICE,
        label=plain(CHOICE_LABEL),
        element=RadioButtonsElement(
            action_id=CHOSEN, options=options, initial_option=option_with_value(options, chosen)
        ),
    )
