"""What App Home changes: who is asked in a channel. And what it reads."""

from datetime import date, datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import agenda
from bot.announcement.messages import standing
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.home.held_decisions import held_in
from bot.home.model import HomeFacts, PhaseLine
from bot.home.view import build, not_shown
from bot.outbox import outbox
from bot.phases.model import PhaseRow, WholePhase
from bot.phases.store import active_in, phases_of, whole
from bot.phases.wording import title
from bot.rounds.opening import OPEN
from bot.rounds.rules import NOTHING_AFTER
from bot.rounds.store import open_for
from bot.rounds.team import opted_out
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.views import checked

LONGEST_TITLE = 300


async def show_home(
    services: Services,
    *,
    workspace_id: str,
    user_id: str,
    channel_ids: tuple[str, ...],
    is_admin: bool = False,
) -> None:
    """Publish a person's App Home as things are now; the newest view wins.

    `channel_ids` are channels the person is in; phases they belong to are shown anyway.
    """
    now = services.clock.now()
    async with services.db.transaction() as tx:
        held, held_in_all = await held_in(tx, workspace_id) if is_admin else ((), 0)
        facts = HomeFacts(
            questions=await open_for(tx, workspace_id, user_id, services.keys, now),
            phases=await _phases(tx, workspace_id, user_id, channel_ids, now),
            held=held,
            held_in_all=held_in_all,
        )
        try:
            view = checked(build(facts))
        except Refused as refusal:
            view = checked(not_shown(refusal.text))
        await outbox.publish(tx, workspace_id, user_id=user_id, view=view, now=now)


async def opt(
    services: Services, *, workspace_id: str, user_id: str, channel_id: str, out: bool
) -> None:
    """Ask this person no more in a channel, or again. Rounds already open stay answerable."""
    optouts = schema.channel_optouts
    async with services.db.transaction() as tx:
        if out:
            await insert_if_new(
                tx, optouts, workspace_id=workspace_id, channel_id=channel_id, user_id=user_id
            )
        else:
            await tx.execute(
                delete(optouts).where(
                    optouts.c.workspace_id == workspace_id,
                    optouts.c.channel_id == channel_id,
                    optouts.c.user_id == user_id,
                )
            )


async def _phases(
    tx: AsyncConnection,
    workspace_id: str,
    user_id: str,
    channel_ids: tuple[str, ...],
    now: datetime,
) -> tuple[PhaseLine, ...]:
    mine = await phases_of(tx, workspace_id, user_id, ended_since=now - NOTHING_AFTER)
    found = {one.phase_id: one for one in mine if await _concerns(tx, workspace_id, one)}
    for channel_id in channel_ids:
        running = await active_in(tx, workspace_id, channel_id)
        if running is not None:
            found.setdefault(running.phase_id, running)
    lines = []
    for phase_id in found:
        one = await whole(tx, workspace_id, phase_id)
        if one is not None:
            lines.append(await _line(tx, workspace_id, user_id, one, now))
    return tuple(sorted(lines, key=_first))


async def _concerns(tx: AsyncConnection, workspace_id: str, phase: PhaseRow) -> bool:
    """Whether it runs, or people are to be asked about it again."""
    if phase.is_active:
        return True
    starts = f"{phase.phase_id}:"
    return await agenda.is_noted(tx, workspace_id, action=OPEN, subject_starts=starts)


async def _line(
    tx: AsyncConnection, workspace_id: str, user_id: str, one: WholePhase, now: datetime
) -> PhaseLine:
    phase = one.phase
    quiet = await opted_out(tx, workspace_id, phase.channel_id)
    return PhaseLine(
        phase_id=phase.phase_id,
        channel_id=phase.channel_id,
        kind=phase.kind,
        title=title(phase, LONGEST_TITLE),
        standing=standing(one, phase.day_of(now)),
        ends_on=phase.ends_on,
        leads=one.is_led_by(user_id),
        is_member=one.has(user_id) and not one.is_led_by(user_id),
        opted_out=user_id in quiet,
        is_over=not phase.is_active,
    )


def _first(line: PhaseLine) -> tuple[bool, bool, date, str]:
    """What runs comes first, and of that what this person leads."""
    return line.is_over, not line.leads, line.ends_on, line.phase_id
