"""The form behind *Start a Phase* in App Home, which asks for the channel: ids, build, parse."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import ConversationFilter, ConversationSelectElement, InputBlock
from slack_sdk.models.views import View

from bot.slack.content import plain, section
from bot.slack.inputs import form_parser

FORM, CHANNEL, VALUE = "home.start.channel", "channel", "home.value"
TITLE = "Start a Phase"
ABOUT = "A phase belongs to one channel, where the whole team can read it."
LABEL = "Which channel is it for?"


def build() -> View:
    select = ConversationSelectElement(
        action_id=VALUE,
        placeholder=plain("Choose a channel"),
        filter=ConversationFilter(include=["public", "private"], exclude_bot_users=True),
    )
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        submit=plain("Next"),
        close=plain("Cancel"),
        blocks=[section(ABOUT), InputBlock(block_id=CHANNEL, label=plain(LABEL), element=select)],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> str:
    """Return the id of the chosen channel. `values` is Slack's `state.values`."""
    chosen: str = values[CHANNEL][VALUE]["selected_conversation"]
    return chosen
