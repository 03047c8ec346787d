"""Messages to leads and admins when Slack keeps a phase from going on as planned. Pure."""

from collections.abc import Mapping
from datetime import date

from bot.channel_health.failure_policy import FailureAction
from bot.dates import day
from bot.ending.messages import EXTEND, WRAP_UP, item_lines, milestone_lines
from bot.ending.summary import EndedPhase
from bot.phases.model import PauseReason, Phase
from bot.phases.wording import EMOJI, NAMES
from bot.slack.content import Content, actions, button, content, paragraphs, section
from bot.slack.mrkdwn import channel, quote_within

TRY_AGAIN, POST_AGAIN = "phases.try_again", "phases.post_again"
NAME_SHOWN = 30  # keeps the first line on one line

PAUSED = "{emoji} {name} in {channel} is paused."
BECAUSE: Mapping[PauseReason, str] = {
    PauseReason.ARCHIVED: (
        "The channel is archived, so I can't post there. Unarchive it, and the phase carries on by "
        "itself."
    ),
    PauseReason.BOT_REMOVED: (
        "I was removed from the channel, so I can't post there. Type `/invite @Imbalance` there, "
        "and the phase carries on by itself."
    ),
    PauseReason.NOT_VISIBLE: (
        "I can't see the channel any more: it was made private without me, or deleted. Type "
        "`/invite @Imbalance` there, and the phase carries on by itself."
    ),
    PauseReason.RESTRICTED: (
        "Slack doesn't let me post there, because posting is limited. Ask a workspace admin to "
        "allow the app, then press *Try Again*."
    ),
}
UNTIL = (
    "Until then, no new questions go out, and open ones close on time. The phase still ends on "
    "{day}, and I'll tell you here."
)
RESUMED = "{emoji} {name} in {channel} is running again."
CAUGHT_UP = (
    "I can post in the channel again. The announcement is up to date, and any results that "
    "were held back come next."
)
DELETED = "{emoji} {name} has ended: its channel was deleted."
DELETED_WHY = (
    "Nobody can read a closing message there, so each member gets a goodbye on {day}, with your "
    "private line if you write one."
)
NOT_POSTED_AS_ENDED = (
    "This phase has ended, so nothing was posted. `/imbalance` in the channel shows where things "
    "stand."
)
NOT_PAUSED = "This phase isn't paused any more. It carries on as planned."
MISSING = "The announcement in {channel} was deleted."
MISSING_WHY = (
    "The phase carries on: questions come as before, and results are posted as messages in the "
    "channel. If the announcement was deleted by mistake, post it again."
)
POSTED_AGAIN = "The announcement in {channel} is posted again."
ALONE = "I can't reach {lead}, who leads the phase in {channel} with you."
ALONE_WHY = (
    "Slack says this account can't be reached. What was meant for both of you now comes to you. "
    "Nothing changes for the team."
)
NOBODY = "I can't reach any lead of the phase in {channel}."
NOBODY_WHY = (
    "Slack says the account can't be reached, so nobody gets the results or is asked what came of "
    "the phase. What the team wrote to its lead is kept, and sent if the account is opened again. "
    "The phase ends by itself on {day}. As an admin, you can end or extend it."
)
NOBODY_READS = "What the team in {channel} wrote can't reach its lead."
NOBODY_READS_WHY = (
    "It was meant for the lead of a phase that has ended, and Slack says the account can't be "
    "reached. It's kept, nobody else reads it, and it's sent if the account is opened again."
)
NOT_POSTED = "{what} in {channel} couldn't be posted."
OUR_FAULT = (
    "Slack didn't accept the message I made. That's a mistake on our side; whoever runs the bot "
    "can see it in the log."
)
NO_REPLIES = "Slack doesn't allow replies in that thread."
NOT_GRANTED = (
    "The app doesn't have permission to do this. Ask a workspace admin to install it again."
)
REFUSED = "Slack refused it. Whoever runs the bot can see why in the log."
WHY_NOT_POSTED: Mapping[FailureAction, str] = {
    FailureAction.MALFORMED: OUR_FAULT,
    FailureAction.NO_REPLY: NO_REPLIES,
    FailureAction.MISSING_PERMISSION: NOT_GRANTED,
    FailureAction.REPORT: REFUSED,
    FailureAction.DROP_PERSON: "Slack says this account can't be reached.",
}
#: Notices about undelivered messages that contain what people wrote, by kind.
UNDELIVERED: Mapping[str, str] = {
    "concerns": "Concerns from your team in {channel} didn't reach you.",
    "comments": "Comments about {channel} didn't reach you.",
    "lead_results": "The results of {channel} didn't reach you.",
    "expectation_reply": "A reply from your team in {channel} didn't reach you.",
    "goodbye": "Your line to {name} in {channel} didn't arrive.",
    "line": "Your line to {name} in {channel} didn't arrive.",
}
KEPT = (
    "Nothing is lost: it's kept, and nobody can read it until it's sent. Ask whoever runs the bot "
    "to send it again (`python -m bot outbox`)."
)
KEPT_UNTIL_OPENED = "It's kept, and sent if the account is opened again."
#: The name of a message and where to read it instead, by the kind in its key.
AWAITED: Mapping[str, tuple[str, str]] = {
    "announcement": ("The announcement", "`/imbalance status` in the channel shows the same."),
    "results": ("Results", "They're in this conversation: tell the team what you read."),
    "closing": (
        "The closing message",
        "Each member gets a goodbye. Tell the channel the rest yourself.",
    ),
    "wrapped_up": ("The wrap-up", "Each member gets it with their goodbye."),
    "mistake": ("A mistake that somebody shared", "Ask in the channel who wanted to share one."),
    "extended": ("The new end", "The announcement and `/imbalance status` show it."),
    "talking_points": ("The three questions", "`/imbalance help` explains what they're about."),
    "concern_answer": ("Your answer to a concern", "Post it in the channel yourself."),
    "comments": ("Comments", "They're in this conversation."),
    "ask": ("A message with the questions", "Everyone who is asked can answer on my Home tab."),
    "back_early": ("The reason for an early return", "Tell the channel yourself."),
    "decision": ("A decision on whether this goes on", "Tell the channel yourself."),
    "undecided": ("A note that you haven't decided yet", "Tell the channel when you will."),
    "hold_proposal": ("A proposal for what can wait", "Ask your team what it was."),
    "hold_answer": ("An answer to a proposal", "Tell the channel yourself."),
    "parked_unowned": (
        "A note that parked work is due",
        "Its owner can't be reached: ask the channel who takes it.",
    ),
}


