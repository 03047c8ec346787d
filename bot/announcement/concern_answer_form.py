"""The button, the form and the message of a lead's answer to a concern."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement.signed_reply import signed_reply
from bot.phases.model import Phase
from bot.slack.content import (
    Content,
    actions,
    button,
    plain,
    section,
)
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean
from bot.slack.views import notice_view

ANSWER, FORM = "phase.concern.answer", "phase.concern.answer.form"
BLOCK, TEXT = "concern.answer", "phase.concern.answer.text"
LIMIT = 2_000

BUTTON = TITLE = "Answer in the Channel"
LABEL = "Your answer"
ABOUT = (
    "This goes into the announcement's thread in {channel}, with your name. Whoever wrote the "
    "concern can read it there like everybody else. The concern itself isn't shown. Don't quote "
    "it, because its words could give somebody away."
)
EXAMPLE = "Sunday work was my mistake. From now on I ask before Thursday, or it waits."
NOTIFICATION = "{name} answered an anonymous concern"
HEADING = "*{name} on a concern that was raised anonymously:*"
POSTED = "Your answer goes into the announcement's thread in {channel}."


def answer_button(phase_id: str, answer_id: str) -> Block:
    return actions(button(BUTTON, ANSWER, f"{phase_id}:{answer_id}"))


def answer_form(phase: Phase, target_id: str) -> View:
    """Build the form for an answer; `target_id` is the value of the button."""
    text = text_input(
        BLOCK, LABEL, TEXT, limit=LIMIT, placeholder=EXAMPLE, multiline=True, optional=False
    )
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=target_id,
        title=plain(TITLE),
        submit=plain("Post"),
        close=plain("Cancel"),
        blocks=[section(ABOUT.format(channel=channel(phase.channel_id))), text],
    )


@form_parser
def submitted_answer(values: Mapping[str, Any]) -> str:
    """Return the typed answer. `values` is Slack's `state.values`."""
    return clean(values.get(BLOCK, {}).get(TEXT, {}).get("value") or "")


def answer_message(name: str, text: str) -> Content:
    """Build the reply in the thread, signed by the lead."""
    return signed_reply(NOTIFICATION, HEADING, name, text)


def answer_posted(phase: Phase) -> View:
    return notice_view(TITLE, POSTED.format(channel=channel(phase.channel_id)))
