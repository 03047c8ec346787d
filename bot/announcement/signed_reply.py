"""A signed reply in the announcement's thread: a heading with a person's name, and their words."""

from bot.phases.wording import one_line
from bot.slack.content import MAX_SECTION_LENGTH, Content, content, paragraphs, section
from bot.slack.mrkdwn import quote_lines, quote_within, truncated

NAME_SHOWN, NAME_NOTIFIED = 100, 30  # characters


def signed_reply(notification: str, heading: str, name: str, text: str) -> Content:
    """Build the reply. `notification` and `heading` are sentences with the placeholder `name`."""
    name = one_line(name)
    return content(
        notification.format(name=truncated(name, NAME_NOTIFIED)),
        section(heading.format(name=quote_within(name, NAME_SHOWN))),
        *paragraphs(quote_lines(text, MAX_SECTION_LENGTH)),
    )
