"""The minimum number of answers from which a team's results may be shown. Pure."""

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
