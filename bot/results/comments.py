"""Comments in blocks: all of them, in the message or in replies to it."""

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import Block

from bot.slack.content import Content, content, section
from bot.slack.mrkdwn import fitted

HEADING = "*Comments, shuffled and without names*"
MORE = "More comments, shuffled and without names"
#: A section takes 3,000 characters; with a heading, this much of it is for what people wrote.
SECTION_LIMIT = 2_800
#: How much of a message's room the comments take; the others go into replies.
SECTIONS_A_PAGE = 2


def in_message(comments: Sequence[str]) -> list[Block]:
    """As many as fit beside the results; nothing where there are none."""
    pages = _pages(comments)
    return [section(HEADING), *map(section, pages[0])] if pages else []


def in_replies(comments: Sequence[str]) -> list[Content]:
    """The others, a message for each page."""
    return [
        content(MORE, section(f"*{MORE}*"), *map(section, page)) for page in _pages(comments)[1:]
    ]


def quoted(text: str) -> str:
    """A person's words as a quotation, cut so that they fit a section."""
    return "\n".join(f">{line}" for line in fitted(text, SECTION_LIMIT - 100).splitlines())


def _pages(comments: Sequence[str]) -> list[list[str]]:
    sections = _packed(map(quoted, comments))
    return [
        sections[start : start + SECTIONS_A_PAGE]
        for start in range(0, len(sections), SECTIONS_A_PAGE)
    ]


def _packed(texts: Iterable[str]) -> list[str]:
    """Texts joined by empty lines, as many together as fit a section."""
    sections: list[str] = []
    for text in texts:
        if sections and len(sections[-1]) + len(text) + 2 <= SECTION_LIMIT:
            sections[-1] += f"\n\n{text}"
        else:
            sections.append(text)
    return sections
