"""More time, once: everything that hangs on the end moves with it, or nothing does."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.agenda import schedule
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.extend import extend
from bot.ending.extend_form import Extension
from bot.ending.wrap_up import wrap_up
from bot.services import Services
from bot.slack.errors import Refused
from tests.ending.phase_rows import (
    ENDS_AT,
    SAID,
    by,
    carry_out,
    evidence,
    messages,
    phase_of,
    planned,
    rows,
    running,
)
from tests.harness import ANA, BEN, EXTERNAL, GUEST, HANA, OWNER, WORKSPACE
from tests.start.proposals import SPRINT, TRUST

MORE = Extension(ends_on=date(2026, 12, 14), reason="The audit came late.")


async def test_everything_moves_with_the_end(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    clock.advance(timedelta(days=9))

    await extend(services, by(ANA, phase_id), MORE)

    phase = await phase_of(services, phase_id)
    assert phase.is_active
    assert (phase.ends_on, phase.first_ends_on) == (date(2026, 12, 14), date(2026, 12, 7))
    assert phase.extension_reason == "The audit came late."
    assert phase.recovery_until == date(2027, 1, 5)  # 22 days, of a sprint of 22
    assert await planned(services, "end_phase") == {phase_id: ENDS_AT + timedelta(days=7)}
    assert await planned(services, "warn_end") == {phase_id: datetime(2026, 12, 10, 9, tzinfo=UTC)}
    assert "2026-12-28" in await planned(services, "open_round")  # two weeks after the new end
    (audit,) = [one for one in await rows(services, schema.audit) if one["action"] == "extend"]
    assert (audit["actor_id"], audit["before"], audit["after"]) == (
        ANA,
        {"ends_on": "2026-12-07"},
        {"ends_on": "2026-12-14"},
    )


async def test_the_channel_reads_the_reason(services: Services) -> None:
    phase_id = await running(services)

    await extend(services, by(ANA, phase_id), MORE)

    (said,) = (await messages(services, "extended:")).values()
    assert "Ana: The audit came late." in str(said["payload"])
    assert "no new sprint is planned before Wed 6 Jan" in str(said["payload"])
    (edit,) = (await messages(services, "edit:announcement:")).values()
    assert "*Extended from Mon 7 Dec:* The audit came late." in str(edit["payload"])


async def test_trust_building_books_no_recovery(services: Services) -> None:
    phase_id = await running(services, TRUST)

    await extend(services, by(ANA, phase_id), MORE)

    assert (await phase_of(services, phase_id)).recovery_until is None
    (said,) = (await messages(services, "extended:")).values()
    assert "ecovery" not in str(said["payload"])


async def test_an_admin_signs_with_their_own_name(
    services: Services, clock: AdjustableClock
) -> None:
    """Also where nobody leads any more."""
    phase_id = await running(services)
    people = schema.phase_people
    async with services.db.transaction() as tx:
        left = update(people).where(people.c.user_id == ANA).values(left_at=clock.now())
        await tx.execute(left)

    await extend(services, by(OWNER, phase_id), MORE)

    (said,) = (await messages(services, "extended:")).values()
    assert "Olivia: The audit came late." in str(said["payload"])


async def test_it_goes_once(services: Services) -> None:
    phase_id = await running(services)
    await extend(services, by(ANA, phase_id), MORE)
    before = await evidence(services)

    for again in (MORE, Extension(ends_on=date(2026, 12, 11), reason="Again.")):
        with pytest.raises(Refused, match="that goes once, and it was done"):
            await extend(services, by(ANA, phase_id), again)
    assert await evidence(services) == before


async def test_two_at_the_same_moment_are_one(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))

    done = await asyncio.gather(
        extend(services, by(ANA, phase_id), MORE),
        extend(services, by(HANA, phase_id), replace(MORE, reason="Another reason.")),
        return_exceptions=True,
    )

    assert sorted(isinstance(one, Refused) for one in done) == [False, True]
    assert len(await messages(services, "extended:")) == 1


async def test_the_last_minute_and_the_date_agree(
    services: Services, clock: AdjustableClock
) -> None:
    """Either it ended and was not extended, or it was and runs on."""
    phase_id = await running(services)
    clock.move_to(ENDS_AT)

    await asyncio.gather(
        extend(services, by(ANA, phase_id), MORE),
        carry_out(services, "end_phase"),
        return_exceptions=True,
    )

    phase = await phase_of(services, phase_id)
    was_extended = phase.extension_reason is not None
    assert phase.is_active == was_extended
    assert bool(await messages(services, "closing:")) != was_extended
    assert bool(await planned(services, "end_phase")) == was_extended


async def test_what_has_ended_is_not_extended(services: Services) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(ANA, phase_id), SAID)
    before = await evidence(services)

    with pytest.raises(Refused, match="it has ended"):
        await extend(services, by(ANA, phase_id), MORE)
    assert await evidence(services) == before


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        (replace(MORE, ends_on=None), "ends_on", "no day is chosen"),
        (replace(MORE, ends_on=date(2026, 12, 7)), "ends_on", "Mon 7 Dec is not after its end"),
        (replace(MORE, ends_on=date(2026, 12, 15)), "ends_on", "to Mon 14 Dec at most"),
        (replace(MORE, reason=""), "reason", "the reason is empty"),
        (replace(MORE, reason="x" * 501), "reason", "501 characters, and 500 fit"),
    ],
)
async def test_what_cannot_be_is_said_at_its_field(
    services: Services, asked: Extension, field: str, said: str
) -> None:
    phase_id = await running(services)
    before = await evidence(services)

    with pytest.raises(Refused) as refusal:
        await extend(services, by(ANA, phase_id), asked)
    assert list(refusal.value.fields) == [field]
    assert said in refusal.value.fields[field]
    assert await evidence(services) == before


LONG = replace(SPRINT, ends_on=date(2027, 1, 4), justification="We must.")  # six weeks


async def test_one_as_long_as_allowed_has_no_room(services: Services) -> None:
    phase_id = await running(services, LONG)

    with pytest.raises(Refused, match="it is as long as this workspace allows"):
        await extend(services, by(ANA, phase_id), replace(MORE, ends_on=date(2027, 1, 5)))


@pytest.mark.parametrize("who", [BEN, GUEST, EXTERNAL])
async def test_who_does_not_lead_may_not(services: Services, who: str) -> None:
    phase_id = await running(services)
    before = (await evidence(services))[:3]

    with pytest.raises(Refused, match="Nothing was changed: "):
        await extend(services, by(who, phase_id), MORE)
    assert (await evidence(services))[:3] == before


async def test_each_lead_is_warned_two_working_days_before(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    clock.move_to(datetime(2026, 12, 3, 9, tzinfo=UTC))
    assert await carry_out(services, "warn_end") == 1

    warned = await messages(services, "warn:")

    assert {row["conversation"] for row in warned.values()} == {ANA, HANA}
    assert "what waited comes back on Tue 8 Dec" in str(warned)
    assert await planned(services, "warn_end") == {}
    assert phase_id in str(list(warned))


async def test_an_extended_phase_is_warned_of_again(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 12, 3, 9, tzinfo=UTC))
    await carry_out(services, "warn_end")
    await extend(services, by(ANA, phase_id), MORE)
    clock.move_to(datetime(2026, 12, 10, 9, tzinfo=UTC))

    assert await carry_out(services, "warn_end") == 1

    assert len(await messages(services, "warn:")) == 2


async def test_what_has_ended_is_not_warned_of(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(ANA, phase_id), SAID)
    async with services.db.transaction() as tx:  # as if it had been claimed a moment before
        await schedule.add(tx, WORKSPACE, action="warn_end", subject=phase_id, due_at=clock.now())

    assert await carry_out(services, "warn_end") == 1

    assert await messages(services, "warn:") == {}
