"""What is known of a phase that has ended: the facts behind closing, wrap-up and goodbyes."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases import store
from bot.phases.model import WholePhase
from bot.results.level_blocks import picture_of
from bot.results.store import closed_rounds
from bot.slack.content import Picture
from bot.slack.people import known


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A phase that is over, and what is known of it."""

    whole: WholePhase
    ended_on: date
    writer: str  # the name of who wrapped it up; empty: nobody has yet
    picture: Picture | None  # of results that the team has seen; None: there are none
    picture_is_newer: bool  # some of these were shown after the end


async def ended_of(tx: AsyncConnection, workspace_id: str, phase_id: str) -> Ended:
    """Raises LookupError where the phase is gone or runs."""
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is None or whole.phase.ended_at is None:
        raise LookupError(phase_id)
    ended_at = whole.phase.ended_at
    rounds = await closed_rounds(tx, workspace_id, phase_id)
    seen = [(one, one.shown_at) for one in rounds if one.shown_at is not None]
    return Ended(
        whole=whole,
        ended_on=whole.phase.day_of(ended_at),
        writer=await _writer(tx, workspace_id, whole.phase.wrapped_up_by),
        picture=picture_of([one for one, _ in seen]),
        picture_is_newer=any(shown_at > ended_at for _, shown_at in seen),
    )


async def _writer(tx: AsyncConnection, workspace_id: str, user_id: str | None) -> str:
    if user_id is None:
        return ""
    profiles = await known(tx, workspace_id, [user_id])
    return profiles[user_id].name if user_id in profiles else user_id
