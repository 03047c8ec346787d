"""What Slack's no leads to: the phase table, and what holds for any name of an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from bot.channel_health import failure_policy
from bot.channel_health.failure_policy import CLOSED, SCOPES, Consequence, Refused, consequence_of
from bot.outbox.outbox import Operation
from bot.phases.model import PauseReason
from bot.slack.errors import Meaning, verdict

POST, UPDATE, PIN, BOOKMARK, PUBLISH = "post", "update", "pin", "bookmark", "publish"
TABLE = [
    # a person
    ("user_disabled", POST, True, Consequence.DROP_PERSON),
    ("user_not_found", POST, True, Consequence.DROP_PERSON),
    ("user_not_visible", POST, True, Consequence.DROP_PERSON),
    ("cannot_dm_bot", POST, True, Consequence.DROP_PERSON),
    ("channel_not_found", POST, True, Consequence.DROP_PERSON),
    ("is_archived", UPDATE, True, Consequence.DROP_PERSON),
    ("user_not_found", PUBLISH, True, Consequence.DROP_PERSON),
    ("message_not_found", UPDATE, True, Consequence.NOTHING),
    ("restricted_action", POST, True, Consequence.UNSAID),
    ("restricted_action", UPDATE, True, Consequence.NOTHING),
    # a channel
    ("is_archived", POST, False, Consequence.PAUSE),
    ("is_archived", PIN, False, Consequence.PAUSE),
    ("not_in_channel", UPDATE, False, Consequence.PAUSE),
    ("channel_not_found", BOOKMARK, False, Consequence.PAUSE),
    ("restricted_action", POST, False, Consequence.PAUSE),
    ("restricted_action_read_only_channel", POST, False, Consequence.PAUSE),
    ("ekm_access_denied", POST, False, Consequence.PAUSE),
    ("restricted_action", PIN, False, Consequence.NOTHING),
    ("restricted_action", BOOKMARK, False, Consequence.NOTHING),
    # a message that is not there, or takes no replies
    ("message_not_found", UPDATE, False, Consequence.MISSING),
    ("message_not_found", PIN, False, Consequence.MISSING),
    ("thread_not_found", POST, False, Consequence.MISSING),
    ("restricted_action_thread_locked", POST, False, Consequence.NO_REPLY),
    ("cannot_reply_to_message", POST, False, Consequence.NO_REPLY),
    ("cant_update_message", UPDATE, False, Consequence.NOTHING),
    ("edit_window_closed", UPDATE, False, Consequence.NOTHING),
    # ours
    ("msg_too_long", UPDATE, False, Consequence.DEFECT),
    ("invalid_blocks", POST, False, Consequence.DEFECT),
    ("invalid_blocks", POST, True, Consequence.DEFECT),
    ("invalid_arguments", PUBLISH, True, Consequence.DEFECT),
    # the installation
    ("missing_scope", PIN, False, Consequence.WITHOUT),
    ("missing_scope", POST, True, Consequence.WITHOUT),
    ("messages_tab_disabled", POST, True, Consequence.WITHOUT),
    ("not_enabled", PUBLISH, True, Consequence.WITHOUT),
    # full lists beside it
    ("too_many_pins", PIN, False, Consequence.NOTHING),
    ("too_many_bookmarks", BOOKMARK, False, Consequence.NOTHING),
]


@pytest.mark.parametrize(("reason", "operation", "to_person", "follows"), TABLE)
def test_the_table(reason: str, operation: str, to_person: bool, follows: Consequence) -> None:
    refused = Refused(reason=reason, operation=operation, to_person=to_person)

    assert consequence_of(refused) is follows


@given(st.text(), st.sampled_from([*Operation]), st.booleans())
def test_an_unknown_name_costs_one_message_that_is_told_of(
    reason: str, operation: str, to_person: bool
) -> None:
    known = {
        name for one in vars(failure_policy).values() if isinstance(one, set | dict) for name in one
    }
    refused = Refused(reason=f"new_{reason}", operation=operation, to_person=to_person)

    if refused.reason not in known:
        told = operation == Operation.POST
        assert consequence_of(refused) is (Consequence.UNSAID if told else Consequence.NOTHING)


@given(st.sampled_from(sorted(CLOSED)), st.sampled_from([*Operation]))
def test_no_person_pauses_a_phase_and_no_channel_drops_a_person(
    reason: str, operation: str
) -> None:
    to_person = Refused(reason=reason, operation=operation, to_person=True)
    in_channel = Refused(reason=reason, operation=operation, to_person=False)

    assert consequence_of(to_person) is not Consequence.PAUSE
    assert consequence_of(in_channel) is not Consequence.DROP_PERSON


def test_every_operation_has_a_name_for_what_it_needs() -> None:
    assert SCOPES.keys() == {operation.value for operation in Operation}


def test_a_channel_is_never_deleted_by_a_refusal() -> None:
    """Slack says channel_not_found also of private channels we were removed from."""
    assert PauseReason.DELETED not in CLOSED.values()


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("account_inactive", Meaning.WORKSPACE),
        ("token_revoked", Meaning.WORKSPACE),
        ("team_access_not_granted", Meaning.WORKSPACE),
        ("team_added_to_org", Meaning.LATER),
        ("ratelimited", Meaning.LATER),
        ("fatal_error", Meaning.UNKNOWN),
        ("user_disabled", Meaning.PERMANENT),
        ("never_heard_of", Meaning.PERMANENT),
    ],
)
def test_only_what_is_for_good_comes_to_the_table(name: str, meaning: Meaning) -> None:
    class Answer(dict[str, str]):
        status_code = 200
        headers: dict[str, str] = {}  # noqa: RUF012

    error = SlackApiError("no", Answer(error=name))

    assert verdict(error).meaning is meaning
