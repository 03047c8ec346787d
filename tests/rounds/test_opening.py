"""Planning and opening of rounds: dates, roster, and the data fixed at opening."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.rounds.lifecycle import drop_rounds, plan_follow_up_rounds, plan_rounds, replan_rounds
from bot.services import Services
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, FINN, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out, said, the_round
from tests.rounds.round_rows import NOW, PHASE, ZONES, a_person, a_phase, a_round, the_phase

FIRST = f"{PHASE}:first:2026-11-24"
WEEKLY = f"{PHASE}:weekly:2026-12-01"
CLOSING = f"{PHASE}:closing:2026-12-15"


async def open_first(services: Services, clock: AdjustableClock) -> None:
    clock.move_to((await agenda_of(services.db, "open_round"))[FIRST])
    await carry_out(services, "open_round")


async def roster_of(db: Database) -> dict[str, str]:
    async with db.reading() as reader:
        rows = await reader.execute(select(schema.round_people))
        return {row.user_id: row.role for row in rows}


async def test_new_phase_schedules_all_its_rounds(phase: Database) -> None:
    planned = await agenda_of(phase, "open_round")

    assert sorted(planned) == [
        f"{PHASE}:after:2027-01-01",
        f"{PHASE}:after:2027-01-15",
        CLOSING,
        FIRST,
        WEEKLY,
        f"{PHASE}:weekly:2026-12-08",
    ]


async def test_replanning_after_an_extension_adds_new_rounds_and_no_past_ones(
    phase: Database,
) -> None:
    late = datetime(2026, 12, 9, 12, tzinfo=UTC)
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(ends_on=date(2026, 12, 30)))
        await replan_rounds(tx, WORKSPACE, await the_phase(tx), late)

    planned = await agenda_of(phase, "open_round")
    assert f"{PHASE}:weekly:2026-12-15" in planned
    assert f"{PHASE}:closing:2026-12-29" in planned
    assert not {FIRST, WEEKLY, CLOSING} & set(planned)


async def test_evening_closing_round_opens_before_its_phase_ends(phase: Database) -> None:
    """20:00 in the earliest time zone is 19:00 in Auckland, where the phase ends at 17:00."""
    async with phase.transaction() as tx:
        evening = {"zone": "Pacific/Auckland", "time_of_day": time(20, 0)}
        await tx.execute(update(schema.phases).values(ends_on=date(2026, 12, 15), **evening))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)

    planned = await agenda_of(phase, "open_round")
    ends_at = datetime(2026, 12, 15, 4, tzinfo=UTC)  # 17:00 in Auckland
    assert planned[CLOSING] == ends_at - timedelta(hours=1)


async def test_early_end_reschedules_the_rounds_after_it(phase: Database) -> None:
    async with phase.transaction() as tx:
        ended_at = datetime(2026, 12, 4, 12, tzinfo=UTC)
        await tx.execute(update(schema.phases).values(state="ended", ended_at=ended_at))
        await drop_rounds(tx, WORKSPACE, PHASE)
        await plan_follow_up_rounds(tx, WORKSPACE, await the_phase(tx))

    assert list(await agenda_of(phase, "open_round")) == [f"{PHASE}:after:2026-12-18"]


async def test_drop_rounds_removes_all_scheduled_rounds(phase: Database) -> None:
    async with phase.transaction() as tx:
        await drop_rounds(tx, WORKSPACE, PHASE)

    assert await agenda_of(phase, "open_round") == {}


async def test_opening_fixes_roster_slots_and_closing_time(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_first(services, clock)

    opened = await the_round(phase)
    assert (opened.kind, opened.state, opened.number) == ("first", "open", 1)
    assert (opened.minimum, opened.asked) == (4, 7)
    assert opened.opened_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    asks = await agenda_of(phase, "ask")
    assert {subject.split(":")[1] for subject in asks} == {ANA, *MEMBERS}
    assert asks[f"{opened.round_id}:{EMI}"] == datetime(2026, 11, 24, 0, tzinfo=UTC)
    assert asks[f"{opened.round_id}:{FINN}"] == datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert opened.closes_at == datetime(2026, 11, 26, 14, tzinfo=UTC)
    assert await agenda_of(phase, "close_round") == {opened.round_id: opened.closes_at}


async def test_roster_lists_leads_apart_from_members(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_first(services, clock)

    roster = await roster_of(phase)
    assert roster.pop(ANA) == "lead"
    assert set(roster.values()) == {"member"}


async def test_question_wording_is_stored_with_the_leads_name(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    await open_first(services, clock)

    wording = (await the_round(phase)).questions
    assert [question["key"] for question in wording] == ["clarity", "trust", "ego"]
    assert wording[0]["to_member"].startswith("Does Ana keep")


async def test_deleted_guest_opted_out_and_absent_people_are_not_asked(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    async with phase.transaction() as tx:
        await tx.execute(
            update(schema.people).where(schema.people.c.user_id == CHIARA).values(is_deleted=True)
        )
        await tx.execute(
            update(schema.people).where(schema.people.c.user_id == DEV).values(is_guest=True)
        )
        await tx.execute(
            insert(schema.channel_optouts).values(
                workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=BEN
            )
        )
        await a_person(tx, "U0AWAY")  # not in the channel
        await tx.execute(
            insert(schema.phase_people).values(
                workspace_id=WORKSPACE,
                phase_id=PHASE,
                user_id="U0AWAY",
                role="member",
                joined_at=NOW,
            )
        )

    await open_first(services, clock)

    asked = {subject.split(":")[1] for subject in await agenda_of(phase, "ask")}
    assert asked == {ANA, *MEMBERS} - {BEN, CHIARA, DEV}
    assert not {CHIARA, DEV, "U0AWAY"} & set(await roster_of(phase))
    assert (await the_round(phase)).asked == 5  # Ben, who opted out, keeps his place


async def test_lead_who_answered_in_the_start_form_is_not_asked_in_first_round(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    answers = {"clarity": 3, "trust": 4, "ego": None}
    async with phase.transaction() as tx:
        await tx.execute(
            insert(schema.reflections).values(
                workspace_id=WORKSPACE,
                phase_id=PHASE,
                moment="start",
                user_id=ANA,
                answers=answers,
                shared=False,
            )
        )
    await open_first(services, clock)
    opened = await the_round(phase)
    clock.move_to(opened.closes_at - timedelta(hours=1))
    await carry_out(services, "ask", f"{opened.round_id}:{ANA}")

    assert f"reflect:{opened.round_id}:{ANA}" not in await said(phase)


async def test_round_is_skipped_after_long_downtime(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 26, 10, tzinfo=UTC))
    await carry_out(services, "open_round")

    assert await the_round(phase) is None
    assert FIRST not in await agenda_of(phase, "open_round")


async def test_round_after_short_downtime_asks_within_messaging_hours(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    clock.move_to(datetime(2026, 11, 24, 22, tzinfo=UTC))
    await carry_out(services, "open_round")

    opened = await the_round(phase)
    asks = await agenda_of(phase, "ask")
    assert min(asks.values()) >= clock.now()
    assert asks[f"{opened.round_id}:{BEN}"] == datetime(2026, 11, 25, 7, tzinfo=UTC)


@pytest.mark.parametrize("hours_before", [1, 24 * 5 - 1])
async def test_round_within_five_days_of_another_is_skipped(
    phase: Database, services: Services, clock: AdjustableClock, hours_before: int
) -> None:
    opens = datetime(2026, 11, 24, 9, tzinfo=UTC)
    async with phase.transaction() as tx:
        await a_phase(tx, phase_id="earlier", state="ended")  # another phase of the channel
        await a_round(
            tx,
            phase_id="earlier",
            state="closed",
            opened_at=opens - timedelta(hours=hours_before),
        )

    await open_first(services, clock)

    async with phase.reading() as reader:
        rows = await reader.execute(select(schema.rounds.c.phase_id))
        assert rows.scalars().all() == ["earlier"]


async def test_ended_phase_does_not_open_its_first_round(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(state="ended"))

    await open_first(services, clock)

    assert await the_round(phase) is None


async def test_round_after_the_end_opens_unless_a_new_phase_runs(
    phase: Database, services: Services, clock: AdjustableClock
) -> None:
    async with phase.transaction() as tx:
        await tx.execute(update(schema.phases).values(state="ended"))
    clock.move_to(datetime(2027, 1, 1, 0, tzinfo=UTC))
    await carry_out(services, "open_round", f"{PHASE}:after:2027-01-01")
    assert (await the_round(phase)).kind == "after"

    async with phase.transaction() as tx:
        await a_phase(tx, phase_id="new")
    clock.move_to(datetime(2027, 1, 15, 0, tzinfo=UTC))
    await carry_out(services, "open_round", f"{PHASE}:after:2027-01-15")
    assert (await the_round(phase)).number == 1


async def test_dst_change_does_not_skip_a_round_five_days_later(
    db: Database, services: Services, clock: AdjustableClock
) -> None:
    """Across the change, Wednesday 10:00 to Monday 10:00 is an hour short of five days."""
    async with db.transaction() as tx:
        for user_id in ZONES:
            await a_person(tx, user_id)
        await a_phase(tx, starts_on=date(2027, 3, 22), ends_on=date(2027, 4, 16), weekday=0)
        await a_round(tx, state="closed", opened_at=datetime(2027, 3, 24, 10, tzinfo=UTC))
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), datetime(2027, 3, 25, tzinfo=UTC))
    subject = f"{PHASE}:weekly:2027-03-29"

    clock.move_to((await agenda_of(db, "open_round"))[subject])
    await carry_out(services, "open_round", subject)

    async with db.reading() as reader:
        opened = await reader.scalars(select(schema.rounds.c.opened_at))
        assert max(opened) == datetime(2027, 3, 29, 9, tzinfo=UTC)
