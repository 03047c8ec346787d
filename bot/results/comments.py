"""Blocks with the comments: all of them, in the message or in replies to it."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.slack.content import Content, content, join_within, section, split_into_messages
from bot.slack.mrkdwn import quote_lines

HEADING = "*Comments, shuffled and without names*"
MORE = "More comments, shuffled and without names"
#: One section of comments fits beside the results, whatever else they contain; the others go into
#: replies. The split must not change when the results are edited, because replies never are.
SECTION_LIMIT = 2_000


def in_message(comments: Sequence[str]) -> list[Block]:
    """Return as many comments as fit beside the results; no blocks where there are none."""
    first = _sections(comments)[:1]
    return [section(HEADING), *map(section, first)] if first else []


def in_replies(comments: Sequence[str]) -> list[Content]:
    """Return the other comments, in as many messages as they need."""
    heading = section(f"*{MORE}*")
    others = [[section(text)] for text in _sections(comments)[1:]]
    return [content(MORE, heading, *page) for page in split_into_messages(others, [heading])]


def _sections(comments: Sequence[str]) -> list[str]:
    """Return all comments, divided by empty lines, as many together as fit a section."""
    texts = (
        text
        for comment in comments
        for text in join_within(quote_lines(comment, SECTION_LIMIT), SECTION_LIMIT)
    )
    return join_within(texts, SECTION_LIMIT, "\n\n")
