"""Agenda action names and subjects: stable stored form, round-trip parsing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda import actions
from bot.agenda.actions import (
    ActionName,
    PausedPhase,
    PhaseDay,
    PhaseDecision,
    PhaseItem,
    PhasePerson,
    PlannedRound,
    RoundPerson,
    ScrubPass,
    Subject,
    TokenRetry,
    UndeliveredMessage,
)
from bot.app import ACTIONS
from bot.channel_health.failure_policy import FailureAction
from bot.decisions.model import Cause
from bot.phases.model import PauseReason
from bot.rounds.rules import RoundKind

DAY = date(2026, 11, 24)
ids = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)
people = st.text(alphabet="ABCDEFGH0123456789", min_size=2, max_size=12).map("U{}".format)
SUBJECTS: dict[type[Subject], st.SearchStrategy[Subject]] = {
    PausedPhase: st.builds(PausedPhase, ids, st.sampled_from(PauseReason)),
    PhaseDay: st.builds(PhaseDay, ids, st.dates()),
    PhaseDecision: st.builds(PhaseDecision, ids, st.sampled_from(Cause)),
    PhaseItem: st.builds(PhaseItem, ids, st.integers(min_value=0)),
    PhasePerson: st.builds(PhasePerson, ids, people),
    PlannedRound: st.builds(PlannedRound, ids, st.sampled_from(RoundKind), st.dates()),
    RoundPerson: st.builds(RoundPerson, ids, people),
    ScrubPass: st.builds(ScrubPass, ids, st.booleans()),
    TokenRetry: st.builds(TokenRetry, st.integers(min_value=0)),
    UndeliveredMessage: st.builds(UndeliveredMessage, ids, st.sampled_from(FailureAction)),
}


def test_every_action_has_a_handler_and_a_leading_id():
    assert ACTIONS.keys() == set(ActionName) == actions.LEADING_ID_KIND.keys()


def test_strategies_cover_every_subject():
    assert SUBJECTS.keys() == set(Subject.__subclasses__())


@pytest.mark.parametrize("kind", SUBJECTS)
@given(data=st.data())
def test_subject_round_trips_through_its_text(kind: type[Subject], data: st.DataObject) -> None:
    subject = data.draw(SUBJECTS[kind])

    assert kind.parse(str(subject)) == subject


@pytest.mark.parametrize(
    ("subject", "stored"),
    [
        (PausedPhase("p", PauseReason.NOT_VISIBLE), "p:unseen"),
        (PhaseDay("p", DAY), "p:2026-11-24"),
        (PhaseItem("p", 3), "p:3"),
        (PhasePerson("p", "U1"), "p:U1"),
        (PlannedRound("p", RoundKind.WEEKLY, DAY), "p:weekly:2026-11-24"),
        (RoundPerson("r", "U1"), "r:U1"),
        (ScrubPass("r"), "r"),
        (ScrubPass("r", is_second=True), "r:again"),
        (TokenRetry(3), "3"),
        (UndeliveredMessage("m", FailureAction.NO_REPLY), "m:no_reply"),
    ],
)
def test_stored_form_of_subjects_is_stable(subject: Subject, stored: str) -> None:
    assert str(subject) == stored


@given(round_id=ids, user_id=people)
def test_compound_subject_starts_with_its_leading_id(round_id: str, user_id: str) -> None:
    subject = str(RoundPerson(round_id, user_id))

    assert actions.leading_id(subject) == round_id
    assert subject.startswith(actions.subject_prefix(round_id))
