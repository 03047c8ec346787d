"""A phase ends by its date: what follows, once, and what does not follow any more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem, AlreadyTaken
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.end import end_phase
from bot.ending.goodbyes import send_goodbye
from bot.services import Services
from bot.slack.people import mark_unreachable
from tests.ending.phase_rows import (
    ENDS_AT,
    FAR,
    carry_out,
    evidence,
    messages,
    phase_of,
    planned,
    running,
)
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH, MEMBERS, WORKSPACE
from tests.start.proposals import SPRINT, TRUST


async def end(services: Services, clock: AdjustableClock, at: datetime = ENDS_AT) -> None:
    clock.move_to(at)
    assert await carry_out(services, "end_phase") == 1


async def item(services: Services, action: str) -> AgendaItem:
    async with services.db.reading() as reader:
        return next(one for one in await due(reader, FAR, FAR, 1_000) if one.action == action)


async def changed(services: Services, user_id: str, **values: object) -> None:
    people = schema.phase_people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(**values))


async def test_it_ends_and_gives_back(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    await end(services, clock)

    phase = await phase_of(services, phase_id)
    assert not phase.is_active
    assert (phase.ended_at, phase.ended_by) == (ENDS_AT, None)
    assert phase.recovery_until == date(2026, 12, 22)
    assert [item.outcome for item in phase.items] == ["resumed", "resumed"]
    for action in ("refresh_announcement", "warn_end", "end_phase"):
        assert await planned(services, action) == {}
    rounds = await planned(services, "open_round")
    assert set(rounds) == {"2026-12-21"}  # two weeks after the end


async def test_channel_and_leads_hear_of_it(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    await end(services, clock)

    (closing,) = (await messages(services, "closing:")).values()
    assert closing["conversation"] == LAUNCH
    assert "back with <@U0BEN> on Tue 8 Dec" in str(closing["payload"])
    assert "no new sprint is planned before Wed 23 Dec" in str(closing["payload"])
    assert "Ana and Hana will tell the channel" in str(closing["payload"])
    asked = await messages(services, "wrap_up:")
    assert set(asked) == {f"wrap_up:{phase_id}:{lead}" for lead in (ANA, HANA)}
    assert "goodbye on Wed 9 Dec" in str(asked[f"wrap_up:{phase_id}:{ANA}"]["payload"])
    (edit,) = (await messages(services, "edit:announcement:")).values()
    assert "ended Mon 7 Dec" in str(edit["payload"])
    assert len(await messages(services, "unpin:")) == 1
    assert len(await messages(services, "unbookmark:")) == 1


async def test_it_ends_once(services: Services, clock: AdjustableClock) -> None:
    await running(services)
    due_item = await item(services, "end_phase")
    await end(services, clock)
    before = await evidence(services)

    with pytest.raises(AlreadyTaken):
        await end_phase(services, due_item)
    assert await evidence(services) == before


async def test_after_downtime_the_day_it_really_ended_is_said(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await end(services, clock, datetime(2026, 12, 10, 9, tzinfo=UTC))

    phase = await phase_of(services, phase_id)
    assert phase.day_of(clock.now()) == date(2026, 12, 10)
    assert phase.recovery_until == date(2026, 12, 22)  # the sprint itself was no longer
    assert min((await planned(services, "say_goodbye")).values()) > clock.now()


async def test_goodbyes_wait_two_working_days_for_a_line(
    services: Services, clock: AdjustableClock
) -> None:
    await running(services, replace(TRUST, ends_on=date(2026, 12, 4)))  # a Friday
    await end(services, clock, datetime(2026, 12, 4, 17, tzinfo=UTC))

    goodbyes = await planned(services, "say_goodbye")

    assert sorted(goodbyes) == sorted(MEMBERS)
    assert goodbyes["U0HAN"] == datetime(2026, 12, 8, 9, tzinfo=UTC)  # Tuesday 10:00 in Prague
    assert goodbyes["U0EMI"] == datetime(2026, 12, 8, 1, tzinfo=UTC)
    assert goodbyes["U0FIN"] == datetime(2026, 12, 8, 15, tzinfo=UTC)


async def test_a_goodbye_says_what_was_theirs(services: Services, clock: AdjustableClock) -> None:
    phase_id = await running(services)
    await changed(services, BEN, contribution="I carry the importer.")
    await end(services, clock)
    clock.advance(timedelta(days=3))
    await carry_out(services, "say_goodbye")

    said = await messages(services, "goodbye:")
    to_ben = str(said[f"goodbye:{phase_id}:{BEN}"]["payload"])
    assert "*Your part:* I carry the importer." in to_ben
    assert "*Back with you since Tue 8 Dec:* Dark mode." in to_ben
    to_chiara = str(said[f"goodbye:{phase_id}:{CHIARA}"]["payload"])
    assert "importer" not in to_chiara
    assert "*Back with Ben since Tue 8 Dec:* Dark mode." in to_chiara
    assert {row["conversation"] for row in said.values()} == set(MEMBERS)


async def test_a_goodbye_is_said_once(services: Services, clock: AdjustableClock) -> None:
    await running(services)
    await end(services, clock)
    goodbye = await item(services, "say_goodbye")
    clock.advance(timedelta(days=3))
    await carry_out(services, "say_goodbye")

    with pytest.raises(AlreadyTaken):
        await send_goodbye(services, goodbye)
    assert len(await messages(services, "goodbye:")) == len(MEMBERS)


@pytest.mark.parametrize("why", ["left", "deactivated"])
async def test_who_is_gone_is_not_written_to(
    services: Services, clock: AdjustableClock, why: str
) -> None:
    await running(services)
    await end(services, clock)
    if why == "left":
        await changed(services, BEN, left_at=clock.now())
    else:  # as Slack told us
        async with services.db.transaction() as tx:
            await mark_unreachable(tx, WORKSPACE, BEN, clock.now())
    clock.advance(timedelta(days=3))

    await carry_out(services, "say_goodbye")

    told = {row["conversation"] for row in (await messages(services, "goodbye:")).values()}
    assert told == set(MEMBERS) - {BEN}
    assert await planned(services, "say_goodbye") == {}


@pytest.mark.parametrize(("line", "hears"), [(None, False), ("Your fix held.", True)])
async def test_who_opted_out_hears_only_what_was_written_for_them(
    services: Services, clock: AdjustableClock, line: str | None, hears: bool
) -> None:
    await running(services)
    await changed(services, BEN, thanks_line=line)
    await end(services, clock)
    optout = {"workspace_id": WORKSPACE, "channel_id": LAUNCH, "user_id": BEN}
    async with services.db.transaction() as tx:
        await tx.execute(insert(schema.channel_optouts).values(**optout))
    clock.advance(timedelta(days=3))

    await carry_out(services, "say_goodbye")

    told = {row["conversation"] for row in (await messages(services, "goodbye:")).values()}
    assert (BEN in told) is hears


async def test_after_downtime_a_goodbye_waits_for_the_morning(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await end(services, clock)
    clock.move_to(datetime(2026, 12, 11, 22, tzinfo=UTC))  # Friday night nearly everywhere

    await carry_out(services, "say_goodbye")

    said = await messages(services, "goodbye:")
    monday = datetime(2026, 12, 14, 7, tzinfo=UTC)  # 08:00 in Prague
    assert said[f"goodbye:{phase_id}:{HANA}"]["not_before"] == monday


async def test_a_phase_without_a_lead_ends_as_well(
    services: Services, clock: AdjustableClock
) -> None:
    await running(services)
    await changed(services, ANA, left_at=clock.now())

    await end(services, clock)

    assert await messages(services, "wrap_up:") == {}
    (closing,) = (await messages(services, "closing:")).values()
    assert "nobody" not in str(closing["payload"])
