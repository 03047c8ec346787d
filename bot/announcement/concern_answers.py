"""A lead's answer to a concern: a reply in the announcement's thread that does not quote the note.

A button under each delivered note carries a random id, which is made at delivery and tells nothing
about the note or its author. A note is answered once.
"""

from dataclasses import replace

from bot.announcement.concern_answer_form import BLOCK, LIMIT, answer_message
from bot.announcement.contributions import check_length
from bot.announcement.part_messages import CONCERN_ANSWERED, EMPTY_ANSWER
from bot.clock import random_bytes
from bot.outbox import enqueue, keys, requeue
from bot.outbox.keys import MessageKey
from bot.phases.model import Phase
from bot.phases.permissions import (
    actor_of,
    lock_to_manage,
    phase_to_manage,
    require_writable,
)
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.inputs import UNKNOWN_TEXT
from bot.slack.mrkdwn import channel
from bot.slack.request import Request

ID_BYTES = 16


def new_answer_id() -> str:
    """Return a random id for the button under a note."""
    return random_bytes(ID_BYTES).hex()


async def phase_to_answer(services: Services, request: Request) -> Phase:
    """Return the phase whose concern may be answered, for the form. It may have ended.

    Raises:
        Refused: the person does not lead it, the concern is answered, or the channel cannot be
            written to.
    """
    request, key = _read_target(request)
    phase = await phase_to_manage(services, request)
    async with services.db.reading() as reader:
        if await requeue.exists(reader, request.workspace_id, key):
            raise Refused(_answered(phase))
    return require_writable(phase)


async def post_answer(services: Services, request: Request, text: str) -> Phase:
    """Post the answer to a concern in the announcement's thread. Return the phase.

    Raises:
        Refused: as for `phase_to_answer`, or the text is empty or too long.
    """
    if not text:
        raise Refused(EMPTY_ANSWER, {BLOCK: EMPTY_ANSWER})
    check_length(text, LIMIT, BLOCK)
    request, key = _read_target(request)
    actor = await actor_of(services, request)
    person = await services.people.get(
        services.client_for(request.workspace_id), request.workspace_id, request.user_id
    )
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if await requeue.exists(tx, request.workspace_id, key):
            raise Refused(_answered(phase), {BLOCK: _answered(phase)})
        require_writable(phase)
        await enqueue.post(
            tx,
            request.workspace_id,
            key=key,
            to=phase.channel_id,
            content=answer_message(person.name if person else request.user_id, text),
            now=services.clock.now(),
            thread_of=keys.announcement(phase.phase_id),
        )
    return phase


def _answered(phase: Phase) -> str:
    return CONCERN_ANSWERED.format(channel=channel(phase.channel_id))


def _read_target(request: Request) -> tuple[Request, MessageKey]:
    """Return the request for the phase, and the key of the answer.

    Raises:
        Refused: the button names no concern.
    """
    phase_id, _, answer_id = request.target_id.partition(":")
    if not answer_id:
        raise Refused(UNKNOWN_TEXT)
    return replace(request, target_id=phase_id), keys.concern_answer(phase_id, answer_id)
