"""The table of actions for Slack's refusals, and properties that hold for any error name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from bot.channel_health import failure_policy
from bot.channel_health.failure_policy import (
    PAUSE_REASONS,
    SCOPES,
    Failure,
    FailureAction,
    action_for,
)
from bot.outbox.enqueue import Operation
from bot.phases.model import PauseReason
from bot.slack.errors import ErrorKind, classify

POST, UPDATE, PIN, BOOKMARK, PUBLISH = "post", "update", "pin", "bookmark", "publish"
TABLE = [
    # a person
    ("user_disabled", POST, True, FailureAction.DROP_PERSON),
    ("user_not_found", POST, True, FailureAction.DROP_PERSON),
    ("user_not_visible", POST, True, FailureAction.DROP_PERSON),
    ("cannot_dm_bot", POST, True, FailureAction.DROP_PERSON),
    ("channel_not_found", POST, True, FailureAction.DROP_PERSON),
    ("is_archived", UPDATE, True, FailureAction.DROP_PERSON),
    ("user_not_found", PUBLISH, True, FailureAction.DROP_PERSON),
    ("message_not_found", UPDATE, True, FailureAction.NOTHING),
    ("restricted_action", POST, True, FailureAction.REPORT),
    ("restricted_action", UPDATE, True, FailureAction.NOTHING),
    # a channel
    ("is_archived", POST, False, FailureAction.PAUSE),
    ("is_archived", PIN, False, FailureAction.PAUSE),
    ("not_in_channel", UPDATE, False, FailureAction.PAUSE),
    ("channel_not_found", BOOKMARK, False, FailureAction.PAUSE),
    ("restricted_action", POST, False, FailureAction.PAUSE),
    ("restricted_action_read_only_channel", POST, False, FailureAction.PAUSE),
    ("ekm_access_denied", POST, False, FailureAction.PAUSE),
    ("restricted_action", PIN, False, FailureAction.NOTHING),
    ("restricted_action", BOOKMARK, False, FailureAction.NOTHING),
    # a missing message, or one that takes no replies
    ("message_not_found", UPDATE, False, FailureAction.MISSING),
    ("message_not_found", PIN, False, FailureAction.MISSING),
    ("thread_not_found", POST, False, FailureAction.MISSING),
    ("restricted_action_thread_locked", POST, False, FailureAction.NO_REPLY),
    ("cannot_reply_to_message", POST, False, FailureAction.NO_REPLY),
    ("cant_update_message", UPDATE, False, FailureAction.NOTHING),
    ("edit_window_closed", UPDATE, False, FailureAction.NOTHING),
    # malformed messages
    ("msg_too_long", UPDATE, False, FailureAction.MALFORMED),
    ("invalid_blocks", POST, False, FailureAction.MALFORMED),
    ("invalid_blocks", POST, True, FailureAction.MALFORMED),
    ("invalid_arguments", PUBLISH, True, FailureAction.MALFORMED),
    # the installation
    ("missing_scope", PIN, False, FailureAction.MISSING_PERMISSION),
    ("missing_scope", POST, True, FailureAction.MISSING_PERMISSION),
    ("messages_tab_disabled", POST, True, FailureAction.MISSING_PERMISSION),
    ("not_enabled", PUBLISH, True, FailureAction.MISSING_PERMISSION),
    # full lists of pins and bookmarks
    ("too_many_pins", PIN, False, FailureAction.NOTHING),
    ("too_many_bookmarks", BOOKMARK, False, FailureAction.NOTHING),
]


@pytest.mark.parametrize(("reason", "operation", "to_person", "expected"), TABLE)
def test_action_for_each_failure(
    reason: str, operation: str, to_person: bool, expected: FailureAction
) -> None:
    failure = Failure(reason=reason, operation=operation, to_person=to_person)

    assert action_for(failure) is expected


@given(st.text(), st.sampled_from([*Operation]), st.booleans())
def test_unknown_errors_are_reported_for_posts_and_otherwise_ignored(
    reason: str, operation: str, to_person: bool
) -> None:
    known = {
        name for one in vars(failure_policy).values() if isinstance(one, set | dict) for name in one
    }
    failure = Failure(reason=f"new_{reason}", operation=operation, to_person=to_person)

    if failure.reason not in known:
        is_reported = operation == Operation.POST
        assert action_for(failure) is (
            FailureAction.REPORT if is_reported else FailureAction.NOTHING
        )


@given(st.sampled_from(sorted(PAUSE_REASONS)), st.sampled_from([*Operation]))
def test_direct_messages_never_pause_a_phase_and_channels_never_drop_a_person(
    reason: str, operation: str
) -> None:
    to_person = Failure(reason=reason, operation=operation, to_person=True)
    in_channel = Failure(reason=reason, operation=operation, to_person=False)

    assert action_for(to_person) is not FailureAction.PAUSE
    assert action_for(in_channel) is not FailureAction.DROP_PERSON


def test_every_operation_has_a_name_for_its_scope() -> None:
    assert SCOPES.keys() == {operation.value for operation in Operation}


def test_no_refusal_marks_a_channel_as_deleted() -> None:
    """Slack also answers channel_not_found for private channels the bot was removed from."""
    assert PauseReason.DELETED not in PAUSE_REASONS.values()


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("account_inactive", ErrorKind.WORKSPACE),
        ("token_revoked", ErrorKind.WORKSPACE),
        ("team_access_not_granted", ErrorKind.WORKSPACE),
        ("team_added_to_org", ErrorKind.RETRYABLE),
        ("ratelimited", ErrorKind.RETRYABLE),
        ("fatal_error", ErrorKind.UNKNOWN),
        ("user_disabled", ErrorKind.PERMANENT),
        ("never_heard_of", ErrorKind.PERMANENT),
    ],
)
def test_slack_errors_are_classified_by_name(name: str, meaning: ErrorKind) -> None:
    class Answer(dict[str, str]):
        status_code = 200
        headers: dict[str, str] = {}  # noqa: RUF012

    error = SlackApiError("no", Answer(error=name))

    assert classify(error).kind is meaning
