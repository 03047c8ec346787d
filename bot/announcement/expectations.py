"""Expectations: the leads write one for each member, who may reply."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import within_hours
from bot.announcement.contributions import check_length, running_phase_of_team
from bot.announcement.expectation_forms import (
    WORDS_BLOCK,
    WORDS_LIMIT,
    line_block,
    reply_to_leads,
)
from bot.announcement.part_messages import EMPTY_ANSWER, LINE_CHANGED, PHASE_OVER
from bot.db import schema
from bot.outbox import enqueue, keys
from bot.phases.expectation import LIMIT
from bot.phases.model import ExpectationReply, Participant, Phase
from bot.phases.permissions import actor_of, lock_to_manage, phase_to_manage
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.request import Request

_people = schema.phase_people


async def phase_to_write(services: Services, request: Request) -> Phase:
    """Return the running phase, for its leads.

    Raises:
        Refused: the phase has ended, or the person may not manage it.
    """
    phase = await phase_to_manage(services, request)
    if not phase.is_active:
        raise Refused(PHASE_OVER)
    return phase


async def save_expectations(
    services: Services, request: Request, lines: Mapping[str, str]
) -> Phase:
    """Store what the leads count on these members for; an empty line removes it.

    A changed line is shown to its person with their next questions. Return the phase.

    Raises:
        Refused: the phase has ended, the person may not manage it, or a line is too long.
    """
    for user_id, line in lines.items():
        check_length(line, LIMIT, line_block(user_id))
    actor = await actor_of(services, request)
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(PHASE_OVER)
        for member in phase.members:
            line = lines.get(member.user_id, member.expectation or "")
            if line != (member.expectation or ""):
                await _update(
                    tx,
                    request,
                    member,
                    expectation=line or None,
                    expectation_shown_in=None,
                    expectation_reply=None,
                )
    return phase


async def member_with_line(services: Services, request: Request) -> tuple[Phase, Participant]:
    """Return the running phase and the member who replies to their line.

    Raises:
        Refused: the phase has ended, or nothing is counted on this person for (any more).
    """
    async with services.db.reading() as reader:
        return await _member_with_line(reader, request)


async def note_fits(services: Services, request: Request) -> None:
    """Store that the line fits; nobody is told.

    Raises:
        Refused: as for `member_with_line`.
    """
    async with services.db.transaction() as tx:
        _, member = await _member_with_line(tx, request)
        await _update(tx, request, member, expectation_reply=ExpectationReply.FITS)


async def send_reply(
    services: Services, request: Request, reply: ExpectationReply, *, words: str, view_id: str
) -> None:
    """Store the reply and tell the leads, in the person's words and with their name.

    The same form submitted twice tells them once.

    Raises:
        Refused: as for `member_with_line`, or the words are missing or too long.
    """
    if not words:
        raise Refused(EMPTY_ANSWER, {WORDS_BLOCK: EMPTY_ANSWER})
    check_length(words, WORDS_LIMIT, WORDS_BLOCK)
    now = services.clock.now()
    reply_id = form_digest(request.target_id, view_id)
    async with services.db.transaction() as tx:
        phase, member = await _member_with_line(tx, request)
        await _update(tx, request, member, expectation_reply=reply)
        message = reply_to_leads(phase, member, reply, words)
        for lead_id, zone in phase.zones_of_readers.items():
            await enqueue.post(
                tx,
                request.workspace_id,
                key=keys.expectation_reply(phase.phase_id, reply_id, lead_id),
                to=lead_id,
                content=message,
                now=within_hours(now, zone, phase.calendar),
            )


async def _member_with_line(tx: AsyncConnection, request: Request) -> tuple[Phase, Participant]:
    phase = await running_phase_of_team(tx, request)
    member = phase.participant(request.user_id)
    if member is None or not member.expectation:
        raise Refused(LINE_CHANGED)
    return phase, member


async def _update(
    tx: AsyncConnection, request: Request, member: Participant, **values: object
) -> None:
    await tx.execute(
        update(_people)
        .where(
            _people.c.workspace_id == request.workspace_id,
            _people.c.phase_id == request.target_id,
            _people.c.user_id == member.user_id,
        )
        .values(**values)
    )
