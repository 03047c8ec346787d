"""`python -m bot rotate-keys`: re-encrypt with the first of IMBALANCE_KEYS; the bot may run.

Batch by batch, each in a transaction of its own, so that it may be stopped and run again. Values
encrypted with a round key are left alone: that key is deleted soon, and they with it.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    RowMapping,
    Select,
    Table,
    Text,
    bindparam,
    func,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

import bot.rounds  # noqa: F401 - defines the table round_secrets
from bot.clock import monotonic
from bot.db import schema
from bot.db.encrypted_columns import EncryptedJson, EncryptedText, parsed, written
from bot.db.engine import Database
from bot.db.tenancy import across_workspaces
from bot.keys import ID_LENGTH, KeyMissing, KeyRing, Wrapped
from bot.operations.database_command import open_database
from bot.round_keys import KeyName
from bot.settings import MISSING_TO_RUN, SettingsError, load
from bot.workspaces.installation_store import token_context

BATCH = 50
EVERY_VALUE = "an operator replaces the key of every workspace"
ROTATED = "Re-encrypted with the first key: {counts}."
NOTHING = "Nothing to do: the first key encrypts everything."
KEY_MISSING = (
    "{count} of workspace {workspace} left as before: the key {key_id} is not in IMBALANCE_KEYS. "
    "Put that key back and run this again."
)
CHANGED = (
    "{count} of workspace {workspace} left as before: what is stored was changed, or belongs to "
    "another workspace."
)
DONE = "The other keys in IMBALANCE_KEYS can be removed now."


@dataclass(frozen=True, kw_only=True)
class SealedValues:
    """The values of one table that a key of IMBALANCE_KEYS may have encrypted."""

    noun: str
    table: Table
    context: Callable[[RowMapping], str]
    column: str = "sealed"

    @property
    def key_id(self) -> ColumnElement[str]:
        column: ColumnElement[str] = self.table.c.key_id
        return column

    @property
    def query(self) -> Select[Any]:
        return select(self.table)

    def wrapped_in(self, row: RowMapping) -> Wrapped:
        return Wrapped(key_id=row["key_id"], sealed=row[self.column])

    def columns(self, wrapped: Wrapped) -> dict[str, Any]:
        return {"key_id": wrapped.key_id, self.column: wrapped.sealed}

    def parameter(self, name: str) -> BindParameter[Any]:
        return bindparam(name)


class EncryptedColumn(SealedValues):
    """A column of `bot.db.encrypted_columns`, read and written as it is stored."""

    @property
    def stored(self) -> ColumnElement[str]:
        return type_coerce(self.table.c[self.column], Text)

    @property
    def key_id(self) -> ColumnElement[str]:
        """The key's id, of a round key only its beginning; null: there is no text."""
        return func.nullif(func.substr(self.stored, 1, ID_LENGTH), "")

    @property
    def query(self) -> Select[Any]:
        return select(*self.table.primary_key.columns, self.stored.label(self.column))

    def wrapped_in(self, row: RowMapping) -> Wrapped:
        return parsed(row[self.column])

    def columns(self, wrapped: Wrapped) -> dict[str, Any]:
        return {self.column: written(wrapped)}

    def parameter(self, name: str) -> BindParameter[Any]:
        return bindparam(name, type_=Text)


def _encrypted_columns() -> Iterator[EncryptedColumn]:
    """Yield every column that people's texts are in."""
    for table in schema.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, EncryptedText | EncryptedJson):
                yield EncryptedColumn(
                    noun="message" if table is schema.messages else "text",
                    table=table,
                    column=column.name,
                    context=partial(_place, column.type.place),
                )


def _place(place: str, _: RowMapping) -> str:
    return place


