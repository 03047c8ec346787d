"""Links to messages, as Slack's "Copy link" gives them."""

import re

_TO_MESSAGE = re.compile(
    r"<?https?://[^/\s]+/archives/(?P<channel>[CDG][A-Z0-9]+)/p(?P<seconds>\d{10})(?P<rest>\d{6})"
    r"(?:\?[^\s>|]*)?(?:\|[^>]*)?>?"
)


def parse_message_link(link: str) -> tuple[str, str] | None:
    """Return the channel and ts that a link leads to, or None if it is no link to a message."""
    match = _TO_MESSAGE.fullmatch(link.strip())
    if match is None:
        return None
    return match["channel"], f"{match['seconds']}.{match['rest']}"
