"""Reads behind the status card and the budget."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda.slots import zone_of
from bot.phases import store
from bot.phases.budget import WINDOW_DAYS, Budget, Span, budget, free_from
from bot.phases.rules import Actor, recovery_until, refusal_to_start_at_all
from bot.services import Services
from bot.status.card import Glance
from bot.workspaces.store import settings_of

TWO_WEEKS = 14


async def glance(services: Services, *, workspace_id: str, channel_id: str, user_id: str) -> Glance:
    """The channel's state, for this person."""
    client = services.client_for(workspace_id)
    person = await services.people.one(client, workspace_id, user_id)
    actor = Actor(
        user_id=user_id,
        is_full_member=person is not None and person.is_full_member,
        is_admin=person is not None and person.is_admin,
    )
    async with services.db.reading() as reader:
        today = await _today(reader, services, workspace_id, person.zone if person else None)
        latest = await store.latest_in(reader, workspace_id, channel_id)
        whole = await store.whole(reader, workspace_id, latest.phase_id) if latest else None
        limits = await store.limits_of(reader, workspace_id)
        spent, _ = await _budget(reader, workspace_id, channel_id, today)
    leads = whole is not None and whole.is_led_by(user_id)
    running = whole is not None and whole.phase.is_active
    return Glance(
        channel_id=channel_id,
        whole=whole if running else None,
        last=None if running else latest,
        budget=spent,
        today=today,
        manages=actor.is_full_member and (leads or actor.is_admin),
        may_start=refusal_to_start_at_all(actor, limits, "") is None,
    )


async def spending(
    services: Services, *, workspace_id: str, channel_id: str, user_id: str
) -> tuple[Budget, tuple[Span, ...], date, date]:
    """The budget, the sprints that count, the day from which two weeks fit, and today."""
    client = services.client_for(workspace_id)
    person = await services.people.one(client, workspace_id, user_id)
    async with services.db.reading() as reader:
        today = await _today(reader, services, workspace_id, person.zone if person else None)
        spent, sprints = await _budget(reader, workspace_id, channel_id, today)
        limits = await store.limits_of(reader, workspace_id)
    free = free_from(sprints, today, TWO_WEEKS, limits.budget_share)
    rested = [recovery_until(sprint) + timedelta(days=1) for sprint in sprints]
    return spent, sprints, max([free, *rested]), today


async def _today(
    reader: AsyncConnection, services: Services, workspace_id: str, zone: str | None
) -> date:
    default = (await settings_of(reader, workspace_id)).default_zone
    return services.clock.now().astimezone(zone_of(zone, default)).date()


async def _budget(
    reader: AsyncConnection, workspace_id: str, channel_id: str, today: date
) -> tuple[Budget, tuple[Span, ...]]:
    since = today - timedelta(days=WINDOW_DAYS - 1)
    sprints = await store.past_sprints(reader, workspace_id, channel_id, since)
    limits = await store.limits_of(reader, workspace_id)
    return budget(sprints, today, allowed=limits.budget_share), sprints