EVERYTHING = (
    SealedValues(
        noun="token",
        table=schema.installations,
        column="sealed_token",
        context=lambda row: token_context(row["workspace_id"]),
    ),
    SealedValues(
        noun="round secret",
        table=schema.metadata.tables["round_secrets"],
        context=lambda row: f"{row['workspace_id']}:{row['round_id']}",
    ),
    SealedValues(
        noun="comment",
        table=schema.round_comments,
        context=lambda row: f"{row['workspace_id']}:{row['round_id']}:comment",
    ),
    SealedValues(
        noun="concern",
        table=schema.concerns,
        context=lambda row: f"{row['workspace_id']}:{row['phase_id']}:concern",
    ),
    *_encrypted_columns(),
)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What was done, by kind of value, and what could not be, by workspace and missing key."""

    rotated: Counter[str] = field(default_factory=Counter)
    left: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # key id "": changed


async def run(_: argparse.Namespace) -> int:
    """Re-encrypt and print what was done; return 1 if something was left as before.

    Raises:
        NotStarted: there is no usable database, or no key.
    """
    settings = load()
    if not settings.keys:
        raise SettingsError((MISSING_TO_RUN["IMBALANCE_KEYS"],))
    async with open_database(settings) as db:
        rotation = await rotate(db, KeyRing(settings.keys))
    counts = ", ".join(_counted(count, noun) for noun, count in rotation.rotated.items())
    print(ROTATED.format(counts=counts) if counts else NOTHING)
    for (workspace, noun, key_id), count in sorted(rotation.left.items()):
        sentence = KEY_MISSING if key_id else CHANGED
        counted = _counted(count, noun)
        print(sentence.format(count=counted, workspace=workspace, key_id=key_id), file=sys.stderr)
    if not rotation.left:
        print(DONE)
    return 1 if rotation.left else 0


async def rotate(db: Database, keys: KeyRing) -> Rotation:
    """Re-encrypt everything that another key than the first one encrypted."""
    rotation = Rotation()
    for values in EVERYTHING:
        last: tuple[Any, ...] | None = None
        while True:
            began = monotonic()
            async with db.transaction() as tx:
                rows = await _next_rows(tx, values, keys, last)
                anew = [_rewrapped(values, keys, row, rotation) for row in rows]
                await _write(tx, values, [one for one in anew if one is not None])
            if not rows:
                break
            last = _key_of(values.table, rows[-1])
            await asyncio.sleep(monotonic() - began)  # the bot's turn: SQLite has one writer
    return rotation


async def _next_rows(
    tx: AsyncConnection, values: SealedValues, keys: KeyRing, last: tuple[Any, ...] | None
) -> list[RowMapping]:
    """Return the next rows that another key encrypted, locked; the bot waits some milliseconds."""
    primary_key = values.table.primary_key.columns
    query = (
        values.query.where(values.key_id.is_not(None), values.key_id != keys.first_id)
        .order_by(*primary_key)
        .limit(BATCH)
        .with_for_update()
    )
    if last is not None:
        query = query.where(tuple_(*primary_key) > tuple_(*last))
    return list((await tx.execute(across_workspaces(query, EVERY_VALUE))).mappings())


def _rewrapped(
    values: SealedValues, keys: KeyRing, row: RowMapping, rotation: Rotation
) -> dict[str, Any] | None:
    """Return the new values of a row, and its key; None: they stay as they are."""
    wrapped, context = values.wrapped_in(row), values.context(row)
    if KeyName.parse(wrapped.key_id) is not None:
        return None
    try:
        anew = keys.wrap(keys.unwrap(wrapped, context), context)
    except KeyMissing:
        rotation.left[row["workspace_id"], values.noun, wrapped.key_id] += 1
        return None
    except ValueError:
        rotation.left[row["workspace_id"], values.noun, ""] += 1
        return None
    rotation.rotated[values.noun] += 1
    key = {f"of_{column.name}": row[column.name] for column in values.table.primary_key.columns}
    return key | values.columns(anew)


async def _write(
    tx: AsyncConnection, values: SealedValues, changes: Sequence[dict[str, Any]]
) -> None:
    """Update these rows in one go."""
    if changes:
        columns = values.table.primary_key.columns
        is_row = [column == bindparam(f"of_{column.name}") for column in columns]
        changed: dict[str, Any] = {
            name: values.parameter(name) for name in changes[0] if not name.startswith("of_")
        }
        await tx.execute(update(values.table).where(*is_row).values(changed), changes)


def _key_of(table: Table, row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key.columns)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
