"""How long stored profiles are used, and how they are read again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import insert, select

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem
from bot.clock import AdjustableClock
from bot.db import schema
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.people import stored_ids
from bot.workspaces.lifecycle import tidy
from bot.workspaces.profile_refresh import read_person
from tests.harness import BEN, CHIARA, DEV, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW, PHASE, a_person, a_phase


async def run_tidy(services: Services, clock: AdjustableClock, days: int) -> None:
    """Run the daily cleanup, this many days after the start."""
    clock.move_to(NOW + timedelta(days=days))
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.TIDY, subject=WORKSPACE, due_at=clock.now()
    )
    async with services.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action=ActionName.TIDY, subject=WORKSPACE, due_at=item.due_at
        )
    await tidy(services, item)


async def zone_and_refresh_time(services: Services) -> tuple[str | None, object]:
    people = schema.people
    async with services.db.reading() as reader:
        found = select(people.c.zone, people.c.refreshed_at).where(people.c.user_id == BEN)
        return tuple((await reader.execute(found)).one())


def looked_up_users(fake_slack: FakeSlack) -> list[str]:
    return [call.args["user"] for call in fake_slack.calls if call.method == "users.info"]


@pytest.mark.parametrize(
    ("is_deleted", "days", "expected"),
    [(False, 29, []), (False, 30, [BEN]), (True, 5, []), (True, 6, [BEN])],
)
async def test_profiles_are_reread_after_a_month_and_closed_accounts_after_six_days(
    services: Services, clock: AdjustableClock, is_deleted: bool, days: int, expected: Sequence[str]
) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx)
        await a_person(tx, BEN, is_deleted=is_deleted, refreshed_at=NOW)

    await run_tidy(services, clock, days)

    assert list(await agenda_of(services.db, ActionName.READ_PERSON)) == expected


@pytest.mark.parametrize(("is_deleted", "days"), [(False, 30), (True, 6)])
async def test_profiles_of_people_in_no_phase_are_deleted_instead_of_reread(
    services: Services, clock: AdjustableClock, is_deleted: bool, days: int
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, is_deleted=is_deleted, refreshed_at=NOW)
    await run_tidy(services, clock, days - 1)
    async with services.db.reading() as reader:
        assert await stored_ids(reader, WORKSPACE) == (BEN,)

    await run_tidy(services, clock, days)

    async with services.db.reading() as reader:
        assert await stored_ids(reader, WORKSPACE) == ()
    assert await agenda_of(services.db, ActionName.READ_PERSON) == {}


async def test_profile_of_an_owner_of_work_on_hold_stays(
    services: Services, clock: AdjustableClock
) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx, members=(CHIARA,))
        await a_person(tx, BEN, refreshed_at=NOW)
        item = {"workspace_id": WORKSPACE, "phase_id": PHASE, "position": 7}
        items = schema.set_aside_items
        await tx.execute(insert(items).values(**item, text="Dark mode", owner_id=BEN))

    await run_tidy(services, clock, 30)

    async with services.db.reading() as reader:
        assert await stored_ids(reader, WORKSPACE) == (BEN,)


async def test_profiles_that_expire_on_one_day_are_read_one_after_the_other(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx)
        for user_id in MEMBERS:
            await a_person(tx, user_id, refreshed_at=NOW)

    await run_tidy(services, clock, 30)

    due = sorted((await agenda_of(services.db, ActionName.READ_PERSON)).values())
    assert due == [clock.now() + timedelta(seconds=2 * number) for number in range(len(MEMBERS))]
    client = services.client_for(WORKSPACE)
    assert len(await services.people.get_many(client, WORKSPACE, MEMBERS)) == len(MEMBERS)
    assert looked_up_users(fake_slack) == []  # the stored profiles are still used


async def test_refused_profile_read_keeps_the_stored_profile(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx)
        await a_person(tx, BEN, refreshed_at=NOW, zone="Asia/Tokyo")
    await run_tidy(services, clock, 30)
    fake_slack.faults.fail_next("users.info", error="user_not_found")

    await read_person(services, await _scheduled_read_of_ben(services, clock))

    assert await zone_and_refresh_time(services) == ("Asia/Tokyo", clock.now())
    await run_tidy(services, clock, 31)
    assert await agenda_of(services.db, ActionName.READ_PERSON) == {}


async def test_failed_profile_read_is_retried_and_keeps_the_stored_profile(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        await a_phase(tx)
        await a_person(tx, BEN, refreshed_at=NOW, zone="Asia/Tokyo")
    await run_tidy(services, clock, 30)
    item = await _scheduled_read_of_ben(services, clock)
    fake_slack.faults.fail_next("users.info", status=500)

    with pytest.raises(SlackApiError):
        await read_person(services, item)

    assert await zone_and_refresh_time(services) == ("Asia/Tokyo", NOW)
    await read_person(services, item)
    assert await zone_and_refresh_time(services) == (
        fake_slack.workspace.users[BEN].tz,
        clock.now(),
    )


async def test_unknown_people_are_read_at_once_and_only_failed_reads_are_repeated(
    services: Services, fake_slack: FakeSlack
) -> None:
    client = services.client_for(WORKSPACE)
    fake_slack.faults.fail_next("users.info", status=500)
    with pytest.raises(SlackApiError):
        await services.people.get_many(client, WORKSPACE, [BEN, CHIARA, DEV])

    found = await services.people.get_many(client, WORKSPACE, [BEN, CHIARA, DEV])

    assert list(found) == [BEN, CHIARA, DEV]
    assert len(looked_up_users(fake_slack)) == 4  # only the failed one is repeated


async def _scheduled_read_of_ben(services: Services, clock: AdjustableClock) -> AgendaItem:
    due_at = (await agenda_of(services.db, ActionName.READ_PERSON))[BEN]
    return AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.READ_PERSON, subject=BEN, due_at=due_at
    )
