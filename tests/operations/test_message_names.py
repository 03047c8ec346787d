"""Every message kind has a name for operators, and every failure reason an explanation."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channel_health.failure_policy import (
    MALFORMED,
    MISSING_PERMISSION,
    PAUSE_REASONS,
    TARGET_MISSING,
)
from bot.operations import message_names
from bot.operations.message_decisions import Decision, refusal_of, refusal_of_location
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import Derived, MessageKey, MessageKind
from bot.outbox.queued_message import SlackLocation
from bot.slack.links import parse_message_link
from tests.docs.reading import ROOT

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEYS = re.compile(r'(?:key=|return |key = |told = )f"([a-z_]+):\{')
#: Message kinds whose names also start block ids of forms.
ALSO_BLOCK_IDS = {"line"}


def listed_message(key: str = "announcement:1", **changed: Any) -> ListedMessage:
    return ListedMessage(
        key=MessageKey(key),
        **{
            "workspace_id": "T0PLAY",
            "message_id": "e" * 32,
            "operation": Operation.POST,
            "state": State.HELD,
            "conversation": "C0LAUNCH",
            "enqueued_at": NOW,
            "not_before": NOW,
            "expires_at": None,
            "first_try_at": NOW,
            "attempts": 1,
            "reason": "no proof can be had",
            **changed,
        },
    )


def keys_built_elsewhere() -> set[str]:
    """Message kinds whose keys are built outside the module of keys."""
    files: list[Path] = [*(ROOT / "bot").rglob("*.py")]
    assert len(files) > 100
    found = {kind for file in files for kind in KEYS.findall(file.read_text(encoding="utf-8"))}
    return found & {*MessageKind, *Derived} - ALSO_BLOCK_IDS


def test_every_message_kind_has_a_name():
    assert message_names.NAMES.keys() == set(MessageKind)
    assert {"announcement", "remind", "results", "concerns", "not_said"} <= set(MessageKind)
    assert keys_built_elsewhere() == set()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({}, "the announcement of a phase"),
        ({"key": "pin:announcement:1", "operation": Operation.PIN}, "the pin of the announcement"),
        ({"key": "edit:ask:1:U0BEN", "operation": Operation.UPDATE}, "an edit of the questions"),
        (
            {"key": "unbookmark:bookmark:announcement:1", "operation": Operation.UNBOOKMARK},
            "taking back the bookmark to the announcement",
        ),
        ({"key": "home:U0BEN", "operation": Operation.PUBLISH}, "somebody's App Home"),
        ({"key": "something:new"}, "a message"),
    ],
)
def test_message_description(changed: dict[str, Any], text: str):
    assert message_names.name_of(listed_message(**changed)).startswith(text)


@pytest.mark.parametrize(
    "reason", sorted({*PAUSE_REASONS, *TARGET_MISSING, *MALFORMED, *MISSING_PERMISSION})
)
def test_reasons_with_a_failure_policy_are_explained(reason: str):
    text = message_names.explanation_of(listed_message(reason=reason, state=State.FAILED))

    assert text.endswith(".")
    assert not text.startswith("Slack said")


def test_explanation_of_unknown_missing_and_user_disabled_reasons():
    assert (
        message_names.explanation_of(listed_message(reason="strange_thing"))
        == "Slack said strange_thing."
    )
    assert message_names.explanation_of(listed_message(reason=None, state=State.PENDING)) == ""
    assert message_names.explanation_of(
        listed_message(reason="user_disabled", conversation="U0BEN")
    ).endswith("Drop it.")


@pytest.mark.parametrize("key", ["mistake:1:2", "concern_answer:1:2", "concerns:1:2:1:U0ANA"])
def test_operators_are_warned_before_they_drop_the_only_copy_of_words(key: str):
    malformed = listed_message(key=key, reason="invalid_blocks", state=State.FAILED)
    edit = listed_message(key=key, reason="invalid_blocks", operation=Operation.UPDATE)

    assert "loses what people wrote" in message_names.explanation_of(malformed)
    assert "loses what people wrote" not in message_names.explanation_of(edit)


def test_repr_hides_the_recipient():
    assert "U0BEN" not in repr(listed_message(key="ask:1:U0BEN"))


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("state", State)
def test_each_decision_is_allowed_or_refused_with_a_reason(decision: Decision, state: State):
    refusal = refusal_of(decision, listed_message(state=state), NOW)

    assert refusal is None or refusal.startswith("Nothing was changed: ")
    if state in (State.SENT, State.SENDING, State.EXPIRED):
        assert refusal is not None
    if state is State.HELD:
        assert refusal is None


def test_expired_message_is_not_posted_again():
    expired = listed_message(state=State.FAILED, expires_at=NOW)

    assert refusal_of(Decision.AGAIN, expired, NOW - timedelta(seconds=1)) is None
    assert "too late to send" in (refusal_of(Decision.AGAIN, expired, NOW) or "")


def test_location_must_match_conversation_and_time():
    ts = f"{NOW.timestamp():.6f}"
    earlier = f"{(NOW - timedelta(minutes=5)).timestamp():.6f}"

    def refusal(message: ListedMessage, channel: str, ts: str) -> str | None:
        return refusal_of_location(message, SlackLocation(channel=channel, ts=ts))

    assert refusal(listed_message(), "C0LAUNCH", ts) is None
    assert refusal(listed_message(conversation="U0BEN"), "D0BEN", ts) is None
    assert "different conversation" in (refusal(listed_message(), "C0OTHER", ts) or "")
    assert "different conversation" in (
        refusal(listed_message(conversation="U0BEN"), "C0X", ts) or ""
    )
    assert "an older message" in (refusal(listed_message(), "C0LAUNCH", earlier) or "")


@pytest.mark.parametrize(
    ("link", "location"),
    [
        (
            "https://acme.slack.com/archives/C0LAUNCH/p1763892000123456",
            ("C0LAUNCH", "1763892000.123456"),
        ),
        (
            " <https://acme.slack.com/archives/D0AB/p1763892000123456?thread_ts=1.2&cid=C1> ",
            ("D0AB", "1763892000.123456"),
        ),
        ("https://acme.slack.com/archives/C0LAUNCH", None),
        ("https://acme.slack.com/archives/C0LAUNCH/p17", None),
        ("C0LAUNCH 1763892000.123456", None),
        ("", None),
    ],
)
def test_message_links_are_parsed(link: str, location: tuple[str, str] | None):
    assert parse_message_link(link) == location
