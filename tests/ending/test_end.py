"""The end of a phase on its date: its effects, which happen once, and what it cancels."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem, NoLongerDue
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


async def agenda_item(services: Services, action: str) -> AgendaItem:
    async with services.db.reading() as reader:
        return next(one for one in await due(reader, FAR, FAR, 1_000) if one.action == action)


async def update_participant(services: Services, user_id: str, **values: object) -> None:
    people = schema.phase_people
    async with services.db.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == user_id).values(**values))


async def test_ending_resumes_items_books_recovery_and_cancels_pending_actions(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await end(services, clock)

    phase = await phase_of(services, phase_id)
    assert not phase.is_active
    assert (phase.ended_at, phase.ended_by) == (ENDS_AT, None)
    assert phase.recovery_until == date(2026, 12, 22)
    assert [item.outcome for item in phase.set_aside_items] == ["resumed", "resumed"]
    for action in ("refresh_announcement", "warn_end", "end_phase"):
        assert await planned(services, action) == {}
    rounds = await planned(services, "open_round")
    assert set(rounds) == {"2026-12-21"}  # two weeks after the end


async def test_ending_notifies_channel_and_leads_and_edits_the_announcement(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    await end(services, clock)

    (closing,) = (await messages(services, "closing:")).values()
    assert closing["conversation"] == LAUNCH
    assert "back with <@U0BEN> on Tue 8 Dec" in str(closing["payload"])
    assert "No new sprint before Wed 23 Dec" in str(closing["payload"])
    assert "Ana and Hana will tell the channel" in str(closing["payload"])
    requests = await messages(services, "wrap_up:")
    assert set(requests) == {f"wrap_up:{phase_id}:{lead}" for lead in (ANA, HANA)}
    assert "goodbye on Wed 9 Dec" in str(requests[f"wrap_up:{phase_id}:{ANA}"]["payload"])
    (edit,) = (await messages(services, "edit:announcement:")).values()
    assert "ended Mon 7 Dec" in str(edit["payload"])
    assert len(await messages(services, "unpin:")) == 1
    assert len(await messages(services, "unbookmark:")) == 1


async def test_phase_ends_only_once(services: Services, clock: AdjustableClock) -> None:
    await running(services)
    due_item = await agenda_item(services, "end_phase")
    await end(services, clock)
    before = await evidence(services)

    with pytest.raises(NoLongerDue):
        await end_phase(services, due_item)
    assert await evidence(services) == before


async def test_end_after_downtime_is_dated_when_it_happens(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await end(services, clock, datetime(2026, 12, 10, 9, tzinfo=UTC))

    phase = await phase_of(services, phase_id)
    assert phase.day_of(clock.now()) == date(2026, 12, 10)
    assert phase.recovery_until == date(2026, 12, 22)  # as long as the planned sprint
    assert min((await planned(services, "send_goodbye")).values()) > clock.now()


async def test_goodbyes_are_scheduled_two_working_days_after_the_end(
    services: Services, clock: AdjustableClock
) -> None:
    await running(services, replace(TRUST, ends_on=date(2026, 12, 4)))  # a Friday
    await end(services, clock, datetime(2026, 12, 4, 17, tzinfo=UTC))

    goodbyes = await planned(services, "send_goodbye")

    assert sorted(goodbyes) == sorted(MEMBERS)
    assert goodbyes["U0HAN"] == datetime(2026, 12, 8, 9, tzinfo=UTC)  # Tuesday 10:00 in Prague
    assert goodbyes["U0EMI"] == datetime(2026, 12, 8, 1, tzinfo=UTC)
    assert goodbyes["U0FIN"] == datetime(2026, 12, 8, 15, tzinfo=UTC)


async def test_goodbye_shows_the_members_part_and_the_returned_items(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await update_participant(services, BEN, contribution="I carry the importer.")
    await end(services, clock)
    clock.advance(timedelta(days=3))
    await carry_out(services, "send_goodbye")

    goodbyes = await messages(services, "goodbye:")
    to_ben = str(goodbyes[f"goodbye:{phase_id}:{BEN}"]["payload"])
    assert "*Your part:* I carry the importer." in to_ben
    assert "*Back with you since Tue 8 Dec:* Dark mode." in to_ben
    to_chiara = str(goodbyes[f"goodbye:{phase_id}:{CHIARA}"]["payload"])
    assert "importer" not in to_chiara
    assert "*Back with Ben since Tue 8 Dec:* Dark mode." in to_chiara
    assert {row["conversation"] for row in goodbyes.values()} == set(MEMBERS)


async def test_goodbye_is_sent_only_once(services: Services, clock: AdjustableClock) -> None:
    await running(services)
    await end(services, clock)
    goodbye = await agenda_item(services, "send_goodbye")
    clock.advance(timedelta(days=3))
    await carry_out(services, "send_goodbye")

    with pytest.raises(NoLongerDue):
        await send_goodbye(services, goodbye)
    assert len(await messages(services, "goodbye:")) == len(MEMBERS)


@pytest.mark.parametrize("reason", ["left", "deactivated"])
async def test_departed_or_deactivated_member_gets_no_goodbye(
    services: Services, clock: AdjustableClock, reason: str
) -> None:
    await running(services)
    await end(services, clock)
    if reason == "left":
        await update_participant(services, BEN, left_at=clock.now())
    else:  # as reported by Slack
        async with services.db.transaction() as tx:
            await mark_unreachable(tx, WORKSPACE, BEN, clock.now())
    clock.advance(timedelta(days=3))

    await carry_out(services, "send_goodbye")

    recipients = {row["conversation"] for row in (await messages(services, "goodbye:")).values()}
    assert recipients == set(MEMBERS) - {BEN}
    assert await planned(services, "send_goodbye") == {}


@pytest.mark.parametrize(("line", "is_sent"), [(None, False), ("Your fix held.", True)])
async def test_opted_out_member_gets_a_goodbye_only_with_a_personal_line(
    services: Services, clock: AdjustableClock, line: str | None, is_sent: bool
) -> None:
    await running(services)
    await update_participant(services, BEN, thanks_line=line)
    await end(services, clock)
    optout = {"workspace_id": WORKSPACE, "channel_id": LAUNCH, "user_id": BEN}
    async with services.db.transaction() as tx:
        await tx.execute(insert(schema.channel_optouts).values(**optout))
    clock.advance(timedelta(days=3))

    await carry_out(services, "send_goodbye")

    recipients = {row["conversation"] for row in (await messages(services, "goodbye:")).values()}
    assert (BEN in recipients) is is_sent


async def test_goodbye_after_downtime_waits_for_working_hours(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await end(services, clock)
    clock.move_to(datetime(2026, 12, 11, 22, tzinfo=UTC))  # Friday night nearly everywhere

    await carry_out(services, "send_goodbye")

    goodbyes = await messages(services, "goodbye:")
    monday = datetime(2026, 12, 14, 7, tzinfo=UTC)  # 08:00 in Prague
    assert goodbyes[f"goodbye:{phase_id}:{HANA}"]["not_before"] == monday


async def test_phase_without_leads_still_ends(services: Services, clock: AdjustableClock) -> None:
    await running(services)
    await update_participant(services, ANA, left_at=clock.now())

    await end(services, clock)

    assert await messages(services, "wrap_up:") == {}
    (closing,) = (await messages(services, "closing:")).values()
    assert "nobody" not in str(closing["payload"])
