"""Wording of the messages to leads and admins about paused phases and undelivered messages."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import messages
from bot.channel_health import messages as health_messages
from bot.channel_health.failure_policy import FailureAction
from bot.ending import messages as ending_messages
from bot.phases.model import PauseReason, Phase
from bot.playground.fake_slack.checks import check_blocks
from bot.slack.content import Content
from bot.status import card as status_card
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST
from tests.docs.message_pages import GROUPS
from tests.ending.ended_phases import WORDS, hostile, over
from tests.status.states import state_of

PAUSED_AT = datetime(2026, 12, 7, 9, tzinfo=UTC)
PAUSE_REASONS = [why for why in PauseReason if why is not PauseReason.DELETED]
GOODBYES_ON = date(2026, 12, 22)


def paused(phase: Phase = SPRINT, why: PauseReason = PauseReason.ARCHIVED) -> Phase:
    return replace(phase, paused_at=PAUSED_AT, pause_reason=why.value)


PAUSED: dict[str, Any] = {"paused_at": PAUSED_AT, "pause_reason": "archived"}

MESSAGES: dict[str, Content] = {
    **{f"paused, {why}": health_messages.paused(paused(why=why)) for why in PAUSE_REASONS},
    "paused, trust": health_messages.paused(paused(TRUST)),
    "resumed": health_messages.resumed(SPRINT),
    "channel deleted": health_messages.channel_deleted(over(), GOODBYES_ON),
    "channel deleted, nothing set aside": health_messages.channel_deleted(
        over(replace(TRUST, set_aside_items=())), GOODBYES_ON
    ),
    "announcement missing": health_messages.missing(SPRINT),
    "announcement posted again": health_messages.posted_again(SPRINT),
    "co-lead unreachable": health_messages.co_lead_unreachable(SPRINT, "Ana"),
    "no reachable lead": health_messages.no_reachable_lead(SPRINT),
    "no reachable lead after the end": health_messages.no_reachable_lead_after_end(SPRINT),
    **{
        f"undelivered, {kind}": health_messages.undelivered(
            SPRINT, kind, FailureAction.MALFORMED, "Ben"
        )
        for kind in health_messages.UNDELIVERED
    },
    "undelivered, no account": health_messages.undelivered(
        SPRINT, "goodbye", FailureAction.DROP_PERSON, "Ben"
    ),
    **{
        f"not posted, {kind}": health_messages.not_posted(
            SPRINT, kind, FailureAction.MALFORMED, post_again=False
        )
        for kind in health_messages.AWAITED
    },
    "not posted, no replies": health_messages.not_posted(
        SPRINT, "results", FailureAction.NO_REPLY, post_again=False
    ),
    "not posted, not granted": health_messages.not_posted(
        SPRINT, "results", FailureAction.MISSING_PERMISSION, post_again=False
    ),
    "not posted, may be posted again": health_messages.not_posted(
        SPRINT, "announcement", FailureAction.REPORT, post_again=True
    ),
    "wrap-up request, paused": ending_messages.ask_wrap_up(
        over(**PAUSED).phase, date(2026, 12, 22)
    ),
    "wrap-up written, paused": ending_messages.wrap_up_received(over(**WORDS, **PAUSED)),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = MESSAGES[name]
    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80
    assert "!" not in message.text.replace("<!", "")

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("why", PAUSE_REASONS)
def test_pause_is_shown_on_the_status_card_and_in_app_home(
    why: PauseReason, snapshot: SnapshotAssertion
) -> None:
    phase = paused(why=why)
    card = status_card.card(state_of(phase, may_manage=True))

    assert check_blocks(card.blocks, "message") == []
    assert "Ask Now" not in str(card.blocks)
    assert health_messages.TRY_AGAIN in str(card.blocks)
    assert messages.status_line(phase, TODAY) == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("filler", ["<!channel>", "*", "&", "😀"])
def test_hostile_and_long_texts_never_ping_the_channel(filler: str) -> None:
    for message in (
        health_messages.paused(paused(hostile(filler))),
        health_messages.channel_deleted(over(hostile(filler)), GOODBYES_ON),
        health_messages.co_lead_unreachable(SPRINT, filler * 40),
        health_messages.co_lead_unreachable(SPRINT, HOSTILE),
    ):
        assert check_blocks(message.blocks, "message") == []
        assert "<!channel>" not in str(message.blocks)
        assert "<!channel>" not in message.text


def test_admins_are_not_told_whose_account_is_closed() -> None:
    assert "Ana" not in str(MESSAGES["no reachable lead"].blocks)


def test_leads_are_told_of_every_message_that_slack_keeps_from_the_channel() -> None:
    to_channel = {kind for message in GROUPS["In the channel"] for kind in message.kinds}

    assert to_channel <= health_messages.AWAITED.keys()
