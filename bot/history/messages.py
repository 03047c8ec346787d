"""The picture of a channel's history, as a direct message to the person who asked for it. Pure.

Slack shows an uploaded picture only to people with whom it was shared, so neither a form nor an
ephemeral message can hold one for a single person
(https://github.com/slackapi/node-slack-sdk/issues/1790).
"""

from bot.dates import day
from bot.history.history_page import heading
from bot.history.model import HistoryPage, PastPhase
from bot.history.picture import picture_of
from bot.slack.content import Content, content, paragraphs, picture_block, section
from bot.slack.mrkdwn import channel

NOT_IN_CHANNEL = (
    "Only people in {channel} can see its history, and I don't see you there. Join the channel, or "
    "type `/imbalance history` there."
)
FIRST = "The phases in {channel}"
ASKED = "*{first}*\nSent because you asked for it under *History*. Nobody else got it."
PHASE = "• {first} to {last}: {heading}"


def picture_message(page: HistoryPage) -> Content:
    """Return the picture over the page's phases, and their list, newest first.

    The notification has no numbers, as it can be read over a shoulder.
    """
    first = FIRST.format(channel=channel(page.channel_id))
    drawn = picture_of(page.phases)
    return content(
        first,
        section(ASKED.format(first=first)),
        *([picture_block(drawn.alt_text)] if drawn else ()),
        *paragraphs(_line(past, page) for past in page.phases),
        picture=drawn,
    )


def _line(past: PastPhase, page: HistoryPage) -> str:
    phase = past.phase
    first, last = (day(on, page.today) for on in (phase.starts_on, phase.ended_on))
    return PHASE.format(first=first, last=last, heading=heading(phase))
