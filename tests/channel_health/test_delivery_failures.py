"""Agenda items that follow from a refused message, and notices about unreachable leads."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.channel_health import delivery_failures
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox.enqueue import Operation
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.phases.quiet_hours import next_allowed_at
from bot.services import Services
from bot.slack.errors import ErrorKind
from tests.ending.phase_rows import carry_out, messages, planned, running
from tests.harness import ANA, BEN, CHIARA, GENERAL, HANA, LAUNCH, OWNER, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, a_person, a_phase, a_round
from tests.start.proposals import SPRINT

ENDED: dict[str, Any] = {"state": "ended", "ended_at": NOW}


def failed_message(**changed: Any) -> FailedMessage:
    defaults: dict[str, Any] = {
        "workspace_id": WORKSPACE,
        "message_id": "message",
        "key": "announcement:phase1",
        "operation": Operation.POST,
        "conversation": LAUNCH,
        "reason": "is_archived",
        "error_kind": ErrorKind.PERMANENT,
    }
    given = {**defaults, **changed}
    return FailedMessage(**{**given, "key": MessageKey(given["key"])})


async def agenda_after_refusal(services: Services, **changed: Any) -> list[tuple[str, str]]:
    async with services.db.transaction() as tx:
        await delivery_failures.on_refused(tx, failed_message(**changed), NOW)
    rows = schema.agenda
    async with services.db.reading() as reader:
        found = list(await reader.execute(select(rows)))
    assert {row.due_at for row in found} <= {NOW}  # at once
    return sorted((row.action, row.subject) for row in found)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [("pause_phase", "newer:archived")]),  # the channel's latest phase is paused
        ({"reason": "not_in_channel"}, [("pause_phase", "newer:outside")]),
        ({"reason": "channel_not_found"}, [("pause_phase", "newer:unseen")]),
        ({"reason": "no_permission"}, [("pause_phase", "newer:restricted")]),
        ({"conversation": GENERAL}, []),  # no phase there
        ({"conversation": PLATFORM}, []),  # already paused for this reason
        (
            {"conversation": PLATFORM, "reason": "not_in_channel"},
            [("pause_phase", "paused:outside")],
        ),
        *(
            ({"conversation": user_id, "reason": "user_disabled"}, [("drop_person", user_id)])
            for user_id in (BEN, "W0ENTERPRISE", "USLACKBOT")
        ),
        (
            {"reason": "message_not_found", "operation": Operation.UPDATE, "key": "edit:results:r"},
            [("report_missing_announcement", "phase1")],  # the phase of the round
        ),
        (
            {"reason": "message_not_found", "key": "pin:announcement:phase1"},
            [("report_missing_announcement", "phase1")],
        ),
        (
            {"reason": "thread_not_found", "key": "results:r"},
            [("report_missing_announcement", "phase1")],
        ),
        (
            {"reason": "invalid_blocks", "operation": Operation.UPDATE, "key": "edit:results:r"},
            [("report_undelivered", "message:defect")],
        ),
        (
            {"reason": "msg_too_long", "key": "closing:phase1"},
            [("report_undelivered", "message:defect")],
        ),
        ({"reason": "msg_too_long", "key": "warn:phase1:day:U0ANA"}, []),  # nobody expects it
        ({"reason": "anything_else"}, [("report_undelivered", "message:unsaid")]),
        ({"reason": "anything_else", "operation": Operation.UPDATE}, []),
        ({"reason": "missing_scope"}, [("report_undelivered", "message:without")]),
        *(
            ({"reason": reason, "operation": Operation.PIN}, [])
            for reason in ("missing_scope", "restricted_action")
        ),
        (
            {"reason": "cannot_reply_to_message", "key": "results:r"},
            [("report_undelivered", "message:no_reply")],
        ),
    ],
)
async def test_refused_message_schedules_the_action_of_the_failure_policy(
    services: Services, changed: dict[str, Any], expected: Sequence[tuple[str, str]]
) -> None:
    async with services.db.transaction() as tx:
        before: dict[str, Any] = {
            "state": "ended",
            "ended_at": NOW,
            "started_at": NOW - timedelta(days=9),
        }
        await a_phase(tx, **before)
        await a_phase(tx, phase_id="newer")
        paused: dict[str, Any] = {"paused_at": NOW, "pause_reason": "archived"}
        await a_phase(tx, phase_id="paused", channel_id=PLATFORM, **paused)
        await a_round(tx, round_id="r")

    assert await agenda_after_refusal(services, **changed) == expected


async def change_people(services: Services, *user_ids: str, **changed: object) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        values = changed or {"is_deleted": True}
        await tx.execute(update(people).where(people.c.user_id.in_(user_ids)).values(**values))


async def drop_person(services: Services, user_id: str) -> None:
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="drop_person", subject=user_id, due_at=NOW)
    assert await carry_out(services, "drop_person") == 1


async def is_deleted(services: Services) -> set[str]:
    people = schema.people
    async with services.db.reading() as reader:
        return set(await reader.scalars(select(people.c.user_id).where(people.c.is_deleted)))


async def test_only_unreachable_leads_are_reported_to_co_leads_and_only_once(
    services: Services,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA, CHIARA)))
    await drop_person(services, BEN)
    assert await messages(services, "alone:") == {}
    await change_people(services, CHIARA)

    for _ in range(2):
        await drop_person(services, ANA)

    assert await is_deleted(services) == {ANA, BEN, CHIARA}
    (alone,) = (await messages(services, "alone:")).values()
    assert alone["key"] == f"alone:{phase_id}:{ANA}:{HANA}"
    assert alone["conversation"] == HANA
    assert "Ana" in str(alone["payload"])
    assert await planned(services, "tell_admins") == {}


async def test_three_admins_are_told_in_working_hours_if_no_lead_is_reachable(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await change_people(services, OWNER, is_admin=False)
    async with services.db.transaction() as tx:
        for number, zone in enumerate(("Asia/Tokyo", None, "Europe/Lisbon", "UTC")):
            await a_person(tx, f"U1AD{number}", is_admin=True, zone=zone)
        await a_person(tx, "U0GAD", is_admin=True, is_guest=True)
        await a_person(tx, "U0CAD", is_admin=True, is_deleted=True)
    await drop_person(services, ANA)
    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert await carry_out(services, "tell_admins") == 1

    notices = await messages(services, "nobody_leads:")
    assert {key.split(":")[-1]: row["not_before"] for key, row in notices.items()} == {
        "U1AD0": datetime(2026, 11, 23, 23, tzinfo=UTC),  # it is 21:00 in Tokyo
        "U1AD1": clock.now(),  # no zone: the phase's zone applies
        "U1AD2": clock.now(),
    }
    assert all(phase_id in key for key in notices)


async def test_quiet_hours_use_the_zone_of_the_person_or_the_channels_latest_phase(
    services: Services,
) -> None:
    night = datetime(2026, 11, 24, 3, tzinfo=UTC)
    async with services.db.transaction() as tx:
        await a_person(tx, BEN, zone="Asia/Kolkata")
        early = NOW - timedelta(days=30)
        old: dict[str, Any] = {
            "state": "ended",
            "ended_at": NOW,
            "started_at": early,
            "zone": "Asia/Tokyo",
        }
        await a_phase(tx, phase_id="z-old", **old)
        await a_phase(tx, phase_id="a-new", zone="Europe/Rome")

    async with services.db.reading() as reader:
        found = await next_allowed_at(reader, WORKSPACE, [LAUNCH, GENERAL, BEN], night)

    assert found == {
        LAUNCH: datetime(2026, 11, 24, 7, tzinfo=UTC),
        BEN: night,
        GENERAL: datetime(2026, 11, 24, 8, tzinfo=UTC),
    }


async def test_missing_announcement_is_reported_to_leads_and_its_replies_are_retried(
    services: Services,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    await change_people(services, HANA)
    table = schema.messages
    async with services.db.transaction() as tx:
        for number, (operation, error) in enumerate(
            [
                ("post", "thread_not_found"),
                ("update", "message_not_found"),
                ("post", "msg_too_long"),
            ]
        ):
            await tx.execute(
                insert(table).values(
                    workspace_id=WORKSPACE,
                    message_id=f"m{number}",
                    key=f"k{number}",
                    operation=operation,
                    conversation=LAUNCH,
                    payload={"text": "x", "blocks": []},
                    state="failed",
                    error=error,
                    not_before=NOW,
                    created_at=NOW,
                )
            )
        await schedule.add(
            tx, WORKSPACE, action="report_missing_announcement", subject=phase_id, due_at=NOW
        )

    assert await carry_out(services, "report_missing_announcement") == 1

    (notice,) = (await messages(services, "missing:")).values()
    assert notice["conversation"] == ANA
    states = {key: row["state"] for key, row in (await messages(services, "k")).items()}
    assert states == {"k0": "pending", "k1": "failed", "k2": "failed"}
    assert len(await messages(services, "unbookmark:")) == 1


async def test_reports_about_a_deleted_phase_send_nothing(services: Services) -> None:
    """The phase may have been deleted with its workspace's data since the item was scheduled."""
    async with services.db.transaction() as tx:
        await schedule.add(
            tx, WORKSPACE, action="report_missing_announcement", subject="gone", due_at=NOW
        )
        await schedule.add(
            tx, WORKSPACE, action="report_undelivered", subject="gone:unsaid", due_at=NOW
        )

    assert await carry_out(services, "report_missing_announcement") == 1
    assert await carry_out(services, "report_undelivered") == 1

    assert await messages(services, "") == {}
    assert await planned(services, "report_missing_announcement") == {}
