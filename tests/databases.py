"""Migrated SQLite files, copied from one that is kept between runs."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What a migrated file depends on.
SOURCES = ("migrations", "bot/db")


def sqlite_template(cache: Path) -> Path:
    """An empty migrated SQLite file in this folder, made anew if the migrations have changed.

    Making one takes longer than most tests do. Processes may call this at the same time.
    """
    file = cache / f"{_digest()}.db"
    if not file.exists():
        from bot.db.migrate import migrate  # loads Alembic

        for outdated in set(cache.glob("*.db")) - {file}:
            outdated.unlink(missing_ok=True)
        unfinished = cache / f"{os.getpid()}.unfinished"
        asyncio.run(migrate(f"sqlite:///{unfinished}"))
        unfinished.replace(file)
    return file


def _digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(file for source in SOURCES for file in (ROOT / source).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def copy_of(template: Path, file: Path) -> str:
    """Copy the template to this file, and return the URL of the copy."""
    shutil.copy(template, file)
    return f"sqlite:///{file}"
