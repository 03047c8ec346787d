"""Messages with the comments. They stand apart from the results, which may be edited later."""

from collections.abc import Sequence

from bot.slack.content import Content, content, join_within, section, split_into_messages
from bot.slack.mrkdwn import quote_lines

COMMENTS = "Comments, shuffled and without names"
SECTION_LIMIT = 2_000


def comment_messages(comments: Sequence[str]) -> list[Content]:
    """Return all comments, in as many messages as they need; none where there are no comments."""
    heading = section(f"*{COMMENTS}*")
    texts = (
        text
        for comment in comments
        for text in join_within(quote_lines(comment, SECTION_LIMIT), SECTION_LIMIT)
    )
    sections = join_within(texts, SECTION_LIMIT, "\n\n")
    pages = split_into_messages([[section(text)] for text in sections], [heading])
    return [content(COMMENTS, heading, *page) for page in pages]
