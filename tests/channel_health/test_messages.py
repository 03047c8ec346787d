"""What leads and admins are told when Slack does not let a phase go on, word for word."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import messages
from bot.channel_health import messages as words
from bot.channel_health.failure_policy import FailureAction
from bot.ending import messages as ending_messages
from bot.phases.budget import Budget
from bot.phases.model import PauseReason, Phase
from bot.playground.fake_slack.checks import check_blocks
from bot.slack.content import Content
from bot.status import card as status_card
from bot.status.card import ChannelStatus
from tests.announcement.phases import HOSTILE, SPRINT, TODAY, TRUST
from tests.ending.ended_phases import WORDS, hostile, over
from tests.harness import LAUNCH

PAUSED_AT = datetime(2026, 12, 7, 9, tzinfo=UTC)
WHILE_PAUSED = [why for why in PauseReason if why is not PauseReason.DELETED]
GOODBYES_ON = date(2026, 12, 22)


def paused(phase: Phase = SPRINT, why: PauseReason = PauseReason.ARCHIVED) -> Phase:
    return replace(phase, paused_at=PAUSED_AT, paused_because=why.value)


APART: dict[str, Any] = {"paused_at": PAUSED_AT, "paused_because": "archived"}

SAID: dict[str, Content] = {
    **{
        f"paused, {why}": words.paused(paused(why=why))
        for why in PauseReason
        if why is not PauseReason.DELETED
    },
    "paused, trust": words.paused(paused(TRUST)),
    "goes on": words.goes_on(SPRINT),
    "channel deleted": words.channel_deleted(over(), GOODBYES_ON),
    "channel deleted, nothing waited": words.channel_deleted(
        over(replace(TRUST, items=())), GOODBYES_ON
    ),
    "announcement missing": words.missing(SPRINT),
    "announcement posted again": words.posted_again(SPRINT),
    "leads alone": words.leads_alone(SPRINT, "Ana"),
    "nobody leads": words.nobody_leads(SPRINT),
    "nobody reads": words.nobody_reads(SPRINT),
    **{
        f"undelivered, {kind}": words.undelivered(SPRINT, kind, FailureAction.DEFECT, "Ben")
        for kind in words.UNDELIVERED
    },
    "undelivered, no account": words.undelivered(
        SPRINT, "goodbye", FailureAction.DROP_PERSON, "Ben"
    ),
    **{
        f"not said, {kind}": words.not_said(SPRINT, kind, FailureAction.DEFECT, post_again=False)
        for kind in words.AWAITED
    },
    "not said, no replies": words.not_said(
        SPRINT, "results", FailureAction.NO_REPLY, post_again=False
    ),
    "not said, not granted": words.not_said(
        SPRINT, "results", FailureAction.WITHOUT, post_again=False
    ),
    "not said, may be posted again": words.not_said(
        SPRINT, "announcement", FailureAction.UNSAID, post_again=True
    ),
    "asked for a wrap-up, apart": ending_messages.ask_wrap_up(
        over(**APART).phase, date(2026, 12, 22)
    ),
    "written, apart": ending_messages.written(over(**WORDS, **APART)),
}


@pytest.mark.parametrize("name", SAID)
def test_it_is_said_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    said = SAID[name]
    assert check_blocks(said.blocks, "message") == []
    assert len(said.text) <= 80
    assert "!" not in said.text.replace("<!", "")

    assert [said.text, said.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("why", [why for why in PauseReason if why is not PauseReason.DELETED])
def test_it_stands_on_the_card_and_in_app_home(
    why: PauseReason, snapshot: SnapshotAssertion
) -> None:
    phase = paused(why=why)
    card = status_card.card(
        ChannelStatus(
            channel_id=LAUNCH,
            phase=phase,
            last=None,
            budget=Budget(spent=15),
            today=TODAY,
            manages=True,
            may_start=True,
        )
    )

    assert check_blocks(card.blocks, "message") == []
    assert "Ask now" not in str(card.blocks)
    assert words.TRY_AGAIN in str(card.blocks)
    assert messages.status_line(phase, TODAY) == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "😀"])
def test_bad_and_long_words_never_fire(sign: str) -> None:
    for said in (
        words.paused(paused(hostile(sign))),
        words.channel_deleted(over(hostile(sign)), GOODBYES_ON),
        words.leads_alone(SPRINT, sign * 40),
        words.leads_alone(SPRINT, HOSTILE),
    ):
        assert check_blocks(said.blocks, "message") == []
        assert "<!channel>" not in str(said.blocks)
        assert "<!channel>" not in said.text


def test_only_who_can_be_told_is_named() -> None:
    """To admins and to members nobody's account is said to be closed."""
    assert "Ana" not in str(SAID["nobody leads"].blocks)
