"""Names of messages and explanations of failures, for people who decide about them. Pure."""

from bot.channel_health.failure_policy import (
    CHANNEL_KINDS,
    MALFORMED,
    MISSING_PERMISSION,
    PAUSE_REASONS,
    PERSONAL_KINDS,
    TARGET_MISSING,
    UNREACHABLE,
)
from bot.outbox.admin_queries import DROPPED, ListedMessage
from bot.outbox.enqueue import CANCELLED, Operation, State
from bot.phases.model import PauseReason

#: Descriptions of messages, by the kind in the key.
NAMES = {
    "alone": "a note to a lead whose co-lead can't be reached",
    "announcement": "the announcement of a phase",
    "ask": "the questions to a member",
    "back_early": "why something on hold came back early",
    "closing": "the end of a phase",
    "comments": "comments without names",
    "concern_answer": "a lead's answer to a concern",
    "concerns": "notes to a lead without names",
    "decision": "a lead's decision on whether a phase goes on",
    "decision_asked": "the question to a lead whether a phase goes on",
    "expectation_reply": "a member's reply to a lead",
    "extended": "the notice of a new end",
    "goodbye": "a goodbye to a member",
    "history_picture": "the picture of a channel's history, for somebody who asked",
    "hold_answer": "a lead's answer to a proposal",
    "hold_proposal": "a proposal to put something on hold",
    "home": "somebody's App Home",
    "installed": "the first steps, for whoever installed the bot",
    "lead_results": "the results for a lead",
    "line": "a line of thanks to a member",
    "missing": "a note to a lead about a lost announcement",
    "mistake": "a mistake that somebody shared",
    "nobody_leads": "a note to an admin about a phase without a lead",
    "nobody_reads": "a note to an admin about messages that reach nobody",
    "not_said": "a note to a lead about a message that couldn't be posted",
    "parked": "a note to the owner about parked work",
    "parked_unowned": "a note to the channel about parked work",
    "paused": "a note to a lead about a paused phase",
    "reflect": "the questions to a lead",
    "remind": "a reminder of the questions",
    "results": "the results for the team",
    "talking_points": "questions to talk about",
    "undecided": "a note to the channel that nothing is decided yet",
    "warn": "the notice that a phase ends soon",
    "wrap_up": "the question of how a phase went",
    "wrapped_up": "what came of a phase",
}
_UNKNOWN_KIND = "a message"
_BY_OPERATION = {
    Operation.POST: "{what}",
    Operation.UPDATE: "an edit of {what}",
    Operation.PIN: "the pin of {what}",
    Operation.UNPIN: "unpinning {what}",
    Operation.BOOKMARK: "the bookmark to {what}",
    Operation.UNBOOKMARK: "taking back the bookmark to {what}",
    Operation.PUBLISH: "{what}",
}

STATE_EXPLANATIONS = {
    State.PENDING: "to be sent when it is due",
    State.SENDING: "being sent",
    State.SENT: "in Slack",
    State.UNKNOWN: "may be in Slack; it is looked for before anything is sent again",
    State.HELD: "may be in Slack, and the bot can't check: somebody has to decide",
    State.FAILED: "refused by Slack for good",
    State.EXPIRED: "not sent any more",
}

_CLOSED_BECAUSE = {
    PauseReason.ARCHIVED: "The channel is archived. Unarchive it.",
    PauseReason.BOT_REMOVED: "The bot is not in the channel. Invite it: /invite @Imbalance.",
    PauseReason.NOT_VISIBLE: "The bot can't see the channel: it was made private without the bot, "
    "or deleted. Invite the bot.",
    PauseReason.RESTRICTED: "Posting is restricted there. Allow it for the bot.",
}
_NO_PROOF = (
    "Slack doesn't let the bot check whether it arrived. Look in Slack, then post it again, give "
    "its link, or drop it."
)
_TOKEN = "Slack refuses the bot's token. Install the app again, put the new token, restart."
_EXPLANATIONS = {
    "no proof can be had": _NO_PROOF,
    "too late": "It was too late by the time it could be sent.",
    CANCELLED: "What it was about changed before it was sent.",
    DROPPED: "An operator or a workspace admin decided so.",
    "its message is not in Slack": "The message it would have changed isn't there.",
    "deleted in Slack": "It was posted, and somebody deleted it.",
    "given up": (
        "Slack failed on it again and again, but accepted others. Retry it later, or drop it."
    ),
    "ratelimited": "Slack asked to wait.",
    "late": "The sender was slow; it's sent again.",
    "no picture": "Its picture couldn't be made; it's sent without one.",
    "not there yet": "Not found in Slack so far; the bot looks once more.",
    "proven absent": "It was not in Slack; it is sent again.",
    "timeout": "Slack did not answer in time.",
    "account_inactive": _TOKEN,
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
    **{name: "The message it belongs to was deleted in Slack. Drop it." for name in TARGET_MISSING},
    **{name: "Slack refuses how it is made: report it, then drop it." for name in MALFORMED},
    **{
        name: "The app may not do this. Install it with every scope." for name in MISSING_PERMISSION
    },
}
_NO_REASON = "No reason was recorded."
#: States that need no reason.
_AS_PLANNED = {State.PENDING, State.SENDING, State.SENT}
_OTHER_REASON = "Slack said {reason}."
_UNREACHABLE = "This person cannot be reached any more. Drop it."
_UNREACHABLE_KEPT = (
    "This person cannot be reached. It is sent by itself if the account is opened again; dropping "
    "it loses what people wrote."
)
_MALFORMED_KEPT = (
    "Slack refuses how it is made: report it, and retry it after an update; dropping it loses what "
    "people wrote."
)


def name_of(message: ListedMessage) -> str:
    """Return the name of a message, such as "the pin of the announcement of a phase"."""
    return _BY_OPERATION[message.operation].format(what=NAMES.get(message.kind, _UNKNOWN_KIND))


def explanation_of(message: ListedMessage) -> str:
    """Return an explanation of its reason, with advice."""
    reason = message.reason
    if reason is None:
        return "" if message.state in _AS_PLANNED else _NO_REASON
    holds_words = (
        message.kind in PERSONAL_KINDS | CHANNEL_KINDS and message.operation is Operation.POST
    )
    if message.to_person and reason in UNREACHABLE:
        return _UNREACHABLE_KEPT if holds_words else _UNREACHABLE
    if reason in MALFORMED and holds_words:
        return _MALFORMED_KEPT
    if reason in PAUSE_REASONS:
        return _CLOSED_BECAUSE[PAUSE_REASONS[reason]]
    return _EXPLANATIONS.get(reason) or _OTHER_REASON.format(reason=reason)
