"""`python -m bot doctor` reports the current state, with or without a running bot."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from bot.agenda import schedule
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import State
from bot.playground.server import FakeSlack
from tests.forked_bot import CommandResult
from tests.harness import BEN, WORKSPACE
from tests.operations.stuck_messages import add_message, command, held


async def doctor(url: str, slack: FakeSlack, **environ: str) -> CommandResult:
    return await command(
        url,
        "doctor",
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
        SLACK_API_URL=slack.api_url,
        METRICS_PORT="0",
        **environ,
    )


def line_with(result: CommandResult, word: str) -> str:
    """The one line of the output with this word."""
    (line,) = [line for line in result.out.splitlines() if word in line]
    return line


async def set_lease(db: Database, **values: object) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.sender_leases).values(**values))


async def test_idle_bot_has_only_ok_findings(
    database_url: str, fake_slack: FakeSlack, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    result = await doctor(database_url, fake_slack, ROUND_KEYS_DIR=str(tmp_path / "keys"))

    assert result.code == 0
    assert [line for line in result.out.splitlines() if line[:6].strip() != "ok"] == []
    assert "messages: none waits" in result.out
    assert "agenda: nothing is late" in result.out


async def test_undelivered_messages_failed_actions_and_missing_scopes_are_flagged(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    await held(db, "announcement:1")
    await held(db, "results:1")
    await add_message(db, "ask:1", to=BEN, state=State.FAILED, error="user_disabled")
    await add_message(
        db, "closing:1", state=State.UNKNOWN, error="timeout", retry_at=real_now() + timedelta(1)
    )
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="close_round", subject="1", due_at=real_now())
        later = real_now() + timedelta(minutes=5)
        await tx.execute(update(schema.agenda).values(attempts=2, retry_at=later))
    fake_slack.scopes.difference_update({"channels:history", "groups:history", "im:history"})

    result = await doctor(database_url, fake_slack)

    assert result.code == 0
    assert line_with(result, "messages held").startswith("look")
    assert "held: 2, the oldest due 60 min ago (2 no proof can be had)" in result.out
    assert "failed: 1, the oldest due 60 min ago (1 user_disabled)" in result.out
    assert "unknown outcome: 1" in line_with(result, "1 timeout")
    assert line_with(result, "1 close_round failed").startswith("look")
    scopes = line_with(result, "channels:history, groups:history, im:history, which are optional")
    assert scopes.startswith("look")


async def test_expired_messages_are_reported_without_alarm(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    at = real_now()
    for number in range(3):
        await add_message(db, f"remind:{number}:U0BEN", state=State.EXPIRED, error="too late")
    await add_message(
        db, "ask:1", state=State.EXPIRED, error="too late", now=at - timedelta(days=40)
    )
    dropped = await held(db, "results:1")
    await command(database_url, "outbox", "drop", dropped)

    result = await doctor(database_url, fake_slack)
    listed = await command(database_url, "outbox", "list", "--state", "expired", "--limit", "1")

    assert result.code == 0
    line = line_with(result, "not sent any more")
    assert line.startswith("ok")
    assert "4 of those decided in the last 30 days (3 too late, 1 dropped by a person)" in line
    assert "messages: none waits" in result.out
    assert listed.out.splitlines()[1].startswith(dropped)  # the newest
    assert "An operator or a workspace admin decided so." in listed.out
    assert "And 4 more" in listed.out


async def test_late_agenda_and_outbox_are_wrong(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    await add_message(db)
    async with db.transaction() as tx:
        at = real_now() - timedelta(hours=3)
        await schedule.add(tx, WORKSPACE, action="tidy", subject="it", due_at=at)

    result = await doctor(database_url, fake_slack)

    assert result.code == 1
    assert line_with(result, "agenda:").startswith("wrong  agenda: what is due is 3 h late")
    assert line_with(result, "outbox:").startswith("wrong  outbox: for 60 min a workspace has had")


async def test_invalid_token_is_wrong_and_uninstalled_app_is_flagged(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    await add_message(db)
    await set_lease(db, halted="app_uninstalled")
    removed = await doctor(database_url, fake_slack)
    assert removed.code == 0
    assert line_with(removed, "halted").startswith("look")

    await set_lease(db, halted="invalid_auth")
    refused = await doctor(database_url, fake_slack)
    assert refused.code == 1
    assert "Install the app there again" in line_with(refused, "halted")


async def test_senders_and_their_progress_are_shown(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    for number in range(26):
        await add_message(db, f"ask:1:U{number}", to=f"U{number}")
    owner, now = "abcdef0123456789", real_now()
    rate_usage = {"sent": [now.timestamp(), 5]}
    await set_lease(db, owner=owner, lease_until=now + timedelta(seconds=60), rate_usage=rate_usage)
    at_work = await doctor(database_url, fake_slack)
    assert f"senders: 1 ({WORKSPACE} by abcdef01, its lease runs" in at_work.out
    assert f"sending to many in {WORKSPACE}: 5 sent, 26 left, done at about" in at_work.out
    assert at_work.code == 0

    await set_lease(db, lease_until=real_now() - timedelta(seconds=30))
    silent = await doctor(database_url, fake_slack)
    assert line_with(silent, "has been silent").startswith("look")
