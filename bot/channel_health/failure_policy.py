"""The consequences of each permanent refusal by Slack, as one table. Pure.

Names of errors: https://docs.slack.dev/reference/methods/chat.postMessage and related methods. An
unknown error fails that one message and nothing else; if the team is waiting for the message, its
leads are told.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.phases.model import PauseReason


class FailureAction(StrEnum):
    """The consequence of a refusal."""

    DROP_PERSON = "drop_person"  # send them nothing more
    PAUSE = "pause"  # pause the channel's phase
    MISSING = "missing"  # the target message was deleted in Slack: stop edits, report it once
    REPORT = "unsaid"  # the team is waiting for it: tell the leads once
    NO_REPLY = "no_reply"  # as REPORT, because the thread takes no replies
    MALFORMED = "defect"  # as REPORT, and a bug of ours: log an error, count it
    MISSING_PERMISSION = "without"  # a permission is missing: go on without, report unsent messages
    NOTHING = "nothing"  # only this message fails


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A refusal as the table needs it. `operation` is a value of `bot.outbox.enqueue.Operation`."""

    reason: str
    operation: str
    to_person: bool


#: The reason for a pause, by Slack's error.
PAUSE_REASONS = {
    "is_archived": PauseReason.ARCHIVED,
    "not_in_channel": PauseReason.BOT_REMOVED,
    "channel_not_found": PauseReason.NOT_VISIBLE,
    "restricted_action": PauseReason.RESTRICTED,
    "restricted_action_read_only_channel": PauseReason.RESTRICTED,
    "restricted_action_thread_only_channel": PauseReason.RESTRICTED,
    "ekm_access_denied": PauseReason.RESTRICTED,
    "posting_to_channel_denied": PauseReason.RESTRICTED,
    "no_permission": PauseReason.RESTRICTED,
}
#: The recipient cannot be reached: deactivated accounts, apps, people hidden from the bot.
UNREACHABLE = {
    "cannot_dm_bot",
    "channel_not_found",
    "is_archived",
    "user_disabled",
    "user_not_found",
    "user_not_visible",
    "users_not_found",
}
#: The message to edit, pin or reply to does not exist.
TARGET_MISSING = {"message_not_found", "thread_not_found"}
#: Only replies are refused; the channel takes other messages.
NO_REPLIES = {
    "cannot_reply_to_message",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
}
#: The message is malformed.
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
#: Kinds of messages to one person that contain the only copy of what people wrote. If refused, they
#: are kept and reported, and sent once the recipient can be reached again.
PERSONAL_KINDS = frozenset(
    {"concerns", "comments", "expectation_reply", "lead_results", "goodbye", "line"}
)
#: Kinds of messages to the channel that contain the only copy of what a person wrote. If refused,
#: they are kept, and the leads are told that they are missing.
CHANNEL_KINDS = frozenset({"concern_answer", "mistake"})
#: The installed app lacks a permission.
MISSING_PERMISSION = {
    "messages_tab_disabled",
    "missing_scope",
    "not_allowed_token_type",
    "not_enabled",
}
#: Pins and bookmarks of the announcement, which the phase does not depend on.
PIN_OPERATIONS = {"pin", "unpin", "bookmark", "unbookmark"}
#: The permission each operation needs, for the log.
SCOPES = {
    "post": "chat:write",
    "update": "chat:write",
    "pin": "pins:write",
    "unpin": "pins:write",
    "bookmark": "bookmarks:write",
    "unbookmark": "bookmarks:write",
    "publish": "the Home tab",
}


def action_for(failure: Failure) -> FailureAction:
    """Return the consequence of a refusal. Refused tokens are handled elsewhere, per workspace."""
    if failure.reason in MISSING_PERMISSION:
        return FailureAction.MISSING_PERMISSION
    if failure.reason in MALFORMED:
        return FailureAction.MALFORMED
    specific = _to_person(failure) if failure.to_person else _in_channel(failure)
    if specific is not None:
        return specific
    return FailureAction.REPORT if failure.operation == "post" else FailureAction.NOTHING


def _to_person(failure: Failure) -> FailureAction | None:
    return FailureAction.DROP_PERSON if failure.reason in UNREACHABLE else None


def _in_channel(failure: Failure) -> FailureAction | None:
    if failure.reason in TARGET_MISSING:
        return FailureAction.MISSING
    pause_reason = PAUSE_REASONS.get(failure.reason)
    if failure.operation in PIN_OPERATIONS and pause_reason is PauseReason.RESTRICTED:
        return FailureAction.NOTHING  # only pinning may be restricted, not posting
    if pause_reason is not None:
        return FailureAction.PAUSE
    return FailureAction.NO_REPLY if failure.reason in NO_REPLIES else None
