"""The reply to the bare command and the status, in every state and for every role; the budget."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.phases.budget import Budget, Span
from bot.phases.model import Phase
from bot.phases.rules import GUESTS_CANNOT_START
from bot.playground.fake_slack.checks import check_blocks
from bot.slack.content import Content
from bot.status import card
from bot.status.model import ChannelStatus, NextQuestions
from tests.announcement.phases import SPRINT, TODAY, TRUST
from tests.ending.ended_phases import ENDED_ON, WORDS, hostile, over
from tests.results.closed_rounds import WEEK
from tests.status.states import state_of

ENDED = over().phase
WRAPPED = over(**WORDS).phase
FIRST = Span(starts_on=date(2026, 10, 5), ends_on=date(2026, 10, 19))
SECOND = Span(starts_on=TODAY, ends_on=date(2026, 12, 18))
NEXT = NextQuestions(next_on=date(2026, 12, 8))
OPEN = NextQuestions(open_until=datetime(2026, 12, 10, 15, tzinfo=UTC))
TALKING = replace(SPRINT, people=SPRINT.people[:3])
GUEST = {"is_full_member": False, "is_in_team": False, "refusal_to_start": GUESTS_CANNOT_START}

CARDS = {
    "sprint, member": card.card(state_of(SPRINT)),
    "sprint, lead": card.card(state_of(SPRINT, may_manage=True)),
    "trust, member": card.card(state_of(TRUST)),
    "sprint, guest": card.card(state_of(SPRINT, **GUEST)),
    "never, member": card.card(state_of(None)),
    "never, guest": card.card(state_of(None, **GUEST)),
    "ended, member": card.card(state_of(ENDED)),
    "ended, lead": card.card(state_of(ENDED, may_manage=True)),
    "wrapped up, lead": card.card(state_of(WRAPPED, may_manage=True)),
}


def status(phase: Phase | None, **changes: Any) -> Content:
    facts = {"phase": phase, "budget": Budget(spent=15), "today": TODAY, **changes}
    return card.status(ChannelStatus(**facts))


STATUSES = {
    "sprint, first week": status(SPRINT, questions=NEXT),
    "sprint, questions open": status(SPRINT, questions=OPEN, results=WEEK),
    "sprint, last day, extended": status(
        replace(SPRINT, extension_reason="The audit came late."), today=SPRINT.ends_on
    ),
    "sprint, paused": status(
        replace(SPRINT, paused_at=SPRINT.started_at, pause_reason="archived"), questions=NEXT
    ),
    "sprint, too few answers": status(
        SPRINT, questions=NEXT, results=replace(WEEK, reached_minimum=False, figures=())
    ),
    "trust": status(TRUST, questions=NEXT, results=WEEK),
    "small team": status(TALKING, questions=NEXT),
    "never": status(None),
    "ended": status(ENDED, questions=NEXT, results=WEEK),
    "ended, recovered": status(WRAPPED, today=date(2027, 1, 4)),
}
BUDGETS = {
    "none": card.budget_card(Budget(spent=0), [], TODAY, TODAY),
    "one, fits now": card.budget_card(Budget(spent=15), [FIRST], TODAY, TODAY),
    "two, fits later": card.budget_card(
        Budget(spent=30, allowed=0.25), [FIRST, SECOND], date(2027, 1, 4), ENDED_ON
    ),
}
MESSAGES = {
    **{f"bare, {name}": message for name, message in CARDS.items()},
    **{f"status, {name}": message for name, message in STATUSES.items()},
    **{f"budget, {name}": message for name, message in BUDGETS.items()},
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = MESSAGES[name]
    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "ש", "😀"])
def test_hostile_and_long_text_is_shown_without_mentions(sign: str) -> None:
    phase = hostile(sign)
    labels = dict.fromkeys(WEEK.labels, sign * 75)
    facts = (
        card.card(state_of(phase, may_manage=True)),
        status(phase, results=replace(WEEK, labels=labels)),
    )
    for message in facts:
        assert check_blocks(message.blocks, "message") == []
        assert "<!channel>" not in str(message.blocks)
        assert len(message.text) <= 80


def test_management_buttons_are_offered_only_to_managers() -> None:
    for name in ("phases.extend", "phases.end", "phases.poll"):
        assert name in str(CARDS["sprint, lead"].blocks)
        assert name not in str(CARDS["sprint, member"].blocks)


def test_team_buttons_are_offered_only_to_the_team() -> None:
    for name in ("phase.my_part", "phase.concern"):
        assert name in str(CARDS["sprint, member"].blocks)
        assert name not in str(CARDS["sprint, guest"].blocks)


def test_start_button_is_offered_only_to_people_who_may_start() -> None:
    assert "phases.start" in str(CARDS["ended, member"].blocks)
    assert "phases.start" not in str(CARDS["never, guest"].blocks)


def test_bare_command_and_status_say_different_things() -> None:
    """One is for acting, the other for reading: neither repeats the promise or the other."""
    bare, facts = CARDS["sprint, lead"].blocks, STATUSES["sprint, questions open"].blocks
    shared = {str(block) for block in bare} & {str(block) for block in facts}

    assert shared == {str(bare[0])}  # the phase and its days left
    assert "What's at stake" not in str(bare) + str(facts)


def test_co_led_phase_names_both_leads() -> None:
    people = tuple(replace(one, is_lead=one.name in ("Ana", "Ben")) for one in SPRINT.people)
    phase = replace(SPRINT, people=people)

    for message in (card.card(state_of(phase)), status(phase)):
        assert "led by Ana and Ben" in str(message.blocks)
