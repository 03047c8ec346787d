"""Inserts that may conflict with an existing row, in one form for both engines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Select, Table, literal, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]

#: Rows per statement: the process would keep the memory for all rows of a larger one.
ROWS_PER_STATEMENT = 500


def _insert(tx: AsyncConnection, table: Table) -> Any:
    return _dialect(tx.dialect.name).insert(table)


def _dialect(name: str) -> Any:
    return sqlite if name == "sqlite" else postgresql


async def insert_if_new(tx: AsyncConnection, table: Table, **values: Any) -> bool:
    """Insert a row unless its key is taken. Return whether it was new."""
    # Not by rowcount: psycopg's is -1 if the server did not report it.
    statement = _insert(tx, table).values(**values).on_conflict_do_nothing()
    inserted = await tx.execute(statement.returning(*table.primary_key.columns))
    return inserted.first() is not None


async def upsert(tx: AsyncConnection, table: Table, key: dict[str, Any], **values: Any) -> None:
    """Insert the row, or update `values` of the one that has this key."""
    statement = _insert(tx, table).values(**key, **values)
    if values:
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=values)
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)


async def insert_or_change(
    tx: AsyncConnection, table: Table, row: Row, changes: Row, key: Sequence[str] = ()
) -> None:
    """Insert the row, or apply the changes to the row that has its key.

    The row is locked either way. `key` names the columns of a unique index; the default is the
    primary key.
    """
    index = key or _primary_key(table)
    statement = _insert(tx, table).values(**row)
    await tx.execute(statement.on_conflict_do_update(index_elements=index, set_=changes))


async def insert_or_change_all(
    tx: AsyncConnection,
    table: Table,
    rows: Iterable[Row],
    changes: Callable[[Mapping[str, Any]], Row],
    key: Sequence[str],
) -> None:
    """Insert rows with the same columns, or apply `changes` to those that have their keys.

    `changes` is given the columns of the row that was to be inserted. `key` names the columns of a
    unique index; rows are written in its order, and of rows with the same key the last one wins.
    """
    if ordered := _ordered(key, rows):
        statement = _insert(tx, table)
        changed = changes(statement.excluded)
        await _execute(
            tx, statement.on_conflict_do_update(index_elements=key, set_=changed), ordered
        )


async def insert_from(
    tx: AsyncConnection,
    table: Table,
    parts: Sequence[tuple[Row, Select[Any]]],
    changes: Row | None = None,
    key: Sequence[str] = (),
) -> None:
    """Insert rows with further columns read by queries: one for each row that a query finds.

    All parts give the same columns. If `key`, the columns of a unique index, is taken, apply the
    changes to the row that has it.
    """
    names = [*(column.name for column in parts[0][1].selected_columns), *parts[0][0]]
    selects = [
        query.add_columns(*(literal(value, table.c[name].type) for name, value in row.items()))
        for row, query in parts
    ]
    source = selects[0] if len(selects) == 1 else union_all(*selects)
    statement = _insert(tx, table).from_select(names, source)
    if changes:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)


async def upsert_all(tx: AsyncConnection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows with the same columns, or update those that have their keys.

    Of rows with the same key the last one wins. Rows are written in key order, so that two
    transactions with the same rows do not deadlock, and the order of rows does not tell which came
    first.
    """
    if ordered := _ordered(_primary_key(table), rows):
        columns = tuple(name for name in ordered[0] if not table.c[name].primary_key)
        await _execute(tx, _put_statement(tx.dialect.name, table, columns), ordered)


async def insert_all_if_new(tx: AsyncConnection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows with the same columns, in key order, except those whose keys are taken."""
    if ordered := _ordered(_primary_key(table), rows):
        await _execute(tx, _put_statement(tx.dialect.name, table, ()), ordered)


async def _execute(tx: AsyncConnection, statement: Any, rows: list[Row]) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        chunk = rows[start : start + ROWS_PER_STATEMENT]
        # psycopg runs a list as a pipeline, which is slower than one statement.
        await tx.execute(statement, chunk if len(chunk) > 1 else chunk[0])


def _primary_key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _ordered(key: Sequence[str], rows: Iterable[Row]) -> list[Row]:
    row_by_key = {tuple(row[name] for name in key): row for row in rows}
    return [row_by_key[row_key] for row_key in sorted(row_by_key)]


@cache  # built once, so that SQLAlchemy finds the compiled statement at once
def _put_statement(dialect: str, table: Table, changed: tuple[str, ...]) -> Any:
    statement = _dialect(dialect).insert(table)
    if not changed:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changed},
    )


def padded(values: Iterable[T]) -> list[T]:
    """Return the values for an IN, some of them repeated.

    Padding lists to few lengths makes few different statements.
    """
    distinct = list(dict.fromkeys(values))
    return distinct + distinct[-1:] * ((1 << (len(distinct) - 1).bit_length()) - len(distinct))
