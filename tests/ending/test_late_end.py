"""End and end warning after downtime: caught up once, with messages in working hours."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import delete

from bot.agenda import schedule
from bot.agenda.schedule import AgendaItem
from bot.clock import AdjustableClock
from bot.db import schema
from bot.ending.extend import extend
from bot.ending.extend_form import Extension
from bot.ending.goodbyes import send_goodbye
from bot.ending.wrap_up import wrap_up
from bot.playground.server import FakeSlack
from bot.services import Services
from tests.ending.phase_rows import (
    ENDS_AT,
    SAID,
    by,
    carry_out,
    evidence,
    messages,
    phase_of,
    planned,
    running,
)
from tests.harness import ANA, HANA, LAUNCH, MEMBERS, WORKSPACE
from tests.start.proposals import SPRINT, begin

NIGHT = datetime(2026, 12, 10, 3, tzinfo=UTC)  # a Thursday, three days after the end
MORNING = datetime(2026, 12, 10, 8, tzinfo=UTC)


async def not_before(services: Services, prefix: str) -> dict[str, datetime]:
    found = await messages(services, prefix)
    return {row["conversation"]: row["not_before"] for row in found.values()}


async def test_overdue_end_at_night_applies_at_once_and_is_posted_in_the_morning(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    clock.move_to(NIGHT)
    assert await carry_out(services, "end_phase") == 1

    assert (await phase_of(services, phase_id)).ended_at == NIGHT
    assert await not_before(services, "closing:") == {LAUNCH: MORNING}
    prague = datetime(2026, 12, 10, 7, tzinfo=UTC)
    assert await not_before(services, "wrap_up:") == {ANA: MORNING, HANA: prague}
    assert min((await planned(services, "send_goodbye")).values()) >= datetime(
        2026, 12, 14, tzinfo=UTC
    )


async def test_planned_saturday_end_is_posted_at_once_but_leads_are_asked_on_monday(
    services: Services, clock: AdjustableClock
) -> None:
    saturday = datetime(2026, 12, 5, 17, tzinfo=UTC)
    await running(services, replace(SPRINT, ends_on=date(2026, 12, 5)))
    clock.move_to(saturday)
    await carry_out(services, "end_phase")

    assert await not_before(services, "closing:") == {LAUNCH: saturday}
    monday = datetime(2026, 12, 7, 8, tzinfo=UTC)
    assert await not_before(services, "wrap_up:") == {ANA: monday}


async def test_early_wrap_up_is_posted_after_the_closing_message(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(NIGHT)
    await carry_out(services, "end_phase")
    await wrap_up(services, by(ANA, phase_id), SAID)

    (closing,) = (await messages(services, "closing:")).values()
    (wrapped_up,) = (await messages(services, "wrapped_up:")).values()
    assert closing["not_before"] == wrapped_up["not_before"] == MORNING
    assert closing["message_id"] < wrapped_up["message_id"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 12, 4, 3, tzinfo=UTC), datetime(2026, 12, 4, 8, tzinfo=UTC)),
        (datetime(2026, 12, 5, 12, tzinfo=UTC), datetime(2026, 12, 7, 8, tzinfo=UTC)),
        (datetime(2026, 12, 7, 16, 59, tzinfo=UTC), datetime(2026, 12, 7, 16, 59, tzinfo=UTC)),
        (ENDS_AT, None),
        (datetime(2027, 1, 20, 12, tzinfo=UTC), None),
    ],
)
async def test_late_end_warning_waits_for_working_hours_or_is_skipped(
    services: Services, clock: AdjustableClock, now: datetime, expected: datetime | None
) -> None:
    await running(services)
    clock.move_to(now)
    assert await carry_out(services, "warn_end") == 1

    assert await not_before(services, "warn:") == ({ANA: expected} if expected else {})


async def test_pending_end_warning_expires_if_the_phase_is_extended(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(datetime(2026, 12, 4, 3, tzinfo=UTC))
    await carry_out(services, "warn_end")
    extension = Extension(ends_on=date(2026, 12, 10), reason="One more review.")
    await extend(services, by(ANA, phase_id), extension)

    (warning,) = (await messages(services, "warn:")).values()
    assert warning["state"] == "expired"


@pytest.mark.parametrize("order", [("warn_end", "end_phase"), ("end_phase", "warn_end")])
async def test_overdue_warning_and_end_may_run_in_any_order(
    services: Services, clock: AdjustableClock, order: tuple[str, str]
) -> None:
    await running(services)
    clock.move_to(NIGHT)
    for action in (*order, "refresh_announcement", "open_round"):
        await carry_out(services, action)

    assert await messages(services, "warn:") == {}
    assert len(await messages(services, "closing:")) == 1
    assert await planned(services, "refresh_announcement") == {}


async def test_six_weeks_of_downtime_are_caught_up_without_outdated_messages(
    services: Services, clock: AdjustableClock
) -> None:
    await running(services)
    clock.move_to(datetime(2027, 1, 20, 12, tzinfo=UTC))
    actions = ("open_round", "warn_end", "end_phase", "refresh_announcement")
    for action in (*actions, *actions):
        await carry_out(services, action)

    kinds = {key.split(":")[0] for key in await messages(services, "")}
    assert kinds == {"announcement", "pin", "bookmark", "closing", "wrap_up", "edit"} | {
        "unpin",
        "unbookmark",
    }
    assert await planned(services, "open_round") == {}
    assert len(await planned(services, "send_goodbye")) == len(MEMBERS)


async def test_goodbye_of_a_deleted_phase_is_not_sent(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    async with services.db.transaction() as tx:
        await tx.execute(delete(schema.phases))
    subject = f"{phase_id}:{HANA}"
    due_at = (await planned(services, "send_goodbye"))[HANA]

    await send_goodbye(
        services,
        AgendaItem(workspace_id=WORKSPACE, action="send_goodbye", subject=subject, due_at=due_at),
    )

    assert await messages(services, "goodbye:") == {}


async def test_phase_continued_by_a_new_one_ends_like_any_other(
    services: Services, clock: AdjustableClock
) -> None:
    old = await running(services)
    clock.move_to(datetime(2026, 12, 2, 22, tzinfo=UTC))
    following = replace(
        SPRINT,
        starts_on=date(2026, 12, 2),
        ends_on=date(2026, 12, 16),
        justification="The customer asked for it.",
    )
    new = await begin(services, following, continues=old)

    (closing,) = (await messages(services, "closing:")).values()
    announced = (await messages(services, f"announcement:{new}"))[f"announcement:{new}"]
    assert closing["key"] == f"closing:{old}"
    assert closing["message_id"] < announced["message_id"]
    assert closing["not_before"] == clock.now()  # not delayed: a person triggered it
    thursday = datetime(2026, 12, 3, 8, tzinfo=UTC)
    assert await not_before(services, "wrap_up:") == {ANA: thursday}
    goodbyes = await planned(services, "send_goodbye")
    assert sorted(goodbyes) == sorted(MEMBERS)
    assert min(goodbyes.values()) > datetime(2026, 12, 4, tzinfo=UTC)
    async with services.db.reading() as reader:
        agenda_rows = await reader.execute(schema.agenda.select())
        rounds = [row.subject for row in agenda_rows if row.action == "open_round"]
    assert not [subject for subject in rounds if subject.startswith(old)]


@pytest.mark.parametrize(
    ("late", "fault", "is_ended"),
    [
        (timedelta(minutes=1), {"status": 500}, True),  # on time: Slack is not asked
        (timedelta(minutes=2), {"status": 500}, False),
        (timedelta(minutes=2), {"error": "channel_not_found"}, True),
    ],
)
async def test_late_end_waits_for_slack_to_say_who_is_in_the_channel(
    services: Services,
    clock: AdjustableClock,
    fake_slack: FakeSlack,
    late: timedelta,
    fault: dict[str, Any],
    is_ended: bool,
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT + late)
    fake_slack.faults.fail_next("conversations.members", **fault)

    with nullcontext() if is_ended else pytest.raises(SlackApiError):
        await carry_out(services, "end_phase")

    assert (await phase_of(services, phase_id)).is_active is not is_ended
    assert bool(await planned(services, "end_phase")) is not is_ended


async def test_end_that_comes_up_again_after_the_end_changes_nothing(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    clock.move_to(ENDS_AT)
    await carry_out(services, "end_phase")
    before = await evidence(services)
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="end_phase", subject=phase_id, due_at=clock.now())

    assert await carry_out(services, "end_phase") == 1

    assert await evidence(services) == before
