"""Inserts that meet a row already there, spelled the same for both engines."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Select, Table, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]

#: Rows handed over together: the memory for all of them would stay with the process.
AT_ONCE = 500


def _insert(tx: AsyncConnection, table: Table) -> Any:
    return _dialect(tx.dialect.name).insert(table)


def _dialect(name: str) -> Any:
    return sqlite if name == "sqlite" else postgresql


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


async def insert_or_change(
    tx: AsyncConnection, table: Table, row: Row, changes: Row, key: Sequence[str] = ()
) -> None:
    """Insert the row, or make these changes to the one that has its key; it is held either way.

    `key` names the columns of a unique index; without any it is the primary key.
    """
    index = key or [column.name for column in table.primary_key.columns]
    statement = _insert(tx, table).values(**row)
    await tx.execute(statement.on_conflict_do_update(index_elements=index, set_=changes))


async def insert_from(
    tx: AsyncConnection,
    table: Table,
    row: Row,
    query: Select[Any],
    changes: Row | None = None,
    key: Sequence[str] = (),
) -> None:
    """Insert the row with further columns read by `query`, once for each row that it finds.

    Where `key`, the columns of a unique index, is taken, make these changes to the row that has it.
    """
    columns = table.c
    given = [literal(value, columns[name].type) for name, value in row.items()]
    found = [column.name for column in query.selected_columns]
    statement = _insert(tx, table).from_select([*found, *row], query.add_columns(*given))
    if changes:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)


async def put_all(tx: AsyncConnection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows with the same columns, or change those that have their keys; the last one counts.

    In the order of these keys, so that two transactions with the same rows do not block each
    other, and nothing tells who came first.
    """
    if ordered := _ordered(table, rows):
        columns = tuple(name for name in ordered[0] if not table.c[name].primary_key)
        await _execute(tx, _put_statement(tx.dialect.name, table, columns), ordered)


async def put_all_if_new(tx: AsyncConnection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows with the same columns, but those whose keys are taken; in the keys' order."""
    if ordered := _ordered(table, rows):
        await _execute(tx, _put_statement(tx.dialect.name, table, ()), ordered)


async def _execute(tx: AsyncConnection, statement: Any, rows: list[Row]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        # psycopg makes a pipeline of a list, which takes longer than one statement does.
        await tx.execute(statement, some if len(some) > 1 else some[0])


def _ordered(table: Table, rows: Iterable[Row]) -> list[Row]:
    key = [column.name for column in table.primary_key.columns]
    last = {tuple(row[name] for name in key): row for row in rows}
    return [last[place] for place in sorted(last)]


@cache  # made once: SQLAlchemy then finds at once what it compiled
def _put_statement(dialect: str, table: Table, changed: tuple[str, ...]) -> Any:
    statement = _dialect(dialect).insert(table)
    if not changed:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changed},
    )


def padded(values: Iterable[T]) -> list[T]:
    """The values for an IN, some repeated: lists of few lengths make few different statements."""
    found = list(dict.fromkeys(values))
    return found + found[-1:] * ((1 << (len(found) - 1).bit_length()) - len(found))
