"""The status card in every state and role, and the budget card."""

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


def seen(phase: Phase | None, **changes: Any) -> Content:
    facts = {
        "channel_id": LAUNCH,
        "phase": phase,
        "last": None,
        "budget": Budget(spent=15),
        "today": TODAY,
        "manages": False,
        "may_start": True,
        **changes,
    }
    return card.card(ChannelStatus(**facts))


CARDS = {
    "sprint, member": seen(SPRINT),
    "sprint, lead": seen(SPRINT, manages=True),
    "sprint, last day, extended": seen(
        replace(SPRINT, extension_reason="The audit came late."), today=SPRINT.ends_on
    ),
    "trust, lead": seen(TRUST, manages=True),
    "never, member": seen(None),
    "never, guest": seen(None, may_start=False),
    "ended, member": seen(None, last=ENDED),
    "ended, guest": seen(None, last=ENDED, may_start=False),
    "ended, lead": seen(None, last=ENDED, manages=True),
    "ended, recovered": seen(None, last=WRAPPED, today=date(2027, 1, 4)),
    "wrapped up, lead": seen(None, last=WRAPPED, manages=True),
}
BUDGETS = {
    "none": card.budget_card(Budget(spent=0), [], TODAY, TODAY),
    "one, fits now": card.budget_card(Budget(spent=15), [FIRST], TODAY, TODAY),
    "two, fits later": card.budget_card(
        Budget(spent=30, allowed=0.25), [FIRST, SECOND], date(2027, 1, 4), ENDED_ON
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_the_card_is_shown_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    said = CARDS[name]
    assert check_blocks(said.blocks, "message") == []
    assert len(said.text) <= 80

    assert [said.text, said.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", BUDGETS)
def test_the_budget_is_shown_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    said = BUDGETS[name]
    assert check_blocks(said.blocks, "message") == []

    assert [said.text, said.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "ש", "😀"])
def test_bad_and_long_words_are_shown_and_never_fire(sign: str) -> None:
    said = seen(hostile(sign), manages=True)

    assert check_blocks(said.blocks, "message") == []
    assert "<!channel>" not in str(said.blocks)
    assert len(said.text) <= 80


def test_only_who_manages_is_offered_to_change_it() -> None:
    for name in ("phases.extend", "phases.end", "phases.poll"):
        assert name in str(CARDS["sprint, lead"].blocks)
        assert name not in str(CARDS["sprint, member"].blocks)


def test_only_who_may_start_is_offered_to() -> None:
    assert "phases.start" in str(CARDS["ended, member"].blocks)
    assert "phases.start" not in str(CARDS["ended, guest"].blocks)
    assert "phases.start" not in str(CARDS["never, guest"].blocks)


def test_the_budget_stands_on_the_card_of_a_sprint() -> None:
    sentence = "15 of the last 90 days in results sprints."

    assert sentence in str(CARDS["sprint, member"].blocks)
    assert sentence in str(CARDS["never, member"].blocks)
    assert sentence not in str(CARDS["trust, lead"].blocks)


def test_a_co_led_phase_names_both() -> None:
    people = tuple(replace(one, is_lead=one.name in ("Ana", "Ben")) for one in SPRINT.people)

    assert "led by Ana and Ben" in str(seen(replace(SPRINT, people=people)).blocks)
