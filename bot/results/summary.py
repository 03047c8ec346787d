"""The latest results in one line, for the status and App Home, and the hints for a phase's leads.

Nothing here is finer, or shown to more people, than the results themselves.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases.model import Phase
from bot.results import store
from bot.results.model import ClosedRound, ResultsView
from bot.results.round_labels import of_round_label
from bot.slack.mrkdwn import quote_within, truncated

#: Limits of a question's label: in a line of results, and where three of them share a short line.
LABEL_SHOWN, SHORT_LABEL = 75, 50
LEVELS_OF = "{levels} (results {when})."
RESULTS_OF = "*Results {when}:* {levels}."
LEVEL = "{label} {level:g} of 5"
NOT_ENOUGH = "*Results {when}:* Not enough answers to keep everyone anonymous."
NOT_COUNTED = "*Results {when}:* The answers couldn't be counted."


def results_line(shown: ClosedRound) -> str:
    """Return the levels that the team has seen of a round, or why there are none."""
    when = of_round_label(shown)
    if not shown.reached_minimum:
        return (NOT_COUNTED if shown.unreadable else NOT_ENOUGH).format(when=when)
    return RESULTS_OF.format(when=when, levels=_levels(shown))


def levels_with_round(shown: ClosedRound) -> str:
    """Return the levels that the team has seen of a round, as plain text for one short line."""
    levels = ", ".join(
        LEVEL.format(
            label=truncated(shown.labels[level.figure.key].rstrip(" ?"), SHORT_LABEL),
            level=level.figure.level,
        )
        for level in shown.figures
    )
    return LEVELS_OF.format(levels=levels, when=of_round_label(shown))


def _levels(shown: ClosedRound) -> str:
    return ", ".join(
        LEVEL.format(
            label=quote_within(shown.labels[level.figure.key].rstrip(" ?"), LABEL_SHOWN),
            level=level.figure.level,
        )
        for level in shown.figures
    )


async def hints_for_leads(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> tuple[str, ...]:
    """Return the hints of the newest closed round, for the leads alone."""
    rounds = await store.closed_rounds(tx, workspace_id, phase)
    if not rounds:
        return ()
    reflections = await store.reflections_of(tx, workspace_id, phase, rounds[-1].round_id)
    view = ResultsView(phase=phase, rounds=rounds, reflections=reflections, team_sees_at=now)
    return tuple(hint.text for hint in view.hints)
