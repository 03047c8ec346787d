"""Extending a phase, possible once: all that depends on its end moves, or nothing does."""

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

EXTENSION = Extension(ends_on=date(2026, 12, 14), reason="The audit came late.")


async def test_extension_moves_end_recovery_warning_and_rounds(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.advance(timedelta(days=9))

    await extend(services, by(ANA, phase_id), EXTENSION)

    phase = await phase_of(services, phase_id)
    assert phase.is_active
    assert (phase.ends_on, phase.original_ends_on) == (date(2026, 12, 14), date(2026, 12, 7))
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


async def test_extension_reason_is_posted_and_shown_in_the_announcement(services: Services) -> None:
    phase_id = await running(services)

    await extend(services, by(ANA, phase_id), EXTENSION)

    (message,) = (await messages(services, "extended:")).values()
    assert "Ana says why: The audit came late." in str(message["payload"])
    assert "no new sprint before Wed 6 Jan" in str(message["payload"])
    (edit,) = (await messages(services, "edit:announcement:")).values()
    assert "*Extended from Mon 7 Dec:* The audit came late." in str(edit["payload"])


async def test_extending_trust_building_books_no_recovery(services: Services) -> None:
    phase_id = await running(services, TRUST)

    await extend(services, by(ANA, phase_id), EXTENSION)

    assert (await phase_of(services, phase_id)).recovery_until is None
    (message,) = (await messages(services, "extended:")).values()
    assert "ecovery" not in str(message["payload"])


async def test_extension_by_an_admin_is_signed_with_their_name(
    services: Services, clock: AdjustableClock
) -> None:
    """Even if the phase has no lead left."""
    phase_id = await running(services)
    people = schema.phase_people
    async with services.db.transaction() as tx:
        left = update(people).where(people.c.user_id == ANA).values(left_at=clock.now())
        await tx.execute(left)

    await extend(services, by(OWNER, phase_id), EXTENSION)

    (message,) = (await messages(services, "extended:")).values()
    assert "Olivia says why: The audit came late." in str(message["payload"])


async def test_phase_is_extended_only_once(services: Services) -> None:
    phase_id = await running(services)
    await extend(services, by(ANA, phase_id), EXTENSION)
    before = await evidence(services)

    for again in (EXTENSION, Extension(ends_on=date(2026, 12, 11), reason="Again.")):
        with pytest.raises(Refused, match="Already extended once, to Mon 14 Dec"):
            await extend(services, by(ANA, phase_id), again)
    assert await evidence(services) == before


async def test_only_one_of_two_concurrent_extensions_succeeds(services: Services) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))

    outcomes = await asyncio.gather(
        extend(services, by(ANA, phase_id), EXTENSION),
        extend(services, by(HANA, phase_id), replace(EXTENSION, reason="Another reason.")),
        return_exceptions=True,
    )

    assert sorted(isinstance(one, Refused) for one in outcomes) == [False, True]
    assert len(await messages(services, "extended:")) == 1


async def test_extension_racing_with_the_end_leaves_a_consistent_phase(
    services: Services, clock: AdjustableClock
) -> None:
    """The phase either ended without extension, or was extended and still runs."""
    phase_id = await running(services)
    clock.move_to(ENDS_AT)

    await asyncio.gather(
        extend(services, by(ANA, phase_id), EXTENSION),
        carry_out(services, "end_phase"),
        return_exceptions=True,
    )

    phase = await phase_of(services, phase_id)
    was_extended = phase.extension_reason is not None
    assert phase.is_active == was_extended
    assert bool(await messages(services, "closing:")) != was_extended
    assert bool(await planned(services, "end_phase")) == was_extended


async def test_ended_phase_cannot_be_extended(services: Services) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(ANA, phase_id), SAID)
    before = await evidence(services)

    with pytest.raises(Refused, match="can't be extended any more"):
        await extend(services, by(ANA, phase_id), EXTENSION)
    assert await evidence(services) == before


@pytest.mark.parametrize(
    ("extension", "field", "message"),
    [
        (
            replace(EXTENSION, ends_on=None),
            "ends_on",
            "No day is chosen yet. Pick a day up to Mon 14 Dec.",
        ),
        (
            replace(EXTENSION, ends_on=date(2026, 12, 7)),
            "ends_on",
            "Mon 7 Dec isn't after the current end, Mon 7 Dec.",
        ),
        (replace(EXTENSION, ends_on=date(2026, 12, 15)), "ends_on", "Pick a day up to Mon 14 Dec."),
        (replace(EXTENSION, reason=""), "reason", "The channel should know why"),
        (replace(EXTENSION, reason="x" * 501), "reason", "501 characters, but only 500 fit"),
    ],
)
async def test_invalid_extension_is_refused_at_its_field(
    services: Services, extension: Extension, field: str, message: str
) -> None:
    phase_id = await running(services)
    before = await evidence(services)

    with pytest.raises(Refused) as refusal:
        await extend(services, by(ANA, phase_id), extension)
    assert list(refusal.value.fields) == [field]
    assert message in refusal.value.fields[field]
    assert await evidence(services) == before


SIX_WEEKS = replace(SPRINT, ends_on=date(2027, 1, 4), justification="We must.")


async def test_phase_of_maximum_length_cannot_be_extended(services: Services) -> None:
    phase_id = await running(services, SIX_WEEKS)

    with pytest.raises(Refused, match="already lasts 6 weeks, as long as this workspace allows"):
        await extend(services, by(ANA, phase_id), replace(EXTENSION, ends_on=date(2027, 1, 5)))


@pytest.mark.parametrize("user_id", [BEN, GUEST, EXTERNAL])
async def test_members_guests_and_externals_may_not_extend(
    services: Services, user_id: str
) -> None:
    phase_id = await running(services)
    before = (await evidence(services))[:3]

    with pytest.raises(Refused, match=r"can do this|can't do this"):
        await extend(services, by(user_id, phase_id), EXTENSION)
    assert (await evidence(services))[:3] == before


async def test_each_lead_is_warned_two_working_days_before_the_end(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    clock.move_to(datetime(2026, 12, 3, 9, tzinfo=UTC))
    assert await carry_out(services, "warn_end") == 1

    warnings = await messages(services, "warn:")

    assert {row["conversation"] for row in warnings.values()} == {ANA, HANA}
    assert "the work on hold resumes on Tue 8 Dec" in str(warnings)
    assert await planned(services, "warn_end") == {}
    assert phase_id in str(list(warnings))


async def test_end_warning_is_sent_again_after_an_extension(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 12, 3, 9, tzinfo=UTC))
    await carry_out(services, "warn_end")
    await extend(services, by(ANA, phase_id), EXTENSION)
    clock.move_to(datetime(2026, 12, 10, 9, tzinfo=UTC))

    assert await carry_out(services, "warn_end") == 1

    assert len(await messages(services, "warn:")) == 2


async def test_ended_phase_gets_no_end_warning(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    await wrap_up(services, by(ANA, phase_id), SAID)
    async with services.db.transaction() as tx:  # as if claimed just before the end
        await schedule.add(tx, WORKSPACE, action="warn_end", subject=phase_id, due_at=clock.now())

    assert await carry_out(services, "warn_end") == 1

    assert await messages(services, "warn:") == {}
