"""Held messages, whose delivery cannot be determined, as shown to workspace admins in Home."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ConfirmObject
from slack_sdk.models.views import View

from bot.home.model import HeldMessage
from bot.slack.content import actions, button, context, header, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean, date_token

AGAIN, THERE, DROP = "home.held_again", "home.held_there", "home.held_drop"
FORM, LINK, VALUE = "home.held_link", "link", "home.value"
#: Messages shown with buttons; the others are counted.
SHOWN = 3
LONGEST_LINK = 300

TITLE = "Messages to decide about"
ABOUT = (
    "I sent these to Slack, but its answer was lost, and I can't check whether they arrived. You "
    "can look and decide. Only workspace admins see this."
)
IN_CHANNEL = "*{what}* in {channel}\nTo be posted {at}."
TO_PERSON = "*{what}* to one person\nTo be sent {at}. Only they can see whether it arrived."
CHOICES = (
    "*Post Again*: if it's there after all, people see it twice. *It's There*: paste its link, and "
    "I'll keep it up to date. *Drop*: it isn't posted, or isn't updated."
)
MORE = "And {count} more, once you've decided these."
AGAIN_TITLE, AGAIN_TEXT = "Post it again?", "If it's there after all, people see it twice."
DROP_TITLE, DROP_TEXT = "Drop it?", "It won't be posted, and I'll stop asking about it."

FORM_TITLE = "It's There"
FORM_ABOUT = (
    "Open the message in {channel}, choose *More actions* (⋯), then *Copy link*. With the link I "
    "can edit and pin it again. Nothing is posted."
)
LABEL = "Link to the message"
EXAMPLE = "https://example.slack.com/archives/C0123456789/p1763892000123456"


def blocks(held: Sequence[HeldMessage], count: int) -> list[Block]:
    """Build blocks for the first few messages, with buttons; `count` is the number of all."""
    if not held:
        return []
    shown = [block for message in held for block in _message_blocks(message)]
    more = [context(MORE.format(count=count - len(held)))] if count > len(held) else []
    return [header(TITLE), section(ABOUT), *shown, *more, context(CHOICES)]


def build(held: HeldMessage) -> View:
    """Build the form that asks for the link."""
    link = text_input(LINK, LABEL, VALUE, limit=LONGEST_LINK, placeholder=EXAMPLE)
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=held.message_id,
        title=plain(FORM_TITLE),
        submit=plain("Keep"),
        close=plain("Cancel"),
        blocks=[section(FORM_ABOUT.format(channel=channel(str(held.channel_id)))), link],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> str:
    """Return the link as pasted. `values` is Slack's `state.values`."""
    return clean(values[LINK][VALUE].get("value") or "")


def _message_blocks(held: HeldMessage) -> list[Block]:
    template = IN_CHANNEL if held.channel_id else TO_PERSON
    what = held.description[0].upper() + held.description[1:]
    where = channel(held.channel_id) if held.channel_id else ""
    text = template.format(what=what, channel=where, at=date_token(held.due_at))
    return [section(text), _buttons(held)]


def _buttons(held: HeldMessage) -> ActionsBlock:
    again = button(
        "Post Again", AGAIN, held.message_id, confirm=_confirmation(AGAIN_TITLE, AGAIN_TEXT)
    )
    there = button("It's There", THERE, held.message_id)
    drop = button("Drop", DROP, held.message_id, confirm=_confirmation(DROP_TITLE, DROP_TEXT))
    return actions(again, *([there] if held.channel_id else []), drop)


def _confirmation(title: str, text: str) -> ConfirmObject:
    return ConfirmObject(
        title=plain(title), text=plain(text), confirm=plain("Yes"), deny=plain("Cancel")
    )
