"""Texts of the question for a decision and of its answers, and what the form gives back."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement.messages import promise_lines
from bot.decisions import decision_form, messages
from bot.decisions.model import Answer, Cause, Choice, Decision
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from bot.slack.content import Content
from tests.announcement.phases import HOSTILE, SPRINT, SPRINT_PROMISE, TRUST, TRUST_PROMISE

STOP_IF = "The pilot customer moves the date."
ON = date(2026, 12, 10)
PHASE = replace(SPRINT, promise=replace(SPRINT_PROMISE, stop_if=STOP_IF), stop_if_on=ON)
TRUST_PHASE = replace(TRUST, promise=replace(TRUST_PROMISE, stop_if=STOP_IF), stop_if_on=ON)
HOSTILE_PHASE = replace(PHASE, promise=replace(SPRINT_PROMISE, stop_if=HOSTILE * 9))
DECISION = Decision(
    decision_id="d1",
    phase_id="phase1",
    cause=Cause.DATE,
    round_id=None,
    asked_at=datetime(2026, 12, 10, 9, tzinfo=UTC),
    choice=None,
    decided_by=None,
    name="",
    decided_at=None,
)
BY_CHECK = replace(DECISION, cause=Cause.CHECK)
GO_ON = Answer(choice=Choice.CONTINUE, text="The pilot is on track.\nAll reviews are in.")
ADJUST = Answer(choice=Choice.ADJUST, text="When a review waits a day, I will take it.")
END = Answer(choice=Choice.END, text="")
LONG = Answer(choice=Choice.ADJUST, text=HOSTILE * 60)

MESSAGES: dict[str, Content] = {
    "asked": messages.asked(PHASE, DECISION),
    "asked, by the check": messages.asked(SPRINT, BY_CHECK),
    "asked and decided": messages.asked_and_decided(PHASE, "Ana"),
    "decided, go on": messages.decided(PHASE, Cause.DATE, "Ana", GO_ON),
    "decided, adjust": messages.decided(SPRINT, Cause.CHECK, "Ana", ADJUST),
    "decided, end": messages.decided(PHASE, Cause.DATE, "Ana", END),
    "undecided": messages.undecided(PHASE, DECISION, date(2026, 12, 14)),
    "hostile question": messages.asked(HOSTILE_PHASE, DECISION),
    "hostile answer": messages.decided(HOSTILE_PHASE, Cause.DATE, HOSTILE * 3, LONG),
}
FORMS: dict[str, View] = {
    "date": decision_form.build(PHASE, DECISION),
    "check": decision_form.build(SPRINT, BY_CHECK),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    message = MESSAGES[name]
    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80
    assert "<!channel>" not in str(message.blocks)

    shown = {"text": message.text, "blocks": message.blocks}
    assert shown == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", FORMS)
def test_form_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = FORMS[name].to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_form_gives_back_what_was_chosen_and_typed() -> None:
    values = state_values(FORMS["date"].to_dict()["blocks"], {})
    values[decision_form.CHOICE][decision_form.CHOSEN]["selected_option"] = {"value": "adjust"}
    values[decision_form.BLOCK][decision_form.TEXT]["value"] = " I cancel Monday. "

    assert decision_form.parse(values) == Answer(choice=Choice.ADJUST, text="I cancel Monday.")


@pytest.mark.parametrize("phase", [PHASE, TRUST_PHASE], ids=["sprint", "trust"])
def test_announcement_says_what_would_stop_it_and_when_that_is_decided(phase) -> None:
    assert "*Stop if (decision on Thu 10 Dec):* The pilot customer moves the date." in (
        promise_lines(phase, 240)
    )
    without = replace(phase, promise=replace(phase.promise, stop_if=""), stop_if_on=None)
    assert not [line for line in promise_lines(without, 240) if "Stop if" in line]
