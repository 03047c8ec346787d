"""The form for a lead's reply to the results: what they heard, and what changes."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.views import View

from bot.results.model import ClosedRound
from bot.slack.content import plain
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean

FORM, BLOCK, NOTE = "results.note_form", "results.note", "results.note.text"
NOTE_LIMIT = 1_000

TITLE = "Reply to the Team"
LABEL = "What I heard, and what changes"
BEFORE = (
    "Your whole team reads this with your name: with the results, and again above the next "
    "questions. You can change it until then."
)
AFTERWARDS = (
    "Your whole team reads this with your name, in the results and above the next questions. It "
    "can't be changed afterwards."
)
EXAMPLE = (
    "When a review waits a day, I will take it. Or: Nothing changes this week, because we have "
    "only just started."
)


def build(shown: ClosedRound) -> View:
    """Return the form, with what was written before."""
    box = text_input(
        BLOCK,
        LABEL,
        NOTE,
        limit=NOTE_LIMIT,
        value=shown.note,
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
        blocks=[box],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> str:
    """Return what was typed, cleaned."""
    return clean(values[BLOCK][NOTE].get("value") or "")
