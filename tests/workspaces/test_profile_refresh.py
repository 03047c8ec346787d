"""How long we believe what Slack said of people, and how it is asked again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem
from bot.clock import AdjustableClock
from bot.db import schema
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.workspaces.lifecycle import tidy
from bot.workspaces.profile_refresh import read_person
from tests.harness import BEN, CHIARA, DEV, MEMBERS, WORKSPACE
from tests.rounds.evidence import agenda_of
from tests.rounds.round_rows import NOW, a_person


async def a_day_later(services: Services, clock: AdjustableClock, days: int) -> None:
    """What is done once a day, on that day."""
    clock.move_to(NOW + timedelta(days=days))
    item = AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.TIDY, subject=WORKSPACE, due_at=clock.now()
    )
    async with services.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action=ActionName.TIDY, subject=WORKSPACE, due_at=item.due_at
        )
    await tidy(services, item)


async def ben(services: Services) -> tuple[str | None, object]:
    people = schema.people
    async with services.db.reading() as reader:
        found = select(people.c.zone, people.c.refreshed_at).where(people.c.user_id == BEN)
        return tuple((await reader.execute(found)).one())


def asked_about(fake_slack: FakeSlack) -> list[str]:
    return [call.args["user"] for call in fake_slack.calls if call.method == "users.info"]


@pytest.mark.parametrize(
    ("is_deleted", "days", "asked"),
    [(False, 29, []), (False, 30, [BEN]), (True, 5, []), (True, 6, [BEN])],
)
async def test_profiles_hold_for_a_month_and_closed_accounts_for_a_week(
    services: Services, clock: AdjustableClock, is_deleted: bool, days: int, asked: Sequence[str]
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, is_deleted=is_deleted, refreshed_at=NOW)

    await a_day_later(services, clock, days)

    assert list(await agenda_of(services.db, ActionName.READ_PERSON)) == asked


async def test_those_whose_time_is_up_on_one_day_are_asked_about_one_after_the_other(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        for user_id in MEMBERS:
            await a_person(tx, user_id, refreshed_at=NOW)

    await a_day_later(services, clock, 30)

    due = sorted((await agenda_of(services.db, ActionName.READ_PERSON)).values())
    assert due == [clock.now() + timedelta(seconds=2 * number) for number in range(len(MEMBERS))]
    client = services.client_for(WORKSPACE)
    assert len(await services.people.of(client, WORKSPACE, MEMBERS)) == len(MEMBERS)
    assert asked_about(fake_slack) == []  # nobody's question waits for it


async def test_where_slack_will_not_say_what_it_last_said_holds(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, refreshed_at=NOW, zone="Asia/Tokyo")
    await a_day_later(services, clock, 30)
    fake_slack.faults.fail_next("users.info", error="user_not_found")

    await read_person(services, await _reading_ben(services, clock))

    assert await ben(services) == ("Asia/Tokyo", clock.now())
    await a_day_later(services, clock, 31)
    assert await agenda_of(services.db, ActionName.READ_PERSON) == {}


async def test_a_failure_is_tried_again_and_forgets_nothing(
    services: Services, clock: AdjustableClock, fake_slack: FakeSlack
) -> None:
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, refreshed_at=NOW, zone="Asia/Tokyo")
    await a_day_later(services, clock, 30)
    item = await _reading_ben(services, clock)
    fake_slack.faults.fail_next("users.info", status=500)

    with pytest.raises(SlackApiError):
        await read_person(services, item)

    assert await ben(services) == ("Asia/Tokyo", NOW)
    await read_person(services, item)
    assert await ben(services) == (fake_slack.workspace.users[BEN].tz, clock.now())


async def test_strangers_are_asked_about_at_once_and_who_was_read_is_kept(
    services: Services, fake_slack: FakeSlack
) -> None:
    client = services.client_for(WORKSPACE)
    fake_slack.faults.fail_next("users.info", status=500)
    with pytest.raises(SlackApiError):
        await services.people.of(client, WORKSPACE, [BEN, CHIARA, DEV])

    found = await services.people.of(client, WORKSPACE, [BEN, CHIARA, DEV])

    assert list(found) == [BEN, CHIARA, DEV]
    assert len(asked_about(fake_slack)) == 4  # the one that failed, again


async def _reading_ben(services: Services, clock: AdjustableClock) -> AgendaItem:
    due_at = (await agenda_of(services.db, ActionName.READ_PERSON))[BEN]
    return AgendaItem(
        workspace_id=WORKSPACE, action=ActionName.READ_PERSON, subject=BEN, due_at=due_at
    )
