"""What is noted when Slack refuses a message for good, and who hears of a lead out of reach."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from sqlalchemy import insert, select, update

from bot.agenda import schedule
from bot.channel_health import delivery_failures
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox.enqueue import Operation
from bot.outbox.failed_message import FailedMessage
from bot.outbox.keys import MessageKey
from bot.phases.quiet_hours import next_allowed_at
from bot.playground.server import FakeSlack
from bot.services import Services
from bot.slack.errors import ErrorKind
from tests.ending.phase_rows import carry_out, messages, planned, running
from tests.harness import ANA, BEN, CHIARA, GENERAL, HANA, LAUNCH, OWNER, PLATFORM, WORKSPACE
from tests.rounds.round_rows import NOW, a_person, a_phase, a_round
from tests.start.proposals import SPRINT

ENDED: dict[str, Any] = {"state": "ended", "ended_at": NOW}


def refusal(**changed: Any) -> FailedMessage:
    whole: dict[str, Any] = {
        "workspace_id": WORKSPACE,
        "message_id": "message",
        "key": "announcement:phase1",
        "operation": Operation.POST,
        "conversation": LAUNCH,
        "reason": "is_archived",
        "meaning": ErrorKind.PERMANENT,
    }
    given = {**whole, **changed}
    return FailedMessage(**{**given, "key": MessageKey(given["key"])})


async def noted(services: Services, **changed: Any) -> list[tuple[str, str]]:
    async with services.db.transaction() as tx:
        await delivery_failures.on_refused(tx, refusal(**changed), NOW)
    rows = schema.agenda
    async with services.db.reading() as reader:
        found = await reader.execute(select(rows.c.action, rows.c.subject))
        return sorted((row.action, row.subject) for row in found)


@pytest.mark.parametrize(
    ("changed", "follows"),
    [
        ({}, [("pause_phase", "newer:archived")]),  # the channel's latest phase waits
        ({"reason": "not_in_channel"}, [("pause_phase", "newer:outside")]),
        ({"conversation": GENERAL}, []),  # no phase there
        ({"conversation": PLATFORM}, []),  # paused for that already
        (
            {"conversation": PLATFORM, "reason": "not_in_channel"},
            [("pause_phase", "waits:outside")],
        ),
        *(
            ({"conversation": user_id, "reason": "user_disabled"}, [("drop_person", user_id)])
            for user_id in (BEN, "W0ENTERPRISE", "USLACKBOT")
        ),
        (
            {"reason": "message_not_found", "operation": Operation.UPDATE, "key": "edit:results:r"},
            [("tell_of_missing", "phase1")],  # of a round: its phase
        ),
        (
            {"reason": "message_not_found", "key": "pin:announcement:phase1"},
            [("tell_of_missing", "phase1")],
        ),
        (
            {"reason": "msg_too_long", "key": "closing:phase1"},
            [("tell_of_unsaid", "message:defect")],
        ),
        ({"reason": "msg_too_long", "key": "warn:phase1:day:U0ANA"}, []),  # nobody waits for it
        ({"reason": "anything_else"}, [("tell_of_unsaid", "message:unsaid")]),
        ({"reason": "anything_else", "operation": Operation.UPDATE}, []),
        ({"reason": "missing_scope"}, [("tell_of_unsaid", "message:without")]),
        ({"reason": "missing_scope", "operation": Operation.PIN}, []),
        (
            {"reason": "cannot_reply_to_message", "key": "results:r"},
            [("tell_of_unsaid", "message:no_reply")],
        ),
    ],
)
async def test_what_follows_is_noted_about_whom_it_concerns(
    services: Services, changed: dict[str, Any], follows: Sequence[tuple[str, str]]
) -> None:
    async with services.db.transaction() as tx:
        before: dict[str, Any] = {
            "state": "ended",
            "ended_at": NOW,
            "started_at": NOW - timedelta(days=9),
        }
        await a_phase(tx, **before)
        await a_phase(tx, phase_id="newer")
        waits: dict[str, Any] = {"paused_at": NOW, "paused_because": "archived"}
        await a_phase(tx, phase_id="waits", channel_id=PLATFORM, **waits)
        await a_round(tx, round_id="r")

    assert await noted(services, **changed) == follows


async def lose(services: Services, *user_ids: str, **changed: object) -> None:
    people = schema.people
    async with services.db.transaction() as tx:
        values = changed or {"is_deleted": True}
        await tx.execute(update(people).where(people.c.user_id.in_(user_ids)).values(**values))


async def drop(services: Services, user_id: str) -> None:
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="drop_person", subject=user_id, due_at=NOW)
    assert await carry_out(services, "drop_person") == 1


async def is_deleted(services: Services) -> set[str]:
    people = schema.people
    async with services.db.reading() as reader:
        return set(await reader.scalars(select(people.c.user_id).where(people.c.is_deleted)))


async def test_co_leads_hear_of_a_lead_out_of_reach_once_and_members_of_nobody(
    services: Services,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA, CHIARA)))
    await drop(services, BEN)
    assert await messages(services, "alone:") == {}
    await lose(services, CHIARA)

    for _ in range(2):
        await drop(services, ANA)

    assert await is_deleted(services) == {ANA, BEN, CHIARA}
    (alone,) = (await messages(services, "alone:")).values()
    assert alone["key"] == f"alone:{phase_id}:{ANA}:{HANA}"
    assert alone["conversation"] == HANA
    assert "Ana" in str(alone["payload"])
    assert await planned(services, "tell_admins") == {}


async def test_where_nobody_else_leads_three_admins_are_told_in_their_hours(
    services: Services, clock: AdjustableClock
) -> None:
    phase_id = await running(services)
    await lose(services, OWNER, is_admin=False)
    async with services.db.transaction() as tx:
        for number, zone in enumerate(("Asia/Tokyo", None, "Europe/Lisbon", "UTC")):
            await a_person(tx, f"U1AD{number}", is_admin=True, zone=zone)
        await a_person(tx, "U0GAD", is_admin=True, is_guest=True)
        await a_person(tx, "U0CAD", is_admin=True, is_deleted=True)
    await drop(services, ANA)
    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert await carry_out(services, "tell_admins") == 1

    told = await messages(services, "nobody_leads:")
    assert {key.split(":")[-1]: row["not_before"] for key, row in told.items()} == {
        "U1AD0": datetime(2026, 11, 23, 23, tzinfo=UTC),  # it is 21:00 in Tokyo
        "U1AD1": clock.now(),  # as in the phase's zone
        "U1AD2": clock.now(),
    }
    assert all(phase_id in key for key in told)


@pytest.mark.parametrize("meanwhile", ["ended", "reachable"])
async def test_admins_are_not_told_of_what_is_settled_meanwhile(
    services: Services, meanwhile: str
) -> None:
    await running(services)
    await drop(services, ANA)
    if meanwhile == "ended":
        async with services.db.transaction() as tx:
            await tx.execute(update(schema.phases).values(state="ended", ended_at=NOW))
    else:
        await lose(services, ANA, is_deleted=False)

    await carry_out(services, "tell_admins")

    assert await messages(services, "nobody_leads:") == {}


@pytest.mark.parametrize(
    ("fault", "raises", "told"),
    [
        ({}, False, [OWNER]),
        ({"error": "missing_scope"}, False, []),
        ({"status": 500}, True, []),
    ],
)
async def test_admins_are_looked_for_where_none_is_known(
    services: Services, fake_slack: FakeSlack, fault: dict[str, Any], raises: bool, told: list[str]
) -> None:
    await running(services)
    await lose(services, OWNER, is_admin=False)
    await drop(services, ANA)
    if fault:
        fake_slack.faults.fail_next("users.list", **fault)

    if raises:
        with pytest.raises(SlackApiError):
            await carry_out(services, "tell_admins")
        assert await planned(services, "tell_admins") != {}
    else:
        await carry_out(services, "tell_admins")
        assert await planned(services, "tell_admins") == {}

    found = await messages(services, "nobody_leads:")
    assert [row["conversation"] for row in found.values()] == told


async def test_a_channel_has_the_hours_of_its_latest_phase_and_people_their_own(
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


async def test_a_deleted_announcement_is_forgotten_and_leads_of_a_running_phase_hear_of_it(
    services: Services,
) -> None:
    phase_id = await running(services, replace(SPRINT, co_lead_ids=(HANA,)))
    await lose(services, HANA)
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
        await schedule.add(tx, WORKSPACE, action="tell_of_missing", subject=phase_id, due_at=NOW)

    assert await carry_out(services, "tell_of_missing") == 1

    (said,) = (await messages(services, "missing:")).values()
    assert said["conversation"] == ANA
    states = {key: row["state"] for key, row in (await messages(services, "k")).items()}
    assert states == {"k0": "pending", "k1": "failed", "k2": "failed"}
    assert len(await messages(services, "unbookmark:")) == 1


async def test_what_is_told_of_is_told_of_a_phase_that_is_known(services: Services) -> None:
    """It may have been deleted with its workspace's data since it was noted."""
    async with services.db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="tell_of_missing", subject="gone", due_at=NOW)
        await schedule.add(
            tx, WORKSPACE, action="tell_of_unsaid", subject="gone:unsaid", due_at=NOW
        )

    assert await carry_out(services, "tell_of_missing") == 1
    assert await carry_out(services, "tell_of_unsaid") == 1

    assert await messages(services, "") == {}
    assert await planned(services, "tell_of_missing") == {}
