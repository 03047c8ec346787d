"""Hints for leads: an observation and one thing to try, from results that may be shown. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LOW_CLARITY = 2.5
WIDE_GAP = 1.5
SHORT_PHASE_WEEKS = 3
HALF = 0.5

CLARITY_LOW = {
    1: "Low on Clear and doable ({level:g} of 5): the goal is unclear, the team isn't set up, or "
    "the push never stops. Ask which.",
    2: "Two rounds low on Clear and doable: the goal is unclear, the team isn't set up, or the "
    "push never stops. Ask which.",
}
#: Things to try, by question: where the lead rates it higher, and where lower, than the team.
GAP = {
    "clarity": (
        "You see it clearer than the team does ({lead:g} against {team:g}). Ask somebody to say "
        "back what must not slip, and listen for what is missing.",
        "The team sees it clearer than you do ({team:g} against {lead:g}). What you call unclear "
        "may be settled: ask what they rely on.",
    ),
    "trust": (
        "You see more trust than the team does ({lead:g} against {team:g}). Ask what was pushed "
        "aside last week, and put one of those things back.",
        "The team sees more trust than you do ({team:g} against {lead:g}). Ask what they count on, "
        "and keep it.",
    ),
    "ego": (
        "You see more room for mistakes than the team does ({lead:g} against {team:g}). Tell one "
        "of your own, and say what it cost.",
        "The team sees more room for mistakes than you do ({team:g} against {lead:g}). You may be "
        "harder on yourself than on them.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A hint for the leads alone."""

    key: str  # the question
    text: str


def hints(
    clarity: Sequence[float | None],
    team: Mapping[str, float],
    gaps: Mapping[str, float],
    phase_weeks: float,
) -> tuple[Hint, ...]:
    """Return the hints that follow from the shown figures.

    `clarity` holds the shown levels of the phase's rounds, the newest last, None where a round
    showed none; `team` the newest shown levels; `gaps` reflection minus team, by question.
    """
    return (*_low_clarity(clarity, phase_weeks), *_gaps(team, gaps))


def _low_clarity(clarity: Sequence[float | None], phase_weeks: float) -> Sequence[Hint]:
    needed = 1 if phase_weeks <= SHORT_PHASE_WEEKS else 2
    newest = clarity[-needed:]
    if len(newest) < needed or not all(
        level is not None and level <= LOW_CLARITY for level in newest
    ):
        return ()
    return (Hint(key="clarity", text=CLARITY_LOW[needed].format(level=newest[-1])),)


def _gaps(team: Mapping[str, float], gaps: Mapping[str, float]) -> Sequence[Hint]:
    return [
        Hint(key=key, text=_gap_text(key, team[key], gap))
        for key, gap in gaps.items()
        if abs(gap) >= WIDE_GAP
    ]


def _gap_text(key: str, team: float, gap: float) -> str:
    higher, lower = GAP[key]
    lead = round((team + gap) / HALF) * HALF
    return (higher if gap > 0 else lower).format(lead=lead, team=team)
