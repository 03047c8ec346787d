"""Phases that are over, in every way they can be."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from bot.ending.summary import Ended
from bot.phases.model import Item, WholePhase
from bot.slack.content import Picture
from tests.announcement.phases import SPRINT, participant, with_phase
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


def over(whole: WholePhase = SPRINT, *, picture: Picture | None = None, **changes: Any) -> Ended:
    """Ended, with what waited taken up again."""
    phase = with_phase(whole, **{**OVER, **changes})
    items = tuple(replace(item, fate=item.fate or "resumed") for item in whole.items)
    ended_at = phase.phase.ended_at
    assert ended_at is not None
    return Ended(
        whole=replace(phase, items=items),
        ended_on=phase.phase.day_of(ended_at),
        writer="Ana" if phase.phase.wrapped_up_by == ANA else "Olivia",
        picture=picture,
        picture_is_newer=False,
    )


def decided(whole: WholePhase, *fates: tuple[str, date | None]) -> WholePhase:
    """What became of each item, in their order."""
    return replace(
        whole,
        items=tuple(
            replace(item, fate=fate, parked_until=until)
            for item, (fate, until) in zip(whole.items, fates, strict=True)
        ),
    )


def hostile(sign: str) -> WholePhase:
    """Everything that a person can write is as long and as bad as it can be."""
    name = long(sign, 80)
    items = tuple(
        Item(
            position=position,
            text=long(sign, 3_000),
            owner_id=BEN,
            owner_name=name,
            fate=None,
            parked_until=None,
        )
        for position in range(5)
    )
    people = (
        participant(ANA, name=name),
        participant(BEN, name=name, contribution=long(sign, 240), thanks_line=long(sign, 300)),
    )
    whole = replace(SPRINT, items=items, people=people)
    return with_phase(whole, milestone=long(sign, 3_000), extension_reason=long(sign, 500))


def worded(sign: str) -> dict[str, Any]:
    return {**WORDS, **dict.fromkeys(("outcome", "learning", "thanks"), long(sign, 1_000))}


def long(sign: str, length: int) -> str:
    return (sign * length)[:length]
