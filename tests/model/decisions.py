"""Decisions about going on in the reference model: asked for, noted as missing, made, dropped."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tests.model.calendar import MORNING, local, there, welcome, working_days
from tests.model.facts import Decision, Phase, Round
from tests.model.messages import PENDING, Due, PlannedMessages

#: The messages about decisions, by the first part of their keys.
DECISION_KINDS = ("decision_asked", "decision", "undecided")


@dataclass(kw_only=True)
class PlannedDecisions:
    """What becomes due of decisions."""

    letters: PlannedMessages
    now: Callable[[], datetime]

    def due(self, phase: Phase) -> Iterator[Due]:
        if phase.decide_at is not None:
            yield phase.decide_at, partial(self._ask_by_date, phase)
        for decision in phase.decisions:
            if decision.choice is None and decision.note_at is not None:
                yield decision.note_at, partial(self._note, decision)

    def check_answered(self, one: Round) -> None:
        """Ask the leads if the team says, while the phase runs, that it should not go on."""
        if one.check == "continue" and one.check_outcome == "no" and one.phase.is_active:
            self._ask(one.phase, "check", one, welcome(self.now(), one.phase.zone, MORNING))

    def decide(self, decision: Decision, by: str, choice: str) -> None:
        decision.choice, decision.by, decision.note_at = choice, by, None
        self.letters.write("decision", decision, at=self.now())

    def phase_ended(self, phase: Phase, by: str | None) -> None:
        """Whoever ends a phase has decided; at its date an open decision is dropped."""
        phase.decide_at = None
        decision = phase.open_decision
        if decision is None:
            return
        self.letters.forget("decision_asked", decision)
        if by is None:
            phase.decisions.remove(decision)
        else:
            self.decide(decision, by, "end")

    def _ask_by_date(self, phase: Phase) -> None:
        phase.decide_at = None
        in_time = [one for one in phase.rounds if one.is_open and one.closes_at < phase.ends_at]
        carrier = min(in_time, key=lambda one: one.closes_at, default=None)
        asked_at = carrier.closes_at if carrier else welcome(self.now(), phase.zone, MORNING)
        self._ask(phase, "date", carrier, asked_at)

    def _ask(self, phase: Phase, cause: str, one: Round | None, asked_at: datetime) -> None:
        if phase.open_decision is not None:
            return
        decision = Decision(phase=phase, cause=cause, one=one, asked_at=asked_at, note_at=None)
        decision.note_at = _late_at(decision)
        phase.decisions.append(decision)
        if one is None:
            self._ask_in_a_message(decision)

    def _note(self, decision: Decision) -> None:
        """Tell the team that nothing is decided; without results to ask with, ask now instead."""
        decision.note_at = None
        if decision.one is not None and not self.letters.of("lead_results", decision.one):
            decision.one, decision.asked_at = None, self.now()
            decision.note_at = _late_at(decision)
            self._ask_in_a_message(decision)
            return
        at = welcome(self.now(), decision.phase.zone)
        self.letters.write("undecided", decision, at=at)

    def _ask_in_a_message(self, decision: Decision) -> None:
        for lead in self.letters.leads(decision.phase):
            at = welcome(self.now(), self.letters.people[lead].zone, MORNING)
            self.letters.write("decision_asked", decision, lead, at=at)


def _late_at(decision: Decision) -> datetime:
    """Return when a decision is late: two working days after the question."""
    zone = decision.phase.zone
    asked = there(decision.asked_at, zone)
    return welcome(local(working_days(asked.date(), 2), asked.time(), zone), zone)


def decisions_not_as_foreseen(
    phases: Iterable[Phase], letters: PlannedMessages, rows: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the differences of messages about decisions, without those of uncertain phases.

    The ids of decisions that were dropped meanwhile are unknown, so messages are only counted.
    """
    known = {phase.phase_id: phase for phase in phases if not phase.decisions_uncertain}
    expected = Counter(
        (one.kind, one.about.phase.phase_id, one.to, one.state, _pending_at(one.state, one.at))
        for one in (*letters.ended, *letters.waiting)
        if isinstance(one.about, Decision) and not one.about.phase.decisions_uncertain
    )
    found: Counter[tuple[Any, ...]] = Counter()
    for key, row in rows.items():
        kind, phase_id, *_ = parts = key.split(":")
        if kind in DECISION_KINDS and phase_id in known:
            to = parts[3] if kind == "decision_asked" else ""
            state = row["state"]
            found[kind, phase_id, to, state, _pending_at(state, row["not_before"])] += 1
    missing, unforeseen = expected - found, found - expected
    return [f"missing {one}" for one in missing] + [f"not predicted {one}" for one in unforeseen]


def _pending_at(state: str, at: datetime) -> datetime | None:
    return at if state == PENDING else None
