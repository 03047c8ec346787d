"""`imbalance audit` and `imbalance backup`, on a database that is in use."""

import asyncio
import json
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.clock import random_bytes, real_now
from bot.db import schema
from bot.db.engine import Database
from bot.db.file_lock import exclusive_lock, sqlite_file
from bot.operations import backup_command
from bot.settings import NotStarted, Settings
from bot.workspaces import store
from tests.harness import ANA, WORKSPACE
from tests.operations.stuck_messages import add_message, command


async def add_entries(db: Database, workspace_id: str = WORKSPACE) -> None:
    async with db.transaction() as tx:
        for number in (5, 6):
            await store.add_audit_entry(
                tx,
                workspace_id,
                actor=ANA,
                action="settings",
                subject="minimum_small",
                before=number - 1 if number > 5 else None,
                after=number,
                now=real_now(),
            )


async def test_audit_lists_the_newest_changes_first(db: Database, database_url: str) -> None:
    await add_entries(db)
    await add_entries(db, "T0OTHER")

    listed = await command(database_url, "audit", "--workspace", WORKSPACE)
    assert listed.code == 0
    head, newest, older = listed.out.splitlines()
    assert head.split() == ["TIME", "(UTC)", "WORKSPACE", "WHO", "ACTION", "SUBJECT", "CHANGE"]
    assert newest.split()[2:] == [WORKSPACE, ANA, "settings", "minimum_small", "5", "→", "6"]
    assert older.split()[2:] == [WORKSPACE, ANA, "settings", "minimum_small", "default", "→", "5"]

    as_json = await command(database_url, "audit", "--json", "--limit", "3")
    entries = json.loads(as_json.out)
    assert [entry["workspace_id"] for entry in entries] == ["T0OTHER", "T0OTHER", WORKSPACE]
    assert (entries[0]["before"], entries[0]["after"]) == (5, 6)
    limited = await command(database_url, "audit", "--limit", "1")
    assert limited.out.endswith("Older entries are not shown: --limit shows more.\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_backup_while_the_bot_writes_is_whole_and_private(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    """The lock is held as by a running bot; each transaction adds two rows."""
    target = tmp_path / "backup.db"
    stopping = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            await add_entries(db, f"T{number}")

    async with exclusive_lock(database_url):
        writing = asyncio.create_task(write())
        result = await command(database_url, "backup", str(target))
        stopping.set()
        await writing

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Backed up to {target} (")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not target.with_name("backup.db.part").exists()
    with sqlite3.connect(target) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) % 2 FROM audit").fetchall() == [(0,)]
    copy.close()
    async with db.reading() as reader:
        assert await reader.scalar(select(func.count()).select_from(schema.audit))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_restored_backup_has_what_was_saved_before_it(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    """The steps of docs/operating.md: the copy takes the place of the file and its WAL."""
    backup, file = tmp_path / "backup.db", sqlite_file(database_url)
    assert file is not None
    before = await add_message(db, "results:1")
    await command(database_url, "backup", str(backup))
    after = await add_message(db, "results:2")
    await db.close()

    for name in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        name.unlink(missing_ok=True)
    backup.rename(file)
    migrated = await command(database_url, "migrate")
    listed = await command(database_url, "outbox", "list", "--state", "pending")

    assert migrated.code == listed.code == 0
    assert before in listed.out
    assert after not in listed.out


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_backup_of_postgresql_names_pg_dump_and_its_version(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    async with db.reading() as reader:
        version = reader.dialect.server_version_info
    assert version is not None

    result = await command(database_url, "backup", str(tmp_path / "x.dump"))

    assert result.code == 1
    assert f"use pg_dump {version[0]} or newer" in result.err
    assert not (tmp_path / "x.dump").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["taken.db", "missing/backup.db", "imbalance.db", "."])
async def test_backup_overwrites_nothing_and_explains_why(
    database_url: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "taken.db").write_text("mine")
    before = (tmp_path / "imbalance.db").read_bytes()

    with pytest.raises(NotStarted) as refused:
        await backup_command.backup(Settings(database_url=database_url), tmp_path / name)

    assert str(tmp_path / name) in str(refused.value)
    assert (tmp_path / "taken.db").read_text() == "mine"
    assert (tmp_path / "imbalance.db").read_bytes() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_backup_of_a_damaged_database_is_refused(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "imbalance.db"
    size = file.stat().st_size
    with file.open("r+b") as pages:
        pages.seek(size // 2)
        pages.write(random_bytes(8192))

    with pytest.raises(NotStarted, match="The database is damaged"):
        await backup_command.backup(Settings(database_url=database_url), tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()
