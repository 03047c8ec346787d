"""Changes to the list of work on hold: during the phase, and at its end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement.part_messages import PHASE_OVER
from bot.db import schema
from bot.on_hold import messages, rules
from bot.on_hold.items import add_item, check_owner, publish_change, refuse, reply, set_item
from bot.on_hold.parked import schedule_follow_ups
from bot.on_hold.rules import Change, ItemDecision, ListChanges
from bot.outbox import keys
from bot.phases.model import ItemOutcome, Phase, SetAsideItem
from bot.phases.permissions import CANNOT_POST, actor_of, lock_to_manage
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.ids import form_digest
from bot.slack.people import stored_name
from bot.slack.request import Request

_items = schema.set_aside_items


async def change_list(
    services: Services, request: Request, submitted: ListChanges, *, view_id: str
) -> None:
    """Bring items back, park them, and put one more on hold.

    The announcement is edited, and the reason for what comes back early is said in its thread.

    Raises:
        Refused: the person may not manage the phase, it has ended, or a field is invalid.
    """
    actor = await actor_of(services, request)
    await check_owner(services, request, submitted.new_owner, rules.NEW_OWNER)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        phase = await lock_to_manage(tx, request, actor)
        if not phase.is_active:
            raise Refused(PHASE_OVER)
        today = phase.day_of(now)
        refuse(rules.refusals_to_change(phase.set_aside_items, submitted, phase.ends_on, today))
        back = {each.position for each in submitted.of_kind(Change.BACK)}
        refuse({rules.REASON: CANNOT_POST} if back and phase.is_paused else {})
        await _store_changes(tx, request, phase, submitted, today)
        changed = await publish_change(tx, request, phase, now)
        await schedule_follow_ups(tx, request.workspace_id, changed)
        if back:
            items = [item for item in changed.set_aside_items if item.position in back]
            by = await stored_name(tx, request.workspace_id, request.user_id)
            key = keys.back_early(phase.phase_id, form_digest(phase.phase_id, view_id))
            content = messages.back_early(items, by, submitted.reason)
            await reply(tx, request.workspace_id, phase, key, content, now)


async def decide_items(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    decisions: Mapping[int, ItemDecision],
) -> tuple[SetAsideItem, ...]:
    """Store what becomes of the items at the end, and return them all.

    Undecided ones are resumed, those parked before stay parked, and those brought back early stay
    as they are.
    """
    decided = tuple(_decided(item, decisions.get(item.position)) for item in phase.set_aside_items)
    for item in decided:
        if item.is_waiting and item.position in decisions:
            outcome, until = item.outcome, item.parked_until
            await set_item(
                tx, workspace_id, phase, item.position, outcome=outcome, parked_until=until
            )
    if decided:
        await tx.execute(
            update(_items)
            .where(_items.c.workspace_id == workspace_id, _items.c.phase_id == phase.phase_id)
            .where(_items.c.outcome.is_(None))
            .values(outcome=ItemOutcome.RESUMED)
        )
    await schedule_follow_ups(tx, workspace_id, replace(phase, set_aside_items=decided))
    return decided


async def _store_changes(
    tx: AsyncConnection, request: Request, phase: Phase, submitted: ListChanges, today: date
) -> None:
    workspace_id = request.workspace_id
    for each in submitted.of_kind(Change.BACK):
        await set_item(
            tx,
            workspace_id,
            phase,
            each.position,
            outcome=ItemOutcome.RESUMED,
            parked_until=None,
            back_on=today,
            back_reason=submitted.reason,
        )
    for each in submitted.of_kind(Change.PARK):
        await set_item(
            tx,
            workspace_id,
            phase,
            each.position,
            outcome=ItemOutcome.PARKED,
            parked_until=each.until,
        )
    if submitted.new_text:
        owner_id = submitted.new_owner or request.user_id
        await add_item(tx, workspace_id, phase, submitted.new_text, owner_id)


def _decided(item: SetAsideItem, decision: ItemDecision | None) -> SetAsideItem:
    if not item.is_waiting:
        return item
    if decision is not None:
        return replace(item, outcome=decision.outcome, parked_until=decision.until)
    return replace(item, outcome=item.outcome or ItemOutcome.RESUMED)