def paused(phase: Phase) -> Content:
    """Notify each lead, once per pause."""
    first = _first(PAUSED, phase)
    why = BECAUSE[PauseReason(phase.pause_reason or PauseReason.NOT_VISIBLE)]
    until = UNTIL.format(day=day(phase.ends_on))
    return content(
        first,
        section(f"*{first}*\n{why}\n{until}"),
        actions(
            button("Try Again", TRY_AGAIN, phase.phase_id),
            button("End Now", WRAP_UP, phase.phase_id),
        ),
    )


def resumed(phase: Phase) -> Content:
    """Replace the notice of the pause, for each lead."""
    first = _first(RESUMED, phase)
    return content(first, section(f"*{first}*\n{CAUGHT_UP}"))


def channel_deleted(ended: EndedPhase, goodbyes_on: date) -> Content:
    """Tell each lead what resumes and what they are still asked for."""
    phase = ended.phase
    first = DELETED.format(emoji=EMOJI[phase.kind], name=NAMES[phase.kind])
    lines = [f"*{first}*\n{DELETED_WHY.format(day=day(goodbyes_on))}"]
    lines += [*milestone_lines(phase), *item_lines(ended, ended.ended_on)]
    buttons = actions(button("Wrap Up", WRAP_UP, phase.phase_id, style="primary"))
    return content(first, *paragraphs(lines), buttons)


def missing(phase: Phase) -> Content:
    """Notify each lead, once; an admin may have deleted it on purpose."""
    first = MISSING.format(channel=channel(phase.channel_id))
    buttons = actions(button("Post It Again", POST_AGAIN, phase.phase_id))
    return content(first, section(f"*{first}*\n{MISSING_WHY}"), buttons)


def posted_again(phase: Phase) -> Content:
    first = POSTED_AGAIN.format(channel=channel(phase.channel_id))
    return content(first, section(first))


def co_lead_unreachable(phase: Phase, name: str) -> Content:
    """Notify each co-lead, once. `name` is the name of the unreachable lead."""
    first = ALONE.format(lead=quote_within(name, NAME_SHOWN), channel=channel(phase.channel_id))
    return content(first, section(f"*{first}*\n{ALONE_WHY}"))


def no_reachable_lead(phase: Phase) -> Content:
    """Notify workspace admins, once, when no lead can be reached."""
    first = NOBODY.format(channel=channel(phase.channel_id))
    buttons = actions(
        button("End", WRAP_UP, phase.phase_id), button("Extend", EXTEND, phase.phase_id)
    )
    return content(
        first, section(f"*{first}*\n{NOBODY_WHY.format(day=day(phase.ends_on))}"), buttons
    )


def not_posted(phase: Phase, kind: str, consequence: FailureAction, *, post_again: bool) -> Content:
    """Notify each lead, once per message. `kind` is a key of AWAITED, `why` of WHY_NOT_POSTED."""
    what, where = AWAITED[kind]
    first = NOT_POSTED.format(what=what, channel=channel(phase.channel_id))
    buttons = [actions(button("Post It Again", POST_AGAIN, phase.phase_id))] if post_again else []
    return content(first, section(f"*{first}*\n{WHY_NOT_POSTED[consequence]} {where}"), *buttons)


def undelivered(phase: Phase, kind: str, consequence: FailureAction, name: str) -> Content:
    """Tell a lead, once, that what people wrote did not reach them or the member `name`."""
    shown = quote_within(name, NAME_SHOWN)
    first = UNDELIVERED[kind].format(channel=channel(phase.channel_id), name=shown)
    kept = KEPT_UNTIL_OPENED if consequence is FailureAction.DROP_PERSON else KEPT
    return content(first, section(f"*{first}*\n{WHY_NOT_POSTED[consequence]} {kept}"))


def no_reachable_lead_after_end(phase: Phase) -> Content:
    """Notify workspace admins, once, when a phase is over and no lead can be reached."""
    first = NOBODY_READS.format(channel=channel(phase.channel_id))
    return content(first, section(f"*{first}*\n{NOBODY_READS_WHY}"))


def _first(template: str, phase: Phase) -> str:
    return template.format(
        emoji=EMOJI[phase.kind], name=NAMES[phase.kind], channel=channel(phase.channel_id)
    )
