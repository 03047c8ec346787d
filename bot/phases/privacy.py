"""The minimum number of answers, the precision of levels, and who is asked later. Pure."""

from collections.abc import Collection, Iterable
from enum import StrEnum

SMALLEST_TEAM = 4
LARGE_TEAM = 8
MINIMUM_SMALL, MINIMUM_LARGE = 4, 5


def minimum_for(
    team_size: int, small: int = MINIMUM_SMALL, large: int = MINIMUM_LARGE
) -> int | None:
    """Return the answers a question needs to be shown; None for a team too small to be asked.

    A workspace may raise both figures, but not lower them below ours. A team of fewer people than
    answers are needed would be asked in vain.
    """
    if team_size < SMALLEST_TEAM:
        return None
    needed = max(small, MINIMUM_SMALL) if team_size < LARGE_TEAM else max(large, MINIMUM_LARGE)
    return needed if needed <= team_size else None


class Rounding(StrEnum):
    """The precision of a round's levels, fixed when it opens."""

    HALF = "half"
    WHOLE = "whole"  # also without phrases, participation and change

    @property
    def steps(self) -> int:
        """The number of steps from one level to the next."""
        return 2 if self is Rounding.HALF else 1


def rounding_for(can_answer: Collection[str], earlier: Iterable[Collection[str]]) -> Rounding:
    """Return the precision of a round's levels.

    `earlier` are those who could answer in the phase's earlier rounds that were shown to the half.
    Where one known person joined or left since such a round, the difference of two fine levels
    would often give their answer away, in the first round after it and in every later one.
    """
    is_near = any(differ_by_one(can_answer, before) for before in earlier)
    return Rounding.WHOLE if is_near else Rounding.HALF


def joiners_to_ask(roster_size: int, joiners: Collection[str]) -> Collection[str]:
    """Return which of those who joined since the roster was fixed are asked from now on.

    They are asked as soon as there are two of them, or from a roster of eight on even alone.
    """
    may_join = len(joiners) > 1 or roster_size >= LARGE_TEAM
    return joiners if may_join else ()


def differ_by_one(group: Collection[str], other: Collection[str]) -> bool:
    """Return whether two groups are the same but for one person, who is in one of them."""
    return len(set(group) ^ set(other)) == 1
