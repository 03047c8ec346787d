"""Facts about an ended phase, for its closing message, wrap-up and goodbyes."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases.model import Phase
from bot.results.level_blocks import chart_of
from bot.results.store import closed_rounds
from bot.slack.content import Picture
from bot.slack.people import stored_name


@dataclass(frozen=True, kw_only=True)
class EndedPhase:
    """A phase that is over, and what is known about it."""

    phase: Phase
    ended_on: date
    wrap_up_author: str  # name of the author of the wrap-up; empty if there is none yet
    picture: Picture | None  # of results shown to the team; None if there are none
    picture_is_newer: bool  # some of these results were shown after the end


async def summarize(tx: AsyncConnection, workspace_id: str, phase: Phase) -> EndedPhase:
    """Return the summary of an ended phase.

    Raises:
        ValueError: it is still running.
    """
    if phase.ended_at is None:
        raise ValueError(f"phase {phase.phase_id} still runs")
    ended_at = phase.ended_at
    rounds = await closed_rounds(tx, workspace_id, phase)
    shown = [(round_, round_.shown_at) for round_ in rounds if round_.shown_at is not None]
    return EndedPhase(
        phase=phase,
        ended_on=phase.day_of(ended_at),
        wrap_up_author=await _writer(tx, workspace_id, phase),
        picture=chart_of([round_ for round_, _ in shown]),
        picture_is_newer=any(shown_at > ended_at for _, shown_at in shown),
    )


async def _writer(tx: AsyncConnection, workspace_id: str, phase: Phase) -> str:
    user_id = phase.wrapped_up_by
    if user_id is None:
        return ""
    names = {person.user_id: person.name for person in phase.people}
    return names.get(user_id) or await stored_name(tx, workspace_id, user_id)
