"""Queries for the state of a channel and its budget."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, PlannedRound
from bot.agenda.slots import zone_of
from bot.db import schema
from bot.phases import store
from bot.phases.budget import WINDOW_DAYS, Budget, Span, compute_budget, earliest_start
from bot.phases.model import Phase
from bot.phases.permissions import actor_from, refusal_to_start
from bot.phases.rules import PhaseLimits, may_manage, recovery_until
from bot.results.store import latest_shown
from bot.rounds.rules import may_open
from bot.rounds.store import last_opening
from bot.services import Services
from bot.slack.people import Person
from bot.slack.request import Request
from bot.status.model import ChannelState, ChannelStatus, NextQuestions
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import settings_of

TWO_WEEKS = 14


async def channel_state(services: Services, request: Request) -> ChannelState:
    """Return the phase of a channel, and what this person may do there."""
    person = await _person(services, request)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
        latest = await store.latest_in(reader, request.workspace_id, request.channel_id or "")
    actor = actor_from(request.user_id, person)
    return ChannelState(
        channel_id=request.channel_id or "",
        phase=latest,
        today=_today(services, person, settings),
        is_full_member=actor.is_full_member,
        is_in_team=latest is not None and latest.has_participant(request.user_id),
        may_manage=latest is not None and may_manage(actor, latest.lead_ids),
        refusal_to_start=await refusal_to_start(services, request.workspace_id, actor, settings),
    )


async def channel_status(services: Services, request: Request) -> ChannelStatus:
    """Return what is now and next in a channel."""
    person = await _person(services, request)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
        today = _today(services, person, settings)
        latest = await store.latest_in(reader, request.workspace_id, request.channel_id or "")
        channel_budget, sprints = await _budget(reader, request, settings, today)
        if latest is None:
            return ChannelStatus(phase=None, budget=channel_budget, today=today)
        shown = await latest_shown(reader, request.workspace_id, [latest])
        return ChannelStatus(
            phase=latest,
            budget=channel_budget,
            today=today,
            recovery_until=max(map(recovery_until, sprints), default=None),
            results=shown.get(latest.phase_id),
            questions=await _next_questions(services, reader, request, latest),
        )


async def budget_status(
    services: Services, request: Request
) -> tuple[Budget, tuple[Span, ...], date, date]:
    """Return the budget, the sprints that count, the day from which two weeks fit, and today."""
    person = await _person(services, request)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
        today = _today(services, person, settings)
        channel_budget, sprints = await _budget(reader, request, settings, today)
    fits_from = earliest_start(sprints, today, TWO_WEEKS, PhaseLimits.of(settings).budget_share)
    recovered_on = [recovery_until(sprint) + timedelta(days=1) for sprint in sprints]
    return channel_budget, sprints, max([fits_from, *recovered_on]), today


async def _next_questions(
    services: Services, reader: AsyncConnection, request: Request, phase: Phase
) -> NextQuestions:
    """Return when the open questions close, and the day on which the next ones come."""
    workspace_id = request.workspace_id
    rounds = schema.rounds
    open_until: datetime | None = await reader.scalar(
        select(func.max(rounds.c.closes_at)).where(
            rounds.c.workspace_id == workspace_id,
            rounds.c.phase_id == phase.phase_id,
            rounds.c.state == "open",
            rounds.c.closes_at > services.clock.now(),
        )
    )
    planned = await schedule.due_times_about(
        reader, workspace_id, action=ActionName.OPEN_ROUND, about=phase.phase_id
    )
    last = await last_opening(reader, workspace_id, phase.channel_id)
    days = (
        PlannedRound.parse(subject).on for subject in planned if may_open(planned[subject], last)
    )
    return NextQuestions(open_until=open_until, next_on=next(days, None))


async def _person(services: Services, request: Request) -> Person | None:
    client = services.client_for(request.workspace_id)
    return await services.people.get(client, request.workspace_id, request.user_id)


def _today(services: Services, person: Person | None, settings: WorkspaceSettings) -> date:
    zone = zone_of(person.zone if person else None, settings.default_zone)
    return services.clock.now().astimezone(zone).date()


async def _budget(
    reader: AsyncConnection, request: Request, settings: WorkspaceSettings, today: date
) -> tuple[Budget, tuple[Span, ...]]:
    since = today - timedelta(days=WINDOW_DAYS - 1)
    channel_id = request.channel_id or ""
    sprints = await store.past_sprints(reader, request.workspace_id, channel_id, since)
    return compute_budget(sprints, today, allowed=PhaseLimits.of(settings).budget_share), sprints
