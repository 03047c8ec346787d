"""Changes to how a trust-building team works, and mistakes that its members share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import update

from bot.announcement.contributions import check_length, running_phase_of_team
from bot.announcement.refresh import edit_announcement
from bot.db import schema
from bot.habits import how_we_work_form, mistake_form
from bot.outbox import enqueue, keys
from bot.phases import store
from bot.phases.model import Phase
from bot.phases.permissions import require_writable
from bot.phases.working_agreement import LINE_LIMIT, LineChange, conflicts, edited, to_json
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.request import Request


async def phase_with_habits(services: Services, request: Request) -> Phase:
    """Return the running trust-building phase, for a person in its team.

    Raises:
        Refused: the phase has ended or is of another kind, or the person is not in its team.
    """
    async with services.db.reading() as reader:
        return _with_habits(await running_phase_of_team(reader, request))


async def phase_to_share_in(services: Services, request: Request) -> Phase:
    """Return the running trust-building phase, for a person who has something to share.

    Raises:
        Refused: as for `phase_with_habits`, or the channel cannot be written to.
    """
    return require_writable(await phase_with_habits(services, request))


async def save_how_we_work(
    services: Services, request: Request, typed: Sequence[str], *, version: int
) -> tuple[Phase, Mapping[int, LineChange]]:
    """Store the lines that this person changed, and show them in the announcement.

    If somebody else has changed one of them since the form's `version`, nothing is stored. Return
    the phase, and such changes by the place of their line.

    Raises:
        Refused: as for `phase_with_habits`, or a line is too long.
    """
    for place, text in enumerate(typed):
        check_length(text, LINE_LIMIT, how_we_work_form.line_block(place))
    now, by = services.clock.now(), request.user_id
    async with services.db.transaction() as tx:
        await store.lock(tx, request.workspace_id, request.target_id)
        phase = _with_habits(await running_phase_of_team(tx, request))
        before = phase.how_we_work
        overwritten = conflicts(before, typed, version=version, by=by)
        if overwritten:
            return phase, overwritten
        after = edited(before, typed, version=version, by=by, on=phase.day_of(now))
        if after == before:
            return phase, {}
        of_phase = (schema.phases.c.workspace_id == request.workspace_id) & (
            schema.phases.c.phase_id == phase.phase_id
        )
        await tx.execute(update(schema.phases).where(of_phase).values(how_we_work=to_json(after)))
        phase = replace(phase, how_we_work=after)
        await edit_announcement(tx, request.workspace_id, phase, now)
    return phase, {}


async def share_mistake(services: Services, request: Request, text: str, *, view_id: str) -> Phase:
    """Post what a person learned from a mistake, signed, in the announcement's thread.

    `view_id` is the id of the submitted form, so that submitting it twice posts once. Return the
    phase.

    Raises:
        Refused: as for `phase_to_share_in`, or the text is empty or too long.
    """
    if not text:
        raise Refused(mistake_form.EMPTY, {mistake_form.BLOCK: mistake_form.EMPTY})
    check_length(text, mistake_form.LIMIT, mistake_form.BLOCK)
    story_id = form_digest(request.target_id, view_id)
    async with services.db.transaction() as tx:
        phase = require_writable(_with_habits(await running_phase_of_team(tx, request)))
        person = phase.participant(request.user_id)
        await enqueue.post(
            tx,
            request.workspace_id,
            key=keys.mistake(phase.phase_id, story_id),
            to=phase.channel_id,
            content=mistake_form.message(person.name if person else request.user_id, text),
            now=services.clock.now(),
            thread_of=keys.announcement(phase.phase_id),
        )
    return phase


def _with_habits(phase: Phase) -> Phase:
    if phase.is_sprint:
        raise Refused(how_we_work_form.NOT_HERE)
    return phase
