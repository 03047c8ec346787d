"""The status card in every state and for every role, and the budget card."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.phases.budget import Budget, Span
from bot.phases.model import Phase
from bot.playground.fake_slack.checks import check_blocks
from bot.slack.content import Content
from bot.status import card
from bot.status.card import ChannelStatus
from tests.announcement.phases import SPRINT, TODAY, TRUST
from tests.ending.ended_phases import ENDED_ON, WORDS, hostile, over
from tests.harness import LAUNCH

ENDED = over().phase
WRAPPED = over(**WORDS).phase
FIRST = Span(starts_on=date(2026, 10, 5), ends_on=date(2026, 10, 19))
SECOND = Span(starts_on=TODAY, ends_on=date(2026, 12, 18))


def status_card(phase: Phase | None, **changes: Any) -> Content:
    facts = {
        "channel_id": LAUNCH,
        "phase": phase,
        "last_phase": None,
        "budget": Budget(spent=15),
        "today": TODAY,
        "may_manage": False,
        "may_start": True,
        **changes,
    }
    return card.card(ChannelStatus(**facts))


CARDS = {
    "sprint, member": status_card(SPRINT),
    "sprint, lead": status_card(SPRINT, may_manage=True),
    "sprint, last day, extended": status_card(
        replace(SPRINT, extension_reason="The audit came late."), today=SPRINT.ends_on
    ),
    "trust, lead": status_card(TRUST, may_manage=True),
    "never, member": status_card(None),
    "never, guest": status_card(None, may_start=False),
    "ended, member": status_card(None, last_phase=ENDED),
    "ended, guest": status_card(None, last_phase=ENDED, may_start=False),
    "ended, lead": status_card(None, last_phase=ENDED, may_manage=True),
    "ended, recovered": status_card(None, last_phase=WRAPPED, today=date(2027, 1, 4)),
    "wrapped up, lead": status_card(None, last_phase=WRAPPED, may_manage=True),
}
BUDGETS = {
    "none": card.budget_card(Budget(spent=0), [], TODAY, TODAY),
    "one, fits now": card.budget_card(Budget(spent=15), [FIRST], TODAY, TODAY),
    "two, fits later": card.budget_card(
        Budget(spent=30, allowed=0.25), [FIRST, SECOND], date(2027, 1, 4), ENDED_ON
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_status_card_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = CARDS[name]
    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", BUDGETS)
def test_budget_card_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = BUDGETS[name]
    assert check_blocks(message.blocks, "message") == []

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "ש", "😀"])
def test_hostile_and_long_text_is_shown_without_mentions(sign: str) -> None:
    message = status_card(hostile(sign), may_manage=True)

    assert check_blocks(message.blocks, "message") == []
    assert "<!channel>" not in str(message.blocks)
    assert len(message.text) <= 80


def test_management_buttons_are_offered_only_to_managers() -> None:
    for name in ("phases.extend", "phases.end", "phases.poll"):
        assert name in str(CARDS["sprint, lead"].blocks)
        assert name not in str(CARDS["sprint, member"].blocks)


def test_start_button_is_offered_only_to_people_who_may_start() -> None:
    assert "phases.start" in str(CARDS["ended, member"].blocks)
    assert "phases.start" not in str(CARDS["ended, guest"].blocks)
    assert "phases.start" not in str(CARDS["never, guest"].blocks)


def test_budget_is_shown_on_sprint_and_idle_cards_only() -> None:
    sentence = "15 of the last 90 days in results sprints."

    assert sentence in str(CARDS["sprint, member"].blocks)
    assert sentence in str(CARDS["never, member"].blocks)
    assert sentence not in str(CARDS["trust, lead"].blocks)


def test_co_led_phase_names_both_leads() -> None:
    people = tuple(replace(one, is_lead=one.name in ("Ana", "Ben")) for one in SPRINT.people)

    assert "led by Ana and Ben" in str(status_card(replace(SPRINT, people=people)).blocks)
