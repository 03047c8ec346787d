"""An operator looks at what waits and decides, beside a running bot or without one."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import State
from tests.harness import BEN, LAUNCH
from tests.operations.stuck_messages import SECRET_TEXT, a_message, command, held, row

YES = "--yes"


def link(ts: float, channel: str = LAUNCH) -> str:
    return f"https://example.slack.com/archives/{channel}/p{f'{ts:.6f}'.replace('.', '')}"


async def test_the_list_says_what_waits_and_why(db: Database, database_url: str) -> None:
    waits = await held(db)
    refused = await a_message(
        db, f"ask:r1:{BEN}", to=BEN, state=State.FAILED, error="user_disabled", attempts=2
    )
    await a_message(db, "results:r1")

    said = await command(database_url, "outbox", "list")

    assert said.code == 0
    first, second = (line for line in said.out.splitlines() if line[:8].isalnum() and "  " in line)
    assert first.split("  ")[0] == waits
    assert all(word in first for word in ("held", "60 min", "the announcement of a phase", LAUNCH))
    assert second.split("  ")[0] == refused
    assert "the questions to a member" in second
    assert "This person cannot be reached any more." in said.out
    assert SECRET_TEXT not in said.out
    assert BEN not in said.out


async def test_the_list_as_json(db: Database, database_url: str) -> None:
    waits = await held(db)
    await a_message(db, "results:r1")

    said = await command(database_url, "outbox", "list", "--json", "--state", "held,pending")

    one, other = json.loads(said.out)
    assert (one["id"], one["state"], one["reason"]) == (waits, "held", "no proof can be had")
    assert one["age_seconds"] == pytest.approx(3600, abs=60)
    assert (other["kind"], other["state"]) == ("results", "pending")
    assert SECRET_TEXT not in said.out


async def test_what_is_to_be_said_later_says_when(db: Database, database_url: str) -> None:
    later = real_now() + timedelta(hours=31, minutes=5)
    await a_message(db, "warn:1:2026-12-18:U0BEN", to=BEN, now=later, not_before=later)

    said = await command(database_url, "outbox", "list", "--state", "pending")

    assert "in 31 h" in said.out.splitlines()[1]


async def test_nothing_waits(database_url: str) -> None:
    said = await command(database_url, "outbox", "list", "--workspace", "T0OTHER")

    assert (said.code, said.out) == (
        0,
        "Nothing waits for anybody: no message is held or failed or unknown.\n",
    )


async def test_a_held_one_is_posted_again_only_on_purpose(db: Database, database_url: str) -> None:
    waits = await held(db, lookup_attempts=2)

    asked = await command(database_url, "outbox", "retry", waits)
    assert asked.code == 1
    assert "would then be seen twice" in asked.out
    assert (await row(db, waits)).state == State.HELD

    done = await command(database_url, "outbox", "retry", waits, YES)
    after = await row(db, waits)
    assert (done.code, done.out) == (0, f"{waits} is posted again.\n")
    assert (after.state, after.attempts, after.lookup_attempts, after.error) == (
        State.PENDING,
        0,
        0,
        None,
    )
    assert after.fence == 1  # whoever sent it before may say nothing any more


async def test_what_slack_refused_is_posted_again_at_once(db: Database, database_url: str) -> None:
    refused = await a_message(db, state=State.FAILED, error="not_in_channel")
    too_late = await a_message(
        db, "late:1", state=State.FAILED, error="is_archived", expires_at=real_now()
    )
    on_its_way = await a_message(db, "results:r1")

    done = await command(database_url, "outbox", "retry", refused, too_late, on_its_way, "0" * 32)

    assert done.code == 1
    assert f"{refused} is posted again." in done.out
    assert f"{too_late}  Nothing was changed: its time is over" in done.out
    assert f"{on_its_way}  Nothing was changed: it is sent by itself" in done.out
    assert f"{'0' * 32}  Nothing was changed: no message has this id." in done.out
    assert [(await row(db, one)).state for one in (refused, too_late)] == ["pending", "failed"]


async def test_a_halted_workspace_is_named(db: Database, database_url: str) -> None:
    refused = await a_message(db, state=State.FAILED, error="is_archived")
    async with db.transaction() as tx:
        await tx.execute(schema.sender_leases.update().values(halted="token_revoked"))

    done = await command(database_url, "outbox", "retry", refused)

    assert "Nothing is sent in T0PLAY for now (token_revoked)" in done.out


async def test_one_that_was_seen_gets_its_place(db: Database, database_url: str) -> None:
    now = real_now()
    waits = await held(db, first_try_at=now)

    for wrong, why in (
        ("https://example.com/", "no link to a message"),
        (link(now.timestamp(), "C0OTHER"), "another conversation"),
        (link((now - timedelta(days=1)).timestamp()), "an older message"),
    ):
        said = await command(database_url, "outbox", "there", waits, wrong)
        assert (said.code, why in said.out) == (1, True)
        assert (await row(db, waits)).state == State.HELD

    said = await command(database_url, "outbox", "there", waits, link(now.timestamp() + 1))
    after = await row(db, waits)
    assert said.code == 0
    assert (after.state, after.channel, after.payload) == (State.SENT, LAUNCH, None)
    assert float(after.ts) == pytest.approx(now.timestamp() + 1, abs=0.001)


async def test_one_is_dropped_and_its_words_are_erased(db: Database, database_url: str) -> None:
    waits = await held(db)
    sending = await a_message(db, "results:r1", state=State.SENDING)

    done = await command(database_url, "outbox", "drop", waits, sending)

    after = await row(db, waits)
    assert done.code == 1
    assert f"{waits} is never said." in done.out
    assert f"{sending}  Nothing was changed: it is being sent just now." in done.out
    assert (after.state, after.payload, after.error) == (
        State.EXPIRED,
        None,
        "dropped by a person",
    )


async def test_each_decision_leaves_a_note(db: Database, database_url: str) -> None:
    waits = await held(db)
    await command(database_url, "outbox", "drop", waits)

    async with db.reading() as reader:
        (note,) = (await reader.execute(select(schema.audit))).all()
    assert (note.actor_id, note.action, note.subject) == ("operator", "message", waits)
    assert (note.before, note.after) == (
        {"state": "held", "kind": "announcement"},
        {"decision": "drop"},
    )


async def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    said = await command(f"sqlite:///{tmp_path / 'none.db'}", "outbox", "list")

    assert said.code == 1
    assert "run `python -m bot migrate`" in said.err
