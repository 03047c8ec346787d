"""What the reference model makes of downtime, and what it takes over from the bot afterwards."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.model.facts import Round, as_seen
from tests.model.reference_model import ReferenceModel


def oversleep(reference_model: ReferenceModel, until: datetime) -> None:
    """Let time pass with a bot that was away: all that became due is due now, in its order."""
    reference_model.now = until
    for one in reference_model.rounds():
        late = {*one.to_ask, *one.to_remind}
        one.unsure |= {who for who in late if _is_late(one, who, until)}
        one.show_unsure |= one.closes_at <= until
    for one in reference_model.rounds(only_open=False):
        one.show_unsure |= one.show_at is not None and one.show_at <= until
    for phase in reference_model.phases:
        for (kind, on), opens in list(phase.planned.items()):
            if opens <= until:
                del phase.planned[kind, on]
                phase.overslept.add(kind)
    reference_model.advance(until)


def adopt(
    reference_model: ReferenceModel, rounds_of: Callable[[str], list[Any]], people: Iterable[Any]
) -> None:
    """Rounds that should have opened while the bot was away may have, or not."""
    for phase in reference_model.phases:
        found = rounds_of(phase.phase_id)
        believed = [(one.kind, one.opened_at, one.closes_at) for one in phase.rounds]
        assert len(found) >= len(believed), (phase, believed, found)
        for row in found[len(phase.rounds) :]:
            if row["kind"] not in phase.overslept:
                return
            asked = [one for one in people if one["round_id"] == row["round_id"]]
            phase.rounds.append(as_seen(phase, row, asked))
        phase.overslept.clear()
        for one in phase.rounds:
            if one.show_unsure:
                one.shown_at = found[phase.rounds.index(one)]["shown_at"]


def _is_late(one: Round, who: str, until: datetime) -> bool:
    return min(one.to_ask.get(who, until), one.to_remind.get(who, until)) < until
