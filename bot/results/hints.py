"""Hints for leads: an observation, its possible meaning, one thing to try. Pure.

They follow from the figures that may be shown and nothing finer. The page docs/hints.md lists all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LOW_LEVEL = 2.5
WIDE_GAP = 1.5
LARGE_FALL = 1.0
SHORT_PHASE_WEEKS = 3
HALF = 0.5

NAMES = {"clarity": "Clarity", "trust": "Trust", "ego": "Room for mistakes"}
HINT = "{seen} {meaning} Try this: {action}"


class Occasion(StrEnum):
    """The reason for a hint."""

    LOW = "low"
    LOW_TWICE = "low_twice"
    FALL = "fall"
    LEAD_HIGHER = "lead_higher"  # the leads rate it higher than the team does
    LEAD_LOWER = "lead_lower"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The possible meaning of an observation, and one thing to try this week."""

    meaning: str
    action: str


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A hint for the leads alone."""

    key: str  # the question
    text: str


SEEN = {
    Occasion.LOW: "{name} is low ({level:g} of 5).",
    Occasion.LOW_TWICE: "{name} has been low twice in a row ({level:g} of 5 now).",
    Occasion.FALL: "{name} fell by {by:g}, to {level:g} of 5.",
    Occasion.LEAD_HIGHER: "{name}: you rate it higher than your team does ({lead:g}, {level:g}).",
    Occasion.LEAD_LOWER: "{name}: you rate it lower than your team does ({lead:g}, {level:g}).",
}
_WHERE_LOW = {
    "clarity": Advice(
        meaning=(
            "The goal may be unclear, the work too much for the time, or the pressure constant."
        ),
        action="ask everyone this week what they would drop first, and drop one of those things.",
    ),
    "trust": Advice(
        meaning="Time for one another may be the first thing to go when work gets tight.",
        action="keep one talk this week that you would have cancelled, and mostly listen.",
    ),
    "ego": Advice(
        meaning="People may fear what a slip costs right now.",
        action="tell one mistake of your own this week, and what you changed.",
    ),
}
ADVICE: Mapping[Occasion, Mapping[str, Advice]] = {
    Occasion.LOW: _WHERE_LOW,
    Occasion.LOW_TWICE: _WHERE_LOW,
    Occasion.FALL: {
        "clarity": Advice(
            meaning="Something may have been added without anything being dropped.",
            action="say in one sentence what matters most this week, and what can wait for it.",
        ),
        "trust": Advice(
            meaning="Something may have happened that nobody has raised with you.",
            action="ask one person this week what changed, and thank them whatever they say.",
        ),
        "ego": Advice(
            meaning="A recent slip may have met blame, or looked as if it did.",
            action="take one mistake of this week and ask what you all learned, not who made it.",
        ),
    },
    Occasion.LEAD_HIGHER: {
        "clarity": Advice(
            meaning="What is plain to you may not have reached everyone.",
            action="ask someone this week to say back what must not slip, and listen for gaps.",
        ),
        "trust": Advice(
            meaning="What you mean as care may get lost in the rush.",
            action="ask what was pushed aside last week, and put one of those things back.",
        ),
        "ego": Advice(
            meaning="People may be holding back what went wrong.",
            action="tell one mistake of your own this week, and what it cost.",
        ),
    },
    Occasion.LEAD_LOWER: {
        "clarity": Advice(
            meaning="What feels open to you may be settled for them.",
            action="ask this week what they rely on before you explain it again.",
        ),
        "trust": Advice(
            meaning="You may be doing more for it than you notice.",
            action="ask this week what they count on, and keep doing that.",
        ),
        "ego": Advice(
            meaning="You may be harder on yourself than on them.",
            action="let someone else decide one thing this week, and leave it as they decide.",
        ),
    },
}


def hints(
    levels: Mapping[str, Sequence[float | None]],
    changes: Mapping[str, float],
    gaps: Mapping[str, float],
    phase_weeks: float,
) -> tuple[Hint, ...]:
    """Return the hints that follow from the shown figures.

    `levels` holds, by question, the shown levels of the phase's rounds, the newest last, None where
    a round showed none; `changes` the newest changes that may be shown; `gaps` reflection minus
    team.
    """
    return (
        *_low(levels, phase_weeks),
        *_falls(levels, changes),
        *_gaps(levels, gaps),
    )


def _low(levels: Mapping[str, Sequence[float | None]], phase_weeks: float) -> Sequence[Hint]:
    needed = 1 if phase_weeks <= SHORT_PHASE_WEEKS else 2
    occasion = Occasion.LOW if needed == 1 else Occasion.LOW_TWICE
    return [
        _hint(occasion, key, level=shown[-1])
        for key, shown in levels.items()
        if len(shown) >= needed and all(map(_is_low, shown[-needed:]))
    ]


def _is_low(level: float | None) -> bool:
    return level is not None and level <= LOW_LEVEL


def _falls(
    levels: Mapping[str, Sequence[float | None]], changes: Mapping[str, float]
) -> Sequence[Hint]:
    return [
        _hint(Occasion.FALL, key, by=-change, level=levels[key][-1])
        for key, change in changes.items()
        if change <= -LARGE_FALL
    ]


def _gaps(
    levels: Mapping[str, Sequence[float | None]], gaps: Mapping[str, float]
) -> Sequence[Hint]:
    found = []
    for key, gap in gaps.items():
        team = levels[key][-1]
        if team is None or abs(gap) < WIDE_GAP:
            continue
        occasion = Occasion.LEAD_HIGHER if gap > 0 else Occasion.LEAD_LOWER
        lead = round((team + gap) / HALF) * HALF
        found.append(_hint(occasion, key, lead=lead, level=team))
    return found


def _hint(occasion: Occasion, key: str, **figures: float | None) -> Hint:
    advice = ADVICE[occasion][key]
    seen = SEEN[occasion].format(name=NAMES[key], **figures)
    text = HINT.format(seen=seen, meaning=advice.meaning, action=advice.action)
    return Hint(key=key, text=text)
