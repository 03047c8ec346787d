"""The section of App Home about how answers are kept, for any phase, in short. Pure."""

from slack_sdk.models.blocks import Block

from bot.announcement.answer_privacy import REMAINS
from bot.slack.content import context, header, section

HEADING = "How your answers stay anonymous"
IN_SHORT = (
    "Your answers are encrypted while the questions are open. Then they're counted, and every "
    "single one is deleted. Leads and team see rounded totals, and only from 4 answers on, or 5 in "
    "teams of 8 or more; nobody sees who answered. Skipping only turns off the reminder; you can "
    "still answer."
)


def privacy_blocks() -> list[Block]:
    return [header(HEADING), section(IN_SHORT), context(REMAINS)]
