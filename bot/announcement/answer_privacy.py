"""The promise of anonymity in plain words, as *Details* and App Home give it. Pure."""

from bot.phases.model import Phase
from bot.phases.wording import LEADS_SHOWN, one_or_many
from bot.slack.mrkdwn import channel, join_names, quote_within

HEADING = "*How answers are kept*"
OPEN = (
    "• While the questions are open, your answers are encrypted, and you can change them. Until "
    "they close, whoever runs the bot's server could link answers to people."
)
CLOSED = (
    "• When they close, the totals are counted. Then every single answer is deleted, along with "
    "its key, and nobody can link it to you any more."
)
MINIMUM = (
    "• Nothing is shown from fewer than {minimum} answers, and levels are rounded, so that nobody "
    "stands out."
)
READERS = (
    "• Everyone who can read {channel} sees the totals; nobody sees answers, or who answered. "
    "{leads} sees them a working day earlier, and gets private tips based on them."
)
READERS_OF_SEVERAL = (
    "• Everyone who can read {channel} sees the totals; nobody sees answers, or who answered. "
    "{leads} see them a working day earlier, and get private tips based on them."
)
COMMENTS = {
    "leads": "• Comments are read by the leads, without names.",
    "team": "• Comments are read by the whole team, without names.",
}
REMAINS = (
    "What remains: your company's exports can show that you answered, never what. Your writing "
    "style could give you away in a comment, and if everyone gives the same answer, everyone's "
    "answer is known. Someone with an old backup and its keys could still link answers from before "
    "the questions closed."
)


def how_answers_are_kept(phase: Phase, minimum: int) -> list[str]:
    """Return a heading and a line for each part of the promise, as it holds for this phase."""
    names = phase.lead_names
    readers = one_or_many(len(names), READERS, READERS_OF_SEVERAL).format(
        channel=channel(phase.channel_id), leads=quote_within(join_names(names), LEADS_SHOWN)
    )
    return [
        HEADING,
        OPEN,
        CLOSED,
        MINIMUM.format(minimum=minimum),
        readers,
        COMMENTS[phase.comments_to],
    ]
