"""The message to whoever installed the bot. Pure."""

from bot.slack.content import Content, content, context, section

INSTALLED = "Imbalance is installed. A phase starts in a team's channel."
FIRST_STEPS = (
    "*Start one:* type `/imbalance start` in the channel. In a private channel, type "
    "`/invite @Imbalance` first.\n"
    "*See what it looks like:* open my *Home* tab. Nothing is posted from there.\n"
    "*Set limits:* as a workspace admin, type `/imbalance settings`, for example to choose who may "
    "start phases."
)
WHY = (
    "Only you get this message, once, because you installed me. I write to nobody else until a "
    "lead starts a phase. To remove me, open the app's settings in Slack."
)


def first_steps() -> Content:
    """Build the message that says what to do first, and why it came."""
    return content(INSTALLED, section(INSTALLED), section(FIRST_STEPS), context(WHY))
