"""Migrated SQLite files, copied from one that is kept between runs; and compiled statements."""

import asyncio
import hashlib
import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.keys import KeyRing

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
    shutil.copyfile(template, file)
    file.chmod(0o600)  # as the bot creates it
    return f"sqlite:///{file}"


class CompiledStatements(dict[Any, Any]):
    """SQLAlchemy's cache of compiled statements, for all engines of one database system.

    By default each engine has a cache of its own, so that every test compiles all its statements.
    A key begins with the engine's dialect; here all engines with the same keys have the same one.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_shared(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_shared(key), compiled)


def _shared(key: Any) -> Any:
    dialect, *statement = key
    keys: KeyRing | None = getattr(dialect, "key_ring", None)
    return (None if keys is None else keys.ids, *statement)


_compiled: dict[str, CompiledStatements] = defaultdict(CompiledStatements)


def engine_with_shared_statements(url: URL, **options: Any) -> AsyncEngine:
    """Create an engine that compiles no statement that another one has compiled before."""
    cache = {"compiled_cache": _compiled[url.drivername]}
    return create_async_engine(url, execution_options=cache, **options)
