"""Queries for the status card and the budget."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import zone_of
from bot.phases import store
from bot.phases.budget import WINDOW_DAYS, Budget, Span, compute_budget, earliest_start
from bot.phases.rules import Actor, PhaseLimits, recovery_until, refusal_to_start_any
from bot.services import Services
from bot.slack.people import Person
from bot.slack.request import Request
from bot.status.card import ChannelStatus
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import settings_of

TWO_WEEKS = 14


async def channel_status(services: Services, request: Request) -> ChannelStatus:
    """Return the channel's state for this person."""
    person = await _person(services, request)
    actor = Actor(
        user_id=request.user_id,
        is_full_member=person is not None and person.is_full_member,
        is_admin=person is not None and person.is_admin,
    )
    channel_id = request.channel_id or ""
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
        today = _today(services, person, settings)
        latest = await store.latest_in(reader, request.workspace_id, channel_id)
        channel_budget, _ = await _budget(reader, request, settings, today)
    running = latest is not None and latest.is_active
    leads = latest is not None and latest.is_led_by(request.user_id)
    return ChannelStatus(
        channel_id=channel_id,
        phase=latest if running else None,
        last_phase=None if running else latest,
        budget=channel_budget,
        today=today,
        may_manage=actor.is_full_member and (leads or actor.is_admin),
        may_start=refusal_to_start_any(actor, PhaseLimits.of(settings), "") is None,
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
