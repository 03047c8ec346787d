"""Downtime in the reference model, and the facts it adopts from the bot afterwards."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.model.facts import Phase, Round, round_from_row
from tests.model.reference_model import ReferenceModel


def oversleep(reference_model: ReferenceModel, until: datetime) -> None:
    """Let time pass without the bot: everything that became due is handled now, in order."""
    reference_model.now = until
    for one in reference_model.rounds():
        late = {*one.to_ask, *one.to_remind}
        one.uncertain |= {user for user in late if _is_late(one, user, until)}
        one.show_time_uncertain |= one.closes_at <= until
    for one in reference_model.rounds(only_open=False):
        one.show_time_uncertain |= one.show_at is not None and one.show_at <= until
    for phase in reference_model.phases:
        phase.decisions_uncertain |= _has_late_decision(phase, until)
        for (kind, on), opens in list(phase.planned.items()):
            if opens <= until:
                del phase.planned[kind, on]
                phase.missed_kinds.add(kind)
    reference_model.advance(until)


def adopt(
    reference_model: ReferenceModel, rounds_of: Callable[[str], list[Any]], people: Iterable[Any]
) -> None:
    """Adopt the bot's rounds that were due in downtime: opening them late or not is both right."""
    for phase in reference_model.phases:
        found = rounds_of(phase.phase_id)
        expected = [(one.kind, one.opened_at, one.closes_at) for one in phase.rounds]
        assert len(found) >= len(expected), (phase, expected, found)
        for row in found[len(phase.rounds) :]:
            if row["kind"] not in phase.missed_kinds:
                return
            asked = [one for one in people if one["round_id"] == row["round_id"]]
            phase.rounds.append(round_from_row(phase, row, asked))
        phase.missed_kinds.clear()
        for one in phase.rounds:
            if one.show_time_uncertain:
                one.shown_at = found[phase.rounds.index(one)]["shown_at"]


def _has_late_decision(phase: Phase, until: datetime) -> bool:
    """Return whether a question for a decision, or the note that there is none, became due."""
    due = [phase.decide_at, *(one.note_at for one in phase.decisions)]
    due += [one.closes_at for one in phase.rounds if one.is_open and one.check == "continue"]
    return any(at is not None and at <= until for at in due)


def _is_late(one: Round, user: str, until: datetime) -> bool:
    return min(one.to_ask.get(user, until), one.to_remind.get(user, until)) < until
