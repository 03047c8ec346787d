"""Ended phases in various states, for tests of messages and forms."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from bot.ending.summary import EndedPhase
from bot.phases.model import Phase, SetAsideItem
from bot.slack.content import Picture
from tests.announcement.phases import SPRINT, participant
from tests.harness import ANA, BEN

ENDED_ON = date(2026, 12, 18)  # a Friday
LATER = date(2026, 12, 23)
PICTURE = Picture(facts={}, alt_text="Clear and doable: 3, then 4.", title="Results: week 2")
WORDS: dict[str, Any] = {
    "outcome": "Beta is out. Both customers have it.",
    "milestone_outcome": "hit",
    "planned": "The beta, with both customers on it.",
    "reason": "Reviews were the bottleneck, not code.",
    "learning": "Review before noon, every day.",
    "thanks": "To all, for the late test night.",
    "wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC),
    "wrapped_up_by": ANA,
}
OVER: dict[str, Any] = {"is_active": False, "ended_at": datetime(2026, 12, 18, 17, tzinfo=UTC)}


def over(phase: Phase = SPRINT, *, picture: Picture | None = None, **changes: Any) -> EndedPhase:
    """Return an ended phase; items without an outcome are resumed."""
    phase = replace(phase, **{**OVER, **changes})
    items = tuple(
        replace(item, outcome=item.outcome or "resumed") for item in phase.set_aside_items
    )
    ended_at = phase.ended_at
    assert ended_at is not None
    return EndedPhase(
        phase=replace(phase, set_aside_items=items),
        ended_on=phase.day_of(ended_at),
        wrap_up_author="Ana" if phase.wrapped_up_by == ANA else "Olivia",
        picture=picture,
        level_lines=("*Clear and doable:* 3 at the start, 4 at the end",) if picture else (),
        newest_round_id="r2" if picture else None,
    )


def with_outcomes(phase: Phase, *outcomes: tuple[str, date | None]) -> Phase:
    """Return the phase with these outcomes of its items, in order."""
    return replace(
        phase,
        set_aside_items=tuple(
            replace(item, outcome=outcome, parked_until=until)
            for item, (outcome, until) in zip(phase.set_aside_items, outcomes, strict=True)
        ),
    )


def hostile(filler: str) -> Phase:
    """Return a phase in which every text a person can write is the filler at maximum length."""
    name = repeat(filler, 80)
    items = tuple(
        SetAsideItem(
            position=position,
            text=repeat(filler, 3_000),
            owner_id=BEN,
            owner_name=name,
            outcome=None,
            parked_until=None,
        )
        for position in range(5)
    )
    people = (
        participant(ANA, name=name),
        participant(
            BEN, name=name, contribution=repeat(filler, 240), thanks_line=repeat(filler, 300)
        ),
    )
    phase = replace(SPRINT, set_aside_items=items, people=people)
    return replace(phase, milestone=repeat(filler, 3_000), extension_reason=repeat(filler, 500))


def hostile_wrap_up(filler: str) -> dict[str, Any]:
    return {
        **WORDS,
        **dict.fromkeys(
            ("planned", "outcome", "reason", "learning", "thanks"), repeat(filler, 1_000)
        ),
    }


def repeat(filler: str, length: int) -> str:
    return (filler * length)[:length]
