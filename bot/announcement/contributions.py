"""Each team member's own part in the phase, stated by themselves."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.concerns import _people
from bot.announcement.part_messages import PART_LIMIT
from bot.phases import store
from bot.phases.model import WholePhase
from bot.phases.wording import lead_names
from bot.services import Services
from bot.slack.errors import Refused

OVER = "Nothing was saved: this phase has ended. What it brought is in the channel."
NOT_IN_TEAM = (
    "Nothing was saved: you are not in the team of this phase. Ask {leads} if you should be; "
    "people who join the channel are added from then on."
)
NOT_THERE = (
    "Nothing is shown: this phase belongs to a channel you are not in. Join the channel first."
)
TOO_LONG = "Nothing was saved: this has {length:,} characters, and {limit:,} fit. Shorten it."


async def seen_by(
    services: Services, *, workspace_id: str, phase_id: str, user_id: str, channel_id: str | None
) -> WholePhase:
    """The phase, for who sees its channel (`channel_id` is where they pressed) or is in its team.

    Raises:
        Refused: it is none of their channels'.
    """
    async with services.db.reading() as reader:
        whole = await store.whole(reader, workspace_id, phase_id)
    if whole is None or not (whole.phase.channel_id == channel_id or whole.has(user_id)):
        raise Refused(NOT_THERE)
    return whole


async def of_team(
    services: Services, *, workspace_id: str, phase_id: str, user_id: str
) -> WholePhase:
    """The running phase, for somebody in its team.

    Raises:
        Refused: it has ended, or they are not.
    """
    async with services.db.reading() as reader:
        return await _admitted(reader, workspace_id, phase_id, user_id)


async def state_part(
    services: Services, *, workspace_id: str, phase_id: str, user_id: str, text: str, field: str
) -> None:
    """Keep what somebody's part is; empty takes it back. `field` is where it was typed.

    Raises:
        Refused: the phase has ended, they are not in its team, or the text is too long.
    """
    _check_length(text, PART_LIMIT, field)
    async with services.db.transaction() as tx:
        await _admitted(tx, workspace_id, phase_id, user_id)
        await tx.execute(
            update(_people)
            .where(
                _people.c.workspace_id == workspace_id,
                _people.c.phase_id == phase_id,
                _people.c.user_id == user_id,
            )
            .values(contribution=text or None)
        )


async def _admitted(
    tx: AsyncConnection, workspace_id: str, phase_id: str, user_id: str
) -> WholePhase:
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is None or not whole.phase.is_active:
        raise Refused(OVER)
    if not whole.has(user_id):
        raise Refused(NOT_IN_TEAM.format(leads=lead_names(whole)))
    return whole


def _check_length(text: str, limit: int, field: str) -> None:
    if len(text) > limit:
        said = TOO_LONG.format(length=len(text), limit=limit)
        raise Refused(said, {field: said})
