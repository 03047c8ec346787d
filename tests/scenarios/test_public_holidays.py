"""Public holidays of the workspace's country, and the afternoons of 24 and 31 December."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.agenda.work_calendar import WorkCalendar
from bot.db import schema
from bot.rounds.lifecycle import plan_rounds
from bot.workspaces import settings_form, store
from tests.harness import ANA, BEN, LAUNCH, MEMBERS, OWNER, WORKSPACE, BotHarness
from tests.rounds.round_rows import NOW, ZONES, a_phase, the_phase
from tests.scenarios.lead import Lead

#: In Portugal, where 1 December, a Tuesday, is a holiday.
HOLIDAY, DAY_AFTER = date(2026, 12, 1), date(2026, 12, 2)


async def choose_country(harness: BotHarness, country: str) -> str:
    """Choose a country in the settings; return the confirmation."""
    admin = harness.slack.as_user(OWNER)
    await admin.command("/imbalance settings", LAUNCH)
    await admin.fill((admin.top_view or {})["id"], {"country": country})
    submitted = await admin.submit()
    assert submitted.errors == {}
    shown = json.dumps(admin.top_view)
    await admin.close(everything=True)
    return shown


async def begin_phase(harness: BotHarness, **changed: object) -> None:
    async with harness.bot.db.transaction() as tx:
        await a_phase(tx, **changed)  # type: ignore[arg-type]
        await plan_rounds(tx, WORKSPACE, await the_phase(tx), NOW)


def direct_messages(harness: BotHarness, *user_ids: str) -> Iterator[datetime]:
    """Yield when each direct message from the bot came, by its reader's clock."""
    for user_id in user_ids:
        for message in harness.slack.as_user(user_id).dm_with_bot():
            yield local_time(message, user_id)


def local_time(message: Mapping[str, Any], user_id: str) -> datetime:
    return datetime.fromtimestamp(int(float(message["ts"])), ZoneInfo(ZONES[user_id]))


async def test_admin_chooses_a_country_and_takes_it_back(harness: BotHarness) -> None:
    assert "Country" in await choose_country(harness, "Portugal")
    async with harness.bot.db.reading() as reader:
        assert (await store.settings_of(reader, WORKSPACE)).country == "PT"
    answer = await harness.slack.as_user(BEN).command("/imbalance settings", LAUNCH)
    assert "of Portugal" in json.dumps(answer.body["blocks"])

    await choose_country(harness, settings_form.NO_COUNTRY)
    async with harness.bot.db.reading() as reader:
        assert (await store.settings_of(reader, WORKSPACE)).country is None
        changes = await store.audit_of(reader, WORKSPACE)
    assert {(one.subject, one.before, one.after) for one in changes} == {
        ("country", "PT", None),
        ("country", None, "PT"),
    }


@pytest.mark.parametrize(("country", "asked_on"), [("PT", DAY_AFTER), ("GB", HOLIDAY)])
async def test_questions_of_a_holiday_come_on_the_next_working_day(
    harness: BotHarness, country: str, asked_on: date
) -> None:
    await choose_country(harness, country)
    await begin_phase(harness)
    await harness.travel_to(datetime(2026, 11, 30, 10, tzinfo=UTC))
    before = set(direct_messages(harness, *MEMBERS))
    await harness.travel_to(datetime(2026, 12, 2, 23, tzinfo=UTC))

    came = set(direct_messages(harness, *MEMBERS)) - before
    assert min(at.date() for at in came) == asked_on


async def test_closing_questions_come_before_the_end_where_a_country_is_set_later(
    harness: BotHarness,
) -> None:
    """The phase ends on a Tuesday, the day of its closing questions, which is a holiday then."""
    await begin_phase(harness, ends_on=HOLIDAY, original_ends_on=HOLIDAY, weekday=1)
    await harness.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    await choose_country(harness, "PT")
    await harness.travel_to(datetime(2026, 12, 4, tzinfo=UTC))

    async with harness.bot.db.reading() as reader:
        query = select(schema.rounds.c.kind).order_by(schema.rounds.c.closes_at)
        kinds = list(await reader.scalars(query))
        last = await reader.scalar(select(func.max(schema.round_people.c.slot_at)))
    assert kinds == ["first", "closing"]
    assert last is not None
    assert last.date() == date(2026, 11, 30)


async def test_closing_questions_are_dropped_where_only_days_after_the_end_are_left(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin_phase(harness, ends_on=HOLIDAY, original_ends_on=HOLIDAY, weekday=1)
    await harness.travel_to(datetime(2026, 11, 27, 12, tzinfo=UTC))
    decreed = WorkCalendar(is_holiday=lambda day: day == HOLIDAY)
    monkeypatch.setattr("bot.phases.store.calendar_of", lambda _: decreed)

    await harness.travel_to(datetime(2026, 12, 4, tzinfo=UTC))

    async with harness.bot.db.reading() as reader:
        assert list(await reader.scalars(select(schema.rounds.c.kind))) == ["first"]


async def test_nobody_gets_a_direct_message_on_a_holiday(harness: BotHarness) -> None:
    """Monday's concern would come on Tuesday, and so would the weekly questions."""
    await choose_country(harness, "PT")
    await Lead(harness).starts()
    await harness.travel_to(datetime(2026, 11, 30, 15, tzinfo=UTC))
    ben = Lead(harness, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": "Two of us worked on Sunday."})
    await harness.travel_to(datetime(2026, 12, 3, 4, tzinfo=UTC))

    days = {at.date() for at in direct_messages(harness, ANA, *MEMBERS)}
    assert HOLIDAY not in days
    assert DAY_AFTER in days
    messages = harness.slack.as_user(ANA).dm_with_bot()
    concern = next(one for one in messages if "concern" in one["text"])
    assert local_time(concern, ANA) == datetime(2026, 12, 2, 9, tzinfo=ZoneInfo(ZONES[ANA]))


async def test_nobody_is_messaged_on_the_afternoon_of_christmas_eve(harness: BotHarness) -> None:
    """Weekly questions on Thursdays at 14:00, without a country: 25 December is a Friday."""
    phase = {"starts_on": date(2026, 12, 17), "ends_on": date(2027, 1, 8), "weekday": 3}
    await begin_phase(harness, **phase, time_of_day=time(14))
    await harness.travel_to(datetime(2026, 12, 26, tzinfo=UTC))

    came = sorted(direct_messages(harness, ANA, *MEMBERS))
    on_the_eve = [at for at in came if at.date() == date(2026, 12, 24)]
    assert all(at.time() <= time(12) for at in on_the_eve)
    christmas = {at.time() for at in came if at.date() == date(2026, 12, 25)}
    assert time(14) in christmas
