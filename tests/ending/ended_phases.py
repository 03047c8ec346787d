"""Phases that are over, in every way they can be."""

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
    "learning": "Reviews were the bottleneck, not code.",
    "thanks": "To all, for the late test night.",
    "wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC),
    "wrapped_up_by": ANA,
}
OVER: dict[str, Any] = {"is_active": False, "ended_at": datetime(2026, 12, 18, 17, tzinfo=UTC)}


def over(phase: Phase = SPRINT, *, picture: Picture | None = None, **changes: Any) -> EndedPhase:
    """Ended, with what waited taken up again."""
    phase = replace(phase, **{**OVER, **changes})
    items = tuple(replace(item, outcome=item.outcome or "resumed") for item in phase.items)
    ended_at = phase.ended_at
    assert ended_at is not None
    return EndedPhase(
        phase=replace(phase, items=items),
        ended_on=phase.day_of(ended_at),
        writer="Ana" if phase.wrapped_up_by == ANA else "Olivia",
        picture=picture,
        picture_is_newer=False,
    )


def decided(phase: Phase, *outcomes: tuple[str, date | None]) -> Phase:
    """What became of each item, in their order."""
    return replace(
        phase,
        items=tuple(
            replace(item, outcome=outcome, parked_until=until)
            for item, (outcome, until) in zip(phase.items, outcomes, strict=True)
        ),
    )


def hostile(sign: str) -> Phase:
    """Everything that a person can write is as long and as bad as it can be."""
    name = long(sign, 80)
    items = tuple(
        SetAsideItem(
            position=position,
            text=long(sign, 3_000),
            owner_id=BEN,
            owner_name=name,
            outcome=None,
            parked_until=None,
        )
        for position in range(5)
    )
    people = (
        participant(ANA, name=name),
        participant(BEN, name=name, contribution=long(sign, 240), thanks_line=long(sign, 300)),
    )
    phase = replace(SPRINT, items=items, people=people)
    return replace(phase, milestone=long(sign, 3_000), extension_reason=long(sign, 500))


def worded(sign: str) -> dict[str, Any]:
    return {**WORDS, **dict.fromkeys(("outcome", "learning", "thanks"), long(sign, 1_000))}


def long(sign: str, length: int) -> str:
    return (sign * length)[:length]
