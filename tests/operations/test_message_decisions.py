"""Decisions about messages: which are allowed in each state, and their effects."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.operations import message_decisions, status_report, system_state
from bot.operations.durations import humanize_duration
from bot.operations.message_decisions import Decision, decide, refusal_of, refusal_of_location
from bot.outbox import admin_queries, keys
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import Operation, State
from bot.outbox.queued_message import SlackLocation
from bot.slack.errors import Refused
from tests.conftest import MONDAY
from tests.harness import BEN, LAUNCH, PLATFORM, WORKSPACE
from tests.operations.stuck_messages import add_message, held, row

AGAIN, THERE, DROP = Decision.AGAIN, Decision.THERE, Decision.DROP
INSTANT = timedelta(microseconds=1)


def listed_message(**changes: Any) -> ListedMessage:
    message = ListedMessage(
        workspace_id=WORKSPACE,
        message_id="1",
        key=keys.announcement("abc"),
        operation=Operation.POST,
        state=State.HELD,
        conversation=LAUNCH,
        enqueued_at=MONDAY,
        not_before=MONDAY,
        expires_at=None,
        first_try_at=None,
        attempts=1,
        reason=None,
    )
    return replace(message, **changes)


@pytest.mark.parametrize(
    ("state", "again", "there", "drop"),
    [
        (State.PENDING, message_decisions.STILL_PENDING, message_decisions.STILL_PENDING, None),
        (
            State.SENDING,
            message_decisions.BEING_SENT,
            message_decisions.BEING_SENT,
            message_decisions.BEING_SENT,
        ),
        (
            State.SENT,
            message_decisions.IN_SLACK,
            message_decisions.IN_SLACK,
            message_decisions.IN_SLACK,
        ),
        (State.UNKNOWN, message_decisions.BEING_LOOKED_UP, None, None),
        (State.HELD, None, None, None),
        (State.FAILED, None, message_decisions.REFUSED, None),
        (
            State.EXPIRED,
            message_decisions.ALREADY_EXPIRED,
            message_decisions.ALREADY_EXPIRED,
            message_decisions.ALREADY_EXPIRED,
        ),
    ],
)
def test_refusal_of_each_decision_by_state(
    state: State, again: str | None, there: str | None, drop: str | None
) -> None:
    message = listed_message(state=state)

    assert [refusal_of(one, message, MONDAY) for one in (AGAIN, THERE, DROP)] == [
        again,
        there,
        drop,
    ]


@pytest.mark.parametrize(
    ("left", "decision", "state", "refusal"),
    [
        (timedelta(0), AGAIN, State.HELD, message_decisions.TOO_LATE),
        (timedelta(0), AGAIN, State.FAILED, message_decisions.TOO_LATE),
        (timedelta(0), AGAIN, State.EXPIRED, message_decisions.ALREADY_EXPIRED),
        (INSTANT, AGAIN, State.HELD, None),
        (timedelta(0), THERE, State.HELD, None),  # it was posted in time
        (timedelta(0), DROP, State.HELD, None),
    ],
)
def test_message_past_its_deadline_is_not_posted_again(
    left: timedelta, decision: Decision, state: State, refusal: str | None
) -> None:
    message = listed_message(state=state, expires_at=MONDAY + left)

    assert refusal_of(decision, message, MONDAY) == refusal


@pytest.mark.parametrize(
    ("message", "channel", "seconds", "refusal"),
    [
        ({}, LAUNCH, -60, None),
        ({}, LAUNCH, -60.1, message_decisions.TOO_OLD),
        ({"first_try_at": MONDAY + timedelta(hours=1)}, LAUNCH, 3540, None),
        ({"first_try_at": MONDAY + timedelta(hours=1)}, LAUNCH, 3539, message_decisions.TOO_OLD),
        ({}, PLATFORM, 0, message_decisions.WRONG_CONVERSATION),
        ({"conversation": BEN}, "D0BEN", 0, None),
        ({"conversation": "W0BEN"}, "D0BEN", 0, None),
        ({"conversation": BEN}, LAUNCH, 0, message_decisions.WRONG_CONVERSATION),
    ],
)
def test_refusal_of_a_location(
    message: dict[str, Any], channel: str, seconds: float, refusal: str | None
) -> None:
    ts = f"{MONDAY.timestamp() + seconds:.6f}"

    assert (
        refusal_of_location(listed_message(**message), SlackLocation(channel=channel, ts=ts))
        == refusal
    )


async def update_messages(db: Database, **values: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.messages).values(**values))


@pytest.mark.parametrize("state", [*State])
async def test_each_decision_applies_only_in_its_states(db: Database, state: State) -> None:
    """The queries check the state themselves, whatever the caller read before."""
    message_id = await add_message(
        db, state=state, lookup_attempts=2, attempts=9, retry_at=real_now()
    )
    location, now = SlackLocation(channel=LAUNCH, ts="1.1"), real_now()
    before = await row(db, message_id)
    again = state in (State.HELD, State.FAILED)
    for apply, allowed in (
        (admin_queries.post_again, again),
        (admin_queries.drop, again or state in (State.PENDING, State.UNKNOWN)),
    ):
        async with db.transaction() as tx:
            assert await apply(tx, WORKSPACE, message_id) is allowed
        after = await row(db, message_id)
        if not allowed:
            assert after == before
        elif apply is admin_queries.post_again:
            assert (after.state, after.attempts, after.lookup_attempts) == ("pending", 0, 0)
            assert (after.retry_at, after.error, after.fence) == (None, None, 1)
        else:
            assert (after.state, after.payload) == ("expired", None)
            assert (after.retry_at, after.error) == (None, "dropped by a person")
        await update_messages(db, **dict(before._mapping))
    async with db.transaction() as tx:
        there = await admin_queries.mark_seen_in_slack(tx, WORKSPACE, message_id, location, now)
        assert there is (state in (State.HELD, State.UNKNOWN))
        in_doubt = await admin_queries.unconfirmed(tx, WORKSPACE, message_id)
        assert (in_doubt is None) is (there or state in (State.SENT, State.FAILED, State.EXPIRED))
    assert (await row(db, message_id)).state == ("sent" if there else state)


async def test_stale_decision_is_refused_and_not_audited(db: Database) -> None:
    """The message was read as held, but somebody has dropped it since."""
    message_id = await held(db)
    async with db.reading() as reader:
        message = await admin_queries.get_message(reader, WORKSPACE, message_id)
    assert message is not None
    await update_messages(db, state="expired")
    for decision in (AGAIN, DROP):
        with pytest.raises(Refused, match="somebody else has already decided"):
            async with db.transaction() as tx:
                await decide(tx, decision, message, actor="U1", now=real_now())

    async with db.reading() as reader:
        assert (await reader.execute(select(schema.audit))).all() == []


async def test_finished_messages_are_listed_newest_first(db: Database) -> None:
    ids = [await add_message(db, f"{n}:1", state="sent", conversation=LAUNCH) for n in range(3)]
    ids += [await held(db, f"{n}:2") for n in range(3)]

    async def found(*states: State, **how: Any) -> list[str]:
        async with db.reading() as reader:
            rows = await admin_queries.list_messages(reader, states, **{"limit": 9, **how})
            assert await admin_queries.count(reader, states) >= len(rows)
        return [one.message_id for one in rows]

    assert await found(State.SENT, State.EXPIRED) == ids[2::-1]
    assert await found(State.HELD) == ids[3:]
    assert await found(State.SENT, State.HELD) == ids
    assert await found(State.HELD, limit=2) == ids[3:5]
    assert await found(State.HELD, workspace_id="T0OTHER") == []


# --- the present state ---------------------------------------------------------------------


async def test_reasons_are_counted_most_common_first(db: Database) -> None:
    for number, (state, error, age) in enumerate(
        [
            ("failed", "a", 1),
            ("failed", "b", 1),
            ("failed", "b", 1),
            ("held", "c", 1),
            ("unknown", "d", 1),
            ("pending", None, 1),
            ("expired", "a", 1),
            ("expired", "b", 1),
            ("expired", "b", 1),
            ("expired", "c", 50),
        ]
    ):
        created_at = real_now() - timedelta(days=age)
        await add_message(db, f"{number}:", state=state, error=error, created_at=created_at)
    async with db.reading() as reader:
        failed = await system_state.failure_reasons(reader, State.FAILED)
        unknown = await system_state.failure_reasons(reader, State.UNKNOWN)
        given_up = await system_state.expired_reasons(reader, real_now() - timedelta(days=30))

    assert list(failed.items()) == [("b", 2), ("a", 1)]
    assert unknown == {"d": 1}
    assert list(given_up.items()) == [("b", 2), ("a", 1)]


async def test_waiting_counts_due_messages_of_active_workspaces(db: Database) -> None:
    now = real_now()
    await add_message(db, "due:1")
    await add_message(db, "due:2", not_before=now - timedelta(hours=3))
    await add_message(db, "later:1", not_before=now + timedelta(hours=1))
    await add_message(db, "halted:1", workspace_id="T2", not_before=now - timedelta(days=9))
    async with db.transaction() as tx:
        selected = schema.sender_leases.c.workspace_id == "T2"
        await tx.execute(update(schema.sender_leases).where(selected).values(halted="invalid_auth"))
    async with db.reading() as reader:
        found = await system_state.waiting_messages(reader, now)
        leases = await system_state.senders(reader, now)
        assert await system_state.halted_workspaces(reader) == {"invalid_auth": 1}

    assert {state: (one.count, one.oldest) for state, one in found.items()} == {
        State.PENDING: (2, timedelta(hours=3))
    }
    assert [(sender.workspace_id, sender.halted_reason) for sender in leases] == [
        ("T2", "invalid_auth")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
    ],
)
def test_humanized_durations(seconds: float, text: str) -> None:
    assert humanize_duration(timedelta(seconds=seconds)) == text


def test_lag_is_wrong_only_above_its_limit() -> None:
    found = [
        *(status_report.agenda_finding(timedelta(seconds=seconds)) for seconds in (0, 120, 121)),
        *(status_report.outbox_finding(timedelta(seconds=seconds)) for seconds in (0, 900, 901)),
    ]

    assert [one.level for one in found] == ["ok", "ok", "wrong"] * 2
    assert ("nothing is late" in found[0].text, "2 min" in found[1].text) == (True, True)


def sender_state(name: str, **changes: Any) -> system_state.SenderState:
    given = {
        "owner": "abcdef0123",
        "lease_left": timedelta(seconds=9),
        "halted_reason": None,
        **changes,
    }
    return system_state.SenderState(workspace_id=name, **given)


def test_more_than_five_halted_workspaces_are_summarized() -> None:
    five, six = (
        [sender_state(f"T{n}", halted_reason="invalid_auth") for n in range(count)]
        for count in (5, 6)
    )

    assert [one.level for one in status_report.halted_findings(five)] == ["wrong"] * 5
    assert [one.level for one in status_report.halted_findings(six)] == ["wrong"] * 5 + ["look"]
    assert "T0" in status_report.halted_findings(six)[0].text
    assert "1" in status_report.halted_findings(six)[-1].text
    assert [
        one.level
        for one in status_report.halted_findings(
            [sender_state("T1", halted_reason="app_uninstalled")]
        )
    ] == ["look"]


def test_sender_with_an_expired_lease_is_flagged() -> None:
    alive, silent = sender_state("T1"), sender_state("T2", lease_left=timedelta(seconds=-1))

    assert (
        status_report.senders_finding([alive, sender_state("T3", lease_left=timedelta(0))]).level
        == "ok"
    )
    assert status_report.senders_finding([]).level == "ok"
    found = status_report.senders_finding([alive, silent])
    assert (found.level, "T2" in found.text, "T1" in found.text) == ("look", True, False)
