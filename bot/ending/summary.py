"""Facts about an ended phase, for its closing message, wrap-up and goodbyes."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases.model import Phase
from bot.promises import store as promises
from bot.promises.model import Promise
from bot.results.level_blocks import chart_of, lines_over_phase
from bot.results.model import promises_read_by_team
from bot.results.store import closed_rounds
from bot.slack.content import Picture
from bot.slack.people import stored_name


@dataclass(frozen=True, kw_only=True)
class EndedPhase:
    """A phase that is over, and what is known about it."""

    phase: Phase
    ended_on: date
    wrap_up_author: str  # name of the author of the wrap-up; empty if there is none yet
    #: of results before the end that the team has seen; None, and no lines, if there are none
    picture: Picture | None
    level_lines: tuple[str, ...]  # of each question, with its levels at the start and at the end
    newest_round_id: str | None  # the round whose results show the same picture
    promises: tuple[
        Promise, ...
    ] = ()  # of its leads, read by the team, oldest first; no deleted ones


async def summarize(tx: AsyncConnection, workspace_id: str, phase: Phase) -> EndedPhase:
    """Return the summary of an ended phase.

    Raises:
        ValueError: it is still running.
    """
    if phase.ended_at is None:
        raise ValueError(f"phase {phase.phase_id} still runs")
    shown = [
        round_
        for round_ in await closed_rounds(tx, workspace_id, phase)
        if round_.shown_at is not None
    ]
    rounds = [round_ for round_ in shown if not round_.is_after_end]
    made = await promises.of_phase(tx, workspace_id, phase.phase_id)
    return EndedPhase(
        phase=phase,
        ended_on=phase.day_of(phase.ended_at),
        wrap_up_author=await _writer(tx, workspace_id, phase),
        picture=chart_of(phase, rounds),
        level_lines=tuple(lines_over_phase(rounds)),
        newest_round_id=rounds[-1].round_id if rounds else None,
        promises=tuple(
            promise
            for promise in promises_read_by_team(made, shown)
            if promise.is_change and promise.text
        ),
    )


async def _writer(tx: AsyncConnection, workspace_id: str, phase: Phase) -> str:
    user_id = phase.wrapped_up_by
    if user_id is None:
        return ""
    names = {person.user_id: person.name for person in phase.people}
    return names.get(user_id) or await stored_name(tx, workspace_id, user_id)
