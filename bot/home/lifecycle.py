"""App Home: what it shows of a person's questions and phases, read and published."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.slots import zone_of
from bot.announcement.messages import status_line
from bot.home.held_decisions import held_messages_of
from bot.home.model import HomeContents, PhaseSummary
from bot.home.view import build, error_view
from bot.outbox import enqueue
from bot.phases import store
from bot.phases.model import Phase
from bot.phases.rules import Actor, PhaseLimits, refusal_to_start_any
from bot.phases.wording import title
from bot.promises.store import of_phases
from bot.results.store import latest_shown
from bot.results.summary import hints_for_leads, results_line
from bot.rounds.answering import open_questionnaires_for
from bot.rounds.rules import FOLLOW_UP_WINDOW
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.slack.views import checked_payload
from bot.workspaces.store import settings_of

LONGEST_TITLE = 300


async def show_home(
    services: Services,
    request: Request,
    *,
    channel_ids: tuple[str, ...],
    actor: Actor | None = None,
) -> None:
    """Publish a person's App Home in its current state; the newest view wins.

    `channel_ids` are channels the person is in; the phases they belong to are always shown. `actor`
    is the person's role; None: Slack could not be asked.
    """
    is_admin = actor is not None and actor.is_full_member and actor.is_admin
    workspace_id, user_id = request.workspace_id, request.user_id
    now = services.clock.now()
    async with services.db.transaction() as tx:
        await enqueue.lock_published(tx, workspace_id, user_id=user_id)
        held, held_in_all = await held_messages_of(tx, workspace_id) if is_admin else ((), 0)
        settings = await settings_of(tx, workspace_id)
        facts = HomeContents(
            questions=await open_questionnaires_for(tx, workspace_id, user_id, services.keys, now),
            phases=await _phases(tx, workspace_id, user_id, channel_ids, now),
            today=now.astimezone(zone_of(settings.default_zone)).date(),
            may_start=actor is not None
            and refusal_to_start_any(actor, PhaseLimits.of(settings), "") is None,
            held=held,
            held_count=held_in_all,
        )
        try:
            view = checked_payload(build(facts))
        except Refused as refusal:
            view = checked_payload(error_view(refusal.text))
        await enqueue.publish(tx, workspace_id, user_id=user_id, view=view, now=now)


async def _phases(
    tx: AsyncConnection,
    workspace_id: str,
    user_id: str,
    channel_ids: tuple[str, ...],
    now: datetime,
) -> tuple[PhaseSummary, ...]:
    phases = await store.phases_of(
        tx, workspace_id, user_id, channel_ids=channel_ids, ended_since=now - FOLLOW_UP_WINDOW
    )
    ended = [phase.phase_id for phase in phases if not phase.is_active]
    asked_again = {
        phase_id for phase_id in ended if await _has_rounds_to_come(tx, workspace_id, phase_id)
    }
    shown = [phase for phase in phases if phase.is_active or phase.phase_id in asked_again]
    opted_out = await store.opted_out_channels(tx, workspace_id, user_id) if shown else frozenset()
    results = await latest_shown(tx, workspace_id, shown) if shown else {}
    led = [phase.phase_id for phase in shown if phase.is_led_by(user_id)]
    promises = await of_phases(tx, workspace_id, led) if led else {}
    summaries = []
    for phase in shown:
        is_lead = phase.is_led_by(user_id)
        hints = await hints_for_leads(tx, workspace_id, phase, now) if is_lead else ()
        latest = results.get(phase.phase_id)
        summary = _summary(phase, user_id, now, opted_out=phase.channel_id in opted_out)
        made = promises.get(phase.phase_id, ())
        summaries.append(
            replace(
                summary,
                hints=hints,
                promises=tuple(promise for promise in made if promise.made_by == user_id),
                results=results_line(latest) if latest else None,
            )
        )
    return tuple(sorted(summaries, key=_sort_key))


async def _has_rounds_to_come(tx: AsyncConnection, workspace_id: str, phase_id: str) -> bool:
    return await schedule.is_scheduled(
        tx, workspace_id, action=ActionName.OPEN_ROUND, about=phase_id
    )


def _summary(phase: Phase, user_id: str, now: datetime, *, opted_out: bool) -> PhaseSummary:
    leads = phase.is_led_by(user_id)
    until = phase.recovery_until
    rests = not phase.is_active and until is not None and phase.day_of(now) <= until
    return PhaseSummary(
        phase_id=phase.phase_id,
        channel_id=phase.channel_id,
        kind=phase.kind,
        title=title(phase, LONGEST_TITLE),
        status_line=status_line(phase, phase.day_of(now)),
        ends_on=phase.ends_on,
        is_lead=leads,
        is_member=phase.has_participant(user_id) and not leads,
        has_opted_out=opted_out,
        is_over=not phase.is_active,
        recovery_until=until if rests else None,
        is_wrapped_up=phase.wrapped_up_at is not None,
    )


def _sort_key(summary: PhaseSummary) -> tuple[bool, bool, date, str]:
    """Sort key: running phases first, and among them those that the person leads."""
    return summary.is_over, not summary.is_lead, summary.ends_on, summary.phase_id
