"""The levels of a phase at its start and at its end, from results that the team has read. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.results.model import ClosedRound

#: Phases on one page.
PAGE_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class LevelsOverPhase:
    """One question's levels at the start and at the end of a phase; None: too few answers."""

    key: str
    label: str  # as it was asked last
    start: float | None
    end: float | None
    has_end: bool  # False: the questions were asked once, and `end` is None


def levels_over_phase(rounds: Sequence[ClosedRound]) -> tuple[LevelsOverPhase, ...]:
    """Return the levels of each question in the first and the last round before the phase's end.

    `rounds` are those that the team was shown, oldest first. Empty if none of the two has a level.
    """
    before_end = [shown for shown in rounds if not shown.is_after_end]
    if not before_end:
        return ()
    first, last = before_end[0], before_end[-1]
    if not (first.figures or last.figures):
        return ()
    has_end = len(before_end) > 1
    return tuple(
        LevelsOverPhase(
            key=key,
            label=label,
            start=first.level(key),
            end=last.level(key) if has_end else None,
            has_end=has_end,
        )
        for key, label in last.labels.items()
    )


def older_page(newer: int) -> int:
    """Return the number of newer phases before the page after this one."""
    return newer + PAGE_SIZE


def newer_page(newer: int) -> int:
    """Return the number of newer phases before the page in front of this one."""
    return max(newer - PAGE_SIZE, 0)
