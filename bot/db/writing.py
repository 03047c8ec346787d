"""Inserts that meet a row already there, spelled the same for both engines."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def _insert(tx: AsyncConnection, table: Table) -> Any:
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


async def insert_if_new(tx: AsyncConnection, table: Table, **values: Any) -> bool:
    """Insert a row unless its key is taken. Returns whether it was new."""
    # Not by rowcount: psycopg's is -1 where it was not told.
    statement = _insert(tx, table).values(**values).on_conflict_do_nothing()
    inserted = await tx.execute(statement.returning(*table.primary_key.columns))
    return inserted.first() is not None


async def put(tx: AsyncConnection, table: Table, key: dict[str, Any], **values: Any) -> None:
    """Insert the row, or change `values` of the one that has this key."""
    statement = _insert(tx, table).values(**key, **values)
    if values:
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=values)
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)
