"""`python -m bot outbox`: operators list undelivered messages and decide about them."""

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
from tests.operations.stuck_messages import SECRET_TEXT, add_message, command, held, row

YES = "--yes"


def link(ts: float, channel: str = LAUNCH) -> str:
    return f"https://example.slack.com/archives/{channel}/p{f'{ts:.6f}'.replace('.', '')}"


async def test_list_shows_undelivered_messages_with_reasons(
    db: Database, database_url: str
) -> None:
    held_id = await held(db)
    failed_id = await add_message(
        db, f"ask:r1:{BEN}", to=BEN, state=State.FAILED, error="user_disabled", attempts=2
    )
    await add_message(db, "results:r1")

    result = await command(database_url, "outbox", "list")

    assert result.code == 0
    first, second = (
        line for line in result.out.splitlines() if line[:8].isalnum() and "  " in line
    )
    assert first.split("  ")[0] == held_id
    assert all(word in first for word in ("held", "60 min", "the announcement of a phase", LAUNCH))
    assert second.split("  ")[0] == failed_id
    assert "the questions to a member" in second
    assert "This person cannot be reached any more." in result.out
    assert SECRET_TEXT not in result.out
    assert BEN not in result.out


async def test_list_as_json(db: Database, database_url: str) -> None:
    held_id = await held(db)
    await add_message(db, "results:r1")

    result = await command(database_url, "outbox", "list", "--json", "--state", "held,pending")

    one, other = json.loads(result.out)
    assert (one["id"], one["state"], one["reason"]) == (held_id, "held", "no proof can be had")
    assert one["age_seconds"] == pytest.approx(3600, abs=60)
    assert (other["kind"], other["state"]) == ("results", "pending")
    assert SECRET_TEXT not in result.out


async def test_list_shows_when_a_scheduled_message_is_due(db: Database, database_url: str) -> None:
    later = real_now() + timedelta(hours=31, minutes=5)
    await add_message(db, "warn:1:2026-12-18:U0BEN", to=BEN, now=later, not_before=later)

    result = await command(database_url, "outbox", "list", "--state", "pending")

    assert "in 31 h" in result.out.splitlines()[1]


async def test_empty_list(database_url: str) -> None:
    result = await command(database_url, "outbox", "list", "--workspace", "T0OTHER")

    assert (result.code, result.out) == (
        0,
        "No message is in the state held or failed or unknown.\n",
    )


async def test_sent_messages_need_no_reason(db: Database, database_url: str) -> None:
    sent_id = await add_message(db, state=State.SENT)

    listed = await command(database_url, "outbox", "list", "--state", "sent")
    as_json = await command(database_url, "outbox", "list", "--state", "sent", "--json")

    assert listed.out.splitlines()[1].startswith(sent_id)
    assert listed.out.endswith("\nsent: in Slack.\n")
    assert json.loads(as_json.out)[0]["means"] == ""


async def test_retry_of_a_held_message_requires_yes(db: Database, database_url: str) -> None:
    held_id = await held(db, lookup_attempts=2)

    refused_result = await command(database_url, "outbox", "retry", held_id)
    assert refused_result.code == 1
    assert "would then be seen twice" in refused_result.out
    assert (await row(db, held_id)).state == State.HELD

    result = await command(database_url, "outbox", "retry", held_id, YES)
    after = await row(db, held_id)
    assert (result.code, result.out) == (0, f"{held_id} is posted again.\n")
    assert (after.state, after.attempts, after.lookup_attempts, after.error) == (
        State.PENDING,
        0,
        0,
        None,
    )
    assert after.fence == 1  # an earlier sender can no longer record its outcome


async def test_retry_reposts_refused_messages_and_skips_others(
    db: Database, database_url: str
) -> None:
    failed_id = await add_message(db, state=State.FAILED, error="not_in_channel")
    late_id = await add_message(
        db, "late:1", state=State.FAILED, error="is_archived", expires_at=real_now()
    )
    pending_id = await add_message(db, "results:r1")

    result = await command(
        database_url, "outbox", "retry", failed_id, late_id, pending_id, "0" * 32
    )

    assert result.code == 1
    assert f"{failed_id} is posted again." in result.out
    assert f"{late_id}  Nothing was changed: it's too late" in result.out
    assert f"{pending_id}  Nothing was changed: it's sent by itself" in result.out
    assert f"{'0' * 32}  Nothing was changed: no message has this id." in result.out
    assert [(await row(db, one)).state for one in (failed_id, late_id)] == ["pending", "failed"]


async def test_retry_reports_a_halted_workspace(db: Database, database_url: str) -> None:
    failed_id = await add_message(db, state=State.FAILED, error="is_archived")
    async with db.transaction() as tx:
        await tx.execute(schema.sender_leases.update().values(halted="token_revoked"))

    result = await command(database_url, "outbox", "retry", failed_id)

    assert "Nothing is sent in T0PLAY for now (token_revoked)" in result.out


async def test_there_marks_a_held_message_as_sent_at_its_link(
    db: Database, database_url: str
) -> None:
    now = real_now()
    held_id = await held(db, first_try_at=now)

    for wrong, why in (
        ("https://example.com/", "isn't a link to a message"),
        (link(now.timestamp(), "C0OTHER"), "different conversation"),
        (link((now - timedelta(days=1)).timestamp()), "an older message"),
    ):
        result = await command(database_url, "outbox", "there", held_id, wrong)
        assert (result.code, why in result.out) == (1, True)
        assert (await row(db, held_id)).state == State.HELD

    result = await command(database_url, "outbox", "there", held_id, link(now.timestamp() + 1))
    after = await row(db, held_id)
    assert result.code == 0
    assert (after.state, after.channel, after.payload) == (State.SENT, LAUNCH, None)
    assert float(after.ts) == pytest.approx(now.timestamp() + 1, abs=0.001)


async def test_drop_expires_a_message_and_erases_its_content(
    db: Database, database_url: str
) -> None:
    held_id = await held(db)
    sending_id = await add_message(db, "results:r1", state=State.SENDING)

    result = await command(database_url, "outbox", "drop", held_id, sending_id)

    after = await row(db, held_id)
    assert result.code == 1
    assert f"{held_id} is never said." in result.out
    assert f"{sending_id}  Nothing was changed: it's being sent right now." in result.out
    assert (after.state, after.payload, after.error) == (
        State.EXPIRED,
        None,
        "dropped by a person",
    )


async def test_each_decision_is_audited(db: Database, database_url: str) -> None:
    held_id = await held(db)
    await command(database_url, "outbox", "drop", held_id)

    async with db.reading() as reader:
        (entry,) = (await reader.execute(select(schema.audit))).all()
    assert (entry.actor_id, entry.action, entry.subject) == ("operator", "message", held_id)
    assert (entry.before, entry.after) == (
        {"state": "held", "kind": "announcement"},
        {"decision": "drop"},
    )


async def test_missing_database_suggests_migrate(tmp_path: Path) -> None:
    result = await command(f"sqlite:///{tmp_path / 'none.db'}", "outbox", "list")

    assert result.code == 1
    assert "run `python -m bot migrate`" in result.err
