"""`imbalance workspaces` and what `doctor` says by workspace."""

import json
from datetime import datetime, timedelta

from sqlalchemy import update

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import State
from bot.playground.server import FakeSlack
from bot.workspaces.lifecycle import store_installation, uninstall
from tests.harness import WORKSPACE
from tests.operations.stuck_messages import add_message, command, held
from tests.operations.test_doctor_state import doctor
from tests.two_workspaces import OTHER_WORKSPACE, RUNS, TwoWorkspaces

HEAD = ["WORKSPACE", "NAME", "STATE", "LAST", "DELIVERY", "HELD", "FAILED", "PHASES"]


async def install(db: Database, workspace_id: str, name: str, at: datetime) -> None:
    identity = {"team_id": workspace_id, "team": name, "user_id": "U0IMBAL"}
    async with db.transaction() as tx:
        await store_installation(tx, identity, at)


async def remove(db: Database, workspace_id: str, reason: str, at: datetime) -> None:
    async with db.transaction() as tx:
        assert await uninstall(tx, workspace_id, reason, at)


async def test_workspaces_are_listed_with_their_state(db: Database, database_url: str) -> None:
    now = real_now()
    at = now - timedelta(days=3)
    for number, name in enumerate(("Acme", "Bolt & Co", "Cargo"), 1):
        await install(db, f"T{number}", name, now - timedelta(days=9))
    await remove(db, "T2", "app_uninstalled", at)
    await remove(db, "T3", "token_revoked", at)
    await held(db, "announcement:1", workspace_id="T1")
    await held(db, "results:1", workspace_id="T1")
    await add_message(db, "ask:1", workspace_id="T1", state=State.FAILED, error="user_disabled")
    sent_at = now - timedelta(hours=5)
    await add_message(db, "closing:1", workspace_id="T3", state=State.SENT, sent_at=sent_at)

    listed = await command(database_url, "workspaces")
    as_json = await command(database_url, "workspaces", "--json")

    assert (listed.code, listed.err) == (0, "")
    head, *rows = listed.out.splitlines()
    assert head.split() == HEAD
    day = f"{at:%Y-%m-%d}"
    assert [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in rows] == [
        ["T1", "Acme", "active", "never", "2", "1", "0"],
        ["T2", "Bolt & Co", f"uninstalled since {day} (app_uninstalled)", "never", "0", "0", "0"],
        ["T3", "Cargo", f"token refused since {day} (token_revoked)", "5 h ago", "0", "0", "0"],
    ]
    acme, bolt, cargo = json.loads(as_json.out)
    assert acme == {
        "workspace": "T1",
        "name": "Acme",
        "state": "active",
        "reason": None,
        "since": None,
        "purged_on": None,
        "last_delivery": None,
        "held": 2,
        "failed": 1,
        "running_phases": 0,
        "paused_phases": 0,
    }
    assert datetime.fromisoformat(bolt["since"]) == at
    assert datetime.fromisoformat(bolt["purged_on"]) == at + timedelta(days=30)
    assert (cargo["state"], cargo["reason"]) == ("token refused", "token_revoked")
    assert datetime.fromisoformat(cargo["last_delivery"]) == sent_at


async def test_running_and_paused_phases_are_counted_by_workspace(
    two_workspaces: TwoWorkspaces, db: Database, database_url: str
) -> None:
    await two_workspaces.fill(WORKSPACE)
    await two_workspaces.fill(OTHER_WORKSPACE)
    phases = schema.phases
    in_other = phases.c.workspace_id == OTHER_WORKSPACE
    async with db.transaction() as tx:
        paused = {"paused_at": real_now(), "pause_reason": "archived"}
        await tx.execute(update(phases).where(in_other).values(**paused))
        in_first = phases.c.workspace_id == WORKSPACE
        await tx.execute(update(phases).where(in_first, phases.c.phase_id == RUNS).values(**paused))

    listed = json.loads((await command(database_url, "workspaces", "--json")).out)
    table = (await command(database_url, "workspaces")).out

    other, first = listed
    assert (first["state"], first["running_phases"], first["paused_phases"]) == ("active", 3, 1)
    assert (other["state"], other["running_phases"], other["paused_phases"]) == ("paused", 2, 2)
    assert "3 (1 paused)" in table


async def test_empty_database_is_said(db: Database, database_url: str) -> None:
    listed = await command(database_url, "workspaces")
    assert listed.out == "The database knows no workspace yet.\n"
    assert (await command(database_url, "workspaces", "--json")).out == "[]\n"


async def test_doctor_says_in_which_workspaces_messages_are_stuck(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    now = real_now()
    for number in range(1, 9):
        await install(db, f"T{number}", f"Company {number}", now)
        for message in range(number - 1):
            await held(db, f"results:{message}", workspace_id=f"T{number}")
    await add_message(db, "ask:1", workspace_id="T8", state=State.FAILED, error="user_disabled")
    await remove(db, "T1", "app_uninstalled", real_now())

    lines = (await doctor(database_url, fake_slack)).out.splitlines()

    assert "ok     workspaces: 8, of which 7 have the app; " in "\n".join(lines)
    stuck = [line for line in lines if line[7:].startswith("stuck")]
    assert stuck[0] == (
        "look   stuck in Company 8 (T8): 7 held, 1 failed; `python -m bot outbox list --workspace "
        "T8` shows them"
    )
    assert [line.split("(")[1][:2] for line in stuck[:5]] == ["T8", "T7", "T6", "T5", "T4"]
    assert stuck[5:] == ["look   stuck: and 2 more"]


async def test_doctor_of_one_workspace_says_nothing_twice(
    db: Database, database_url: str, fake_slack: FakeSlack
) -> None:
    await install(db, WORKSPACE, "Acme", real_now())
    await held(db)

    said = (await doctor(database_url, fake_slack)).out

    assert "messages held: 1" in said
    assert "stuck" not in said
    assert "workspaces:" not in said
