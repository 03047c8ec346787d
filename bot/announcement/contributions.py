"""Contributions: what each team member says is their own part in the phase."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.part_messages import NOT_IN_CHANNEL, NOT_IN_TEAM, PART_LIMIT, PHASE_OVER
from bot.db import schema
from bot.phases import store
from bot.phases.model import Phase
from bot.phases.wording import lead_names
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG

_people = schema.phase_people


async def visible_phase(services: Services, request: Request) -> Phase:
    """Return the phase, for a person in its team or a request from its channel.

    Raises:
        Refused: there is no such phase, or neither is the case.
    """
    async with services.db.reading() as reader:
        phase = await store.load(reader, request.workspace_id, request.target_id)
    if phase is None:
        raise Refused(NOT_IN_CHANNEL)
    if not (phase.channel_id == request.channel_id or phase.has_participant(request.user_id)):
        raise Refused(NOT_IN_CHANNEL)
    return phase


async def is_opted_out(services: Services, request: Request, phase: Phase) -> bool | None:
    """Return whether this person is not asked in the phase's channel; None: nobody asks them."""
    is_asked = phase.is_active and phase.minimum_answers is not None
    if not (is_asked and phase.has_participant(request.user_id)):
        return None
    async with services.db.reading() as reader:
        channels = await store.opted_out_channels(reader, request.workspace_id, request.user_id)
    return phase.channel_id in channels


async def phase_for_member(services: Services, request: Request) -> Phase:
    """Return the running phase, for a person in its team.

    Raises:
        Refused: the phase has ended, or the person is not in its team.
    """
    async with services.db.reading() as reader:
        return await running_phase_of_team(reader, request)


async def save_contribution(
    services: Services, request: Request, *, text: str, field: str
) -> Phase:
    """Store a person's contribution and return the phase; an empty text removes it.

    `field` is the block it was typed in.

    Raises:
        Refused: the phase has ended, the person is not in its team, or the text is too long.
    """
    check_length(text, PART_LIMIT, field)
    async with services.db.transaction() as tx:
        phase = await running_phase_of_team(tx, request)
        await tx.execute(
            update(_people)
            .where(
                _people.c.workspace_id == request.workspace_id,
                _people.c.phase_id == request.target_id,
                _people.c.user_id == request.user_id,
            )
            .values(contribution=text or None)
        )
    return phase


async def running_phase_of_team(tx: AsyncConnection, request: Request) -> Phase:
    """Return the running phase that the request targets.

    Raises:
        Refused: it has ended, or the person is not in its team.
    """
    phase = await store.load(tx, request.workspace_id, request.target_id)
    if phase is None or not phase.is_active:
        raise Refused(PHASE_OVER)
    if not phase.has_participant(request.user_id):
        raise Refused(NOT_IN_TEAM.format(leads=lead_names(phase)))
    return phase


def check_length(text: str, limit: int, field: str) -> None:
    """Check that `text` has at most `limit` characters.

    Raises:
        Refused: it is longer; shown beside `field`.
    """
    if len(text) > limit:
        refusal = TEXT_TOO_LONG.format(length=len(text), limit=limit)
        raise Refused(refusal, {field: refusal})
