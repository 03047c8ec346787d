"""One table of what follows when Slack refuses a message for good. Pure.

Names of errors: https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours. An
unknown name costs that one message and nothing else; if the team waits for it, its leads are told.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.phases.model import PauseReason


class FailureAction(StrEnum):
    """What is done about a refusal."""

    DROP_PERSON = "drop_person"  # they are not written to any more
    PAUSE = "pause"  # the channel's phase waits
    MISSING = "missing"  # the message it belongs to was deleted in Slack: no edits, say so once
    UNSAID = "unsaid"  # something the team waits for was not said: its leads are told once
    NO_REPLY = "no_reply"  # the same: that thread takes no replies
    DEFECT = "defect"  # the same, and it is our fault: an error in the log, a metric
    WITHOUT = "without"  # the app may not do this here: the rest works, what was not said is told
    NOTHING = "nothing"  # this message failed; that is all


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A refusal as the table sees it. `operation` is `bot.outbox.enqueue.Operation`'s value."""

    reason: str
    operation: str
    to_person: bool


#: What is known of a channel by the error it gives.
CLOSED = {
    "is_archived": PauseReason.ARCHIVED,
    "not_in_channel": PauseReason.OUTSIDE,
    "channel_not_found": PauseReason.UNSEEN,
    "restricted_action": PauseReason.RESTRICTED,
    "restricted_action_read_only_channel": PauseReason.RESTRICTED,
    "restricted_action_thread_only_channel": PauseReason.RESTRICTED,
    "ekm_access_denied": PauseReason.RESTRICTED,
    "posting_to_channel_denied": PauseReason.RESTRICTED,
    "no_permission": PauseReason.RESTRICTED,
}
#: Nobody can be reached there: closed accounts, apps, people who are hidden from us.
UNREACHABLE = {
    "cannot_dm_bot",
    "channel_not_found",
    "is_archived",
    "user_disabled",
    "user_not_found",
    "user_not_visible",
    "users_not_found",
}
#: The message that is edited, pinned or replied to is not there.
GONE = {"message_not_found", "thread_not_found"}
#: The reply is refused, the channel is not.
NO_REPLIES = {
    "cannot_reply_to_message",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
}
#: The message is not made as Slack wants it.
MALFORMED = {
    "block_mismatch",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_too_large",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
    "too_many_contact_cards",
    "view_too_large",
}
#: Kinds of messages to one person that hold what people wrote, and that stand nowhere else. When
#: refused they are kept, somebody is told, and who can be written to again gets them.
WORDS = frozenset({"concerns", "comments", "lead_results", "goodbye", "line"})
#: The app as it is installed may not do this.
NOT_GRANTED = {"messages_tab_disabled", "missing_scope", "not_allowed_token_type", "not_enabled"}
#: Marks beside the announcement: the phase does not depend on them.
EXTRAS = {"pin", "unpin", "bookmark", "unbookmark"}
#: What each operation needs, to name it where it is not granted.
SCOPES = {
    "post": "chat:write",
    "update": "chat:write",
    "pin": "pins:write",
    "unpin": "pins:write",
    "bookmark": "bookmarks:write",
    "unbookmark": "bookmarks:write",
    "publish": "the Home tab",
}


def action_for(refused: Failure) -> FailureAction:
    """What follows. The token's refusals are the workspace's and do not come here."""
    if refused.reason in NOT_GRANTED:
        return FailureAction.WITHOUT
    if refused.reason in MALFORMED:
        return FailureAction.DEFECT
    known = _to_person(refused) if refused.to_person else _in_channel(refused)
    if known is not None:
        return known
    return FailureAction.UNSAID if refused.operation == "post" else FailureAction.NOTHING


def _to_person(refused: Failure) -> FailureAction | None:
    return FailureAction.DROP_PERSON if refused.reason in UNREACHABLE else None


def _in_channel(refused: Failure) -> FailureAction | None:
    if refused.reason in GONE:
        return FailureAction.MISSING
    why = CLOSED.get(refused.reason)
    if refused.operation in EXTRAS and why is PauseReason.RESTRICTED:
        return FailureAction.NOTHING  # pinning is restricted, speaking may not be
    if why is not None:
        return FailureAction.PAUSE
    return FailureAction.NO_REPLY if refused.reason in NO_REPLIES else None
