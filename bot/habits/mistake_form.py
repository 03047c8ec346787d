"""The form and the message of *A Mistake I Learned From*."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.views import View

from bot.announcement.signed_reply import signed_reply
from bot.phases.model import Phase
from bot.slack.content import Content, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean
from bot.slack.views import notice_view

FORM = "phase.mistake.form"
BLOCK, TEXT = "mistake.text", "phase.mistake.text"
LIMIT = 2_000

TITLE = "A Mistake I Learned From"
LABEL = "What happened, and what did you learn?"
ABOUT = "This goes into the announcement's thread in {channel}, with your name."
EXAMPLE = "I shipped the migration on a Friday without a rollback. Now I rehearse it first."
NOTIFICATION = "{name} shared a mistake they learned from"
HEADING = "*{name} shared a mistake, and what they learned:*"
POSTED = "It's on its way to the announcement's thread in {channel}. Thank you for sharing it."
EMPTY = "This is still empty. Write a sentence, or close the form."


def build(phase: Phase) -> View:
    text = text_input(
        BLOCK, LABEL, TEXT, limit=LIMIT, placeholder=EXAMPLE, multiline=True, optional=False
    )
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=phase.phase_id,
        title=plain(TITLE),
        submit=plain("Post"),
        close=plain("Cancel"),
        blocks=[section(ABOUT.format(channel=channel(phase.channel_id))), text],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> str:
    """Return the typed text. `values` is Slack's `state.values`."""
    return clean(values.get(BLOCK, {}).get(TEXT, {}).get("value") or "")


def message(name: str, text: str) -> Content:
    """Build the reply in the thread, signed."""
    return signed_reply(NOTIFICATION, HEADING, name, text)


def posted(phase: Phase) -> View:
    return notice_view(TITLE, POSTED.format(channel=channel(phase.channel_id)))
