"""When concerns are sent: each lead reads them in the morning of their own time zone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from bot.announcement import concerns
from bot.clock import AdjustableClock
from bot.db import schema
from bot.services import Services
from bot.slack.request import Request
from bot.workspaces.personal_data import forget_person
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN, WORKSPACE
from tests.rounds.round_rows import ZONES, a_person
from tests.start.proposals import SPRINT, begin
from tests.start.test_begin import item

#: Tuesday, nine in Tokyo, where the phase began.
DUE_AT = datetime(2026, 11, 24, 0, tzinfo=UTC)
LED_FROM_TOKYO = replace(SPRINT, zone="Asia/Tokyo")


@pytest.fixture
async def co_led(services: Services) -> Services:
    """People in Lisbon, Rome, Tokyo and New York, and Dev, whose time zone is not known."""
    async with services.db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id, **({"zone": None} if user_id == DEV else {}))
    return services


async def sent_at(services: Services) -> dict[str, datetime]:
    """Return when each recipient gets the concerns."""
    messages = schema.messages
    async with services.db.reading() as reader:
        rows = await reader.execute(
            select(messages.c.conversation, messages.c.not_before).where(
                messages.c.key.startswith("concerns:")
            )
        )
        return {row.conversation: row.not_before for row in rows}


async def raise_and_deliver(services: Services, clock: AdjustableClock, phase_id: str) -> None:
    request = Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=BEN)
    await concerns.raise_concern(services, request, text="Weekends.", field="text", view_id="V1")
    due = await item(services, "deliver_concerns")
    assert due.due_at == DUE_AT
    clock.move_to(DUE_AT)
    await concerns.deliver_concerns(services, due)


async def test_each_lead_reads_concerns_in_their_own_morning(
    co_led: Services, clock: AdjustableClock
) -> None:
    phase_id = await begin(co_led, replace(LED_FROM_TOKYO, co_lead_ids=(CHIARA, DEV, EMI, FINN)))

    await raise_and_deliver(co_led, clock, phase_id)

    assert await sent_at(co_led) == {
        ANA: datetime(2026, 11, 24, 9, tzinfo=UTC),  # nine in Lisbon
        CHIARA: datetime(2026, 11, 24, 8, tzinfo=UTC),  # nine in Rome
        DEV: DUE_AT,  # as where the phase began
        EMI: DUE_AT,
        FINN: DUE_AT,  # seven in the evening of Monday in New York
    }


@pytest.mark.parametrize("gone", ["is_deleted", "left_at"])
async def test_a_lead_who_cannot_read_them_is_left_out_while_another_can(
    co_led: Services, clock: AdjustableClock, gone: str
) -> None:
    phase_id = await begin(co_led, replace(LED_FROM_TOKYO, co_lead_ids=(FINN,)))
    table = schema.people if gone == "is_deleted" else schema.phase_people
    async with co_led.db.transaction() as tx:
        value = True if gone == "is_deleted" else DUE_AT
        await tx.execute(update(table).where(table.c.user_id == ANA).values({gone: value}))

    await raise_and_deliver(co_led, clock, phase_id)

    assert set(await sent_at(co_led)) == {FINN}


async def test_concerns_wait_for_the_starter_whose_place_was_deleted(
    co_led: Services, clock: AdjustableClock
) -> None:
    """Who forgot themselves after the end is no lead any more, and nobody else may read it."""
    phase_id = await begin(co_led, LED_FROM_TOKYO)
    request = Request(workspace_id=WORKSPACE, target_id=phase_id, user_id=BEN)
    await concerns.raise_concern(co_led, request, text="Weekends.", field="text", view_id="V1")
    async with co_led.db.transaction() as tx:
        await tx.execute(update(schema.phases).values(state="ended", ended_at=DUE_AT))
        await tx.execute(delete(schema.agenda).where(schema.agenda.c.action == "open_round"))
        assert not await forget_person(tx, WORKSPACE, ANA)

    clock.move_to(DUE_AT)
    await concerns.deliver_concerns(co_led, await item(co_led, "deliver_concerns"))

    assert await sent_at(co_led) == {ANA: DUE_AT}
