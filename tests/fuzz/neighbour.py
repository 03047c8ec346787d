"""A second workspace in the database of a recorded state, with the same Slack ids as the first.

It is a copy of the first one's rows, with every text marked and every level another. With
`ids_of_its_own`, the ids that the bot makes differ as well. Nobody uses it: whatever changes in it,
or is shown of it, was reached from the first workspace.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, String, Table, Text
from sqlalchemy.dialects import sqlite

from bot.db import schema
from bot.db.encrypted_columns import EncryptedJson, EncryptedText
from bot.playground.fake_slack.workspace import Workspace
from tests.harness import KEY_RING, WORKSPACE

NEIGHBOUR = "T0OTHER"
MARK = "Confidential"
LOWEST, HIGHEST = 1, 5
OWN_ID = re.compile(r"\b[0-9a-f]{32}\b")
#: Columns from this length on hold names; shorter ones, ids and words that the bot understands.
_NAME_LENGTH = 255
_NO_TEXTS = {"error"}
_WORD_OF_THE_BOT = re.compile(r"[a-z0-9_:.+-]*|[A-Z0-9]+")
_WORKSPACE_PARTS = ("conversations", "views", "stacks", "homes", "files", "contents", "typed")
#: The command's name belongs to the app, so it may be learnt for every workspace at once.
_SHARED = {"command_name"}
#: In real time, random, or of the delivery alone.
_NOT_COMPARED = {"lease_until", "owner", "resume_at", "rate_usage", "retry_at", "sealed", "key_id"}
_RANDOM = (
    (re.compile(r"\b\d{13}\.\d{13}\.[0-9a-f]{32}"), "<trigger>"),
    (re.compile(r"[0-9a-f]{32,64}"), "<id>"),
    (re.compile(r"\b\d{10}\.\w{6,10}\b|\bp\d{16}\b"), "<ts>"),
    (re.compile(r"\b[A-Z][a-z]?0000[0-9A-Z]{5}\b"), "<new>"),
    (re.compile(r"(['\"](?:block|action)_id['\"]: ['\"])\w{5}['\"]"), r"\1<short>"),
)

#: With the keys of the bots of tests, for the encrypted columns.
_DIALECT: Any = sqlite.dialect()
_DIALECT.key_ring = KEY_RING

Row = dict[str, Any]
Rows = dict[str, list[Row]]


def foreign(own_id: str) -> str:
    """Return the neighbour's id of what has this id in the first workspace."""
    return hashlib.sha256(own_id.encode()).hexdigest()[:32]


def ids_in(text: str, rows: Rows) -> list[str]:
    """Return the ids of stored things that occur in a text."""
    return sorted(set(OWN_ID.findall(text)) & set(OWN_ID.findall(str(rows))))


def move_in(file: Path, *, ids_of_its_own: bool) -> None:
    """Add the neighbour. Its rows come before those that they are copies of.

    A query that should find one row and finds both then takes the neighbour's.
    """
    with closing(_connected(file)) as connection:
        for table in _tables():
            own = _rows(connection, table, WORKSPACE)
            connection.execute(f"DELETE FROM {table.name} WHERE workspace_id = ?", [WORKSPACE])
            for row in own:
                _insert(connection, table, _copy_of(table, row, ids_of_its_own=ids_of_its_own))
            for row in own:
                _insert(connection, table, row)
        connection.commit()


def rows_of(file: Path, workspace_id: str) -> Rows:
    """All rows of a workspace, by table, as they are stored, but decrypted."""
    with closing(_connected(file)) as connection:
        return {table.name: _rows(connection, table, workspace_id) for table in _tables()}


def marked_columns(rows: Rows) -> set[str]:
    """Return the columns, as `table.column`, that hold a marked text."""
    return {
        f"{table}.{name}"
        for table, content in rows.items()
        for row in content
        for name, value in row.items()
        if MARK in str(value)
    }


def changed_tables(before: Rows, after: Rows) -> list[str]:
    """Return the tables in which anything differs that belongs to one workspace alone."""
    return [table for table in before if _own(before[table]) != _own(after[table])]


def _own(content: list[Row]) -> list[Row]:
    return [{name: row[name] for name in row if name not in _SHARED} for row in content]


def comparable(rows: Rows) -> dict[str, list[str]]:
    """Return rows as texts that are the same whenever the same has happened."""
    return {
        table: sorted(
            masked(str({name: row[name] for name in row if name not in _NOT_COMPARED}))
            for row in content
        )
        for table, content in rows.items()
    }


def masked(text: str) -> str:
    for pattern, name in _RANDOM:
        text = pattern.sub(name, text)
    return text


def shown(workspace: Workspace) -> Mapping[str, str]:
    """Everything that people of the workspace can see in Slack, by kind."""
    return {part: repr(getattr(workspace, part)) for part in _WORKSPACE_PARTS}


def _tables() -> list[Table]:
    return [table for table in schema.metadata.sorted_tables if "workspace_id" in table.c]


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=30)
    connection.row_factory = sqlite3.Row
    return connection


def _rows(connection: sqlite3.Connection, table: Table, workspace_id: str) -> list[Row]:
    found = connection.execute(f"SELECT * FROM {table.name} WHERE workspace_id = ?", [workspace_id])
    return sorted((_decrypted(table, dict(row)) for row in found), key=str)


def _decrypted(table: Table, row: Row) -> Row:
    """Return the row with JSON as text, encrypted or not."""
    for column in table.columns:
        kind, value = column.type, row[column.name]
        if value and isinstance(kind, EncryptedText):
            row[column.name] = kind.process_result_value(value, _DIALECT)
        elif value and isinstance(kind, EncryptedJson):
            row[column.name] = json.dumps(kind.process_result_value(value, _DIALECT))
    return row


def _encrypted(table: Table, row: Row) -> Row:
    stored = dict(row)
    for column in table.columns:
        kind, value = column.type, row[column.name]
        if value and isinstance(kind, EncryptedText):
            stored[column.name] = kind.process_bind_param(value, _DIALECT)
        elif value and isinstance(kind, EncryptedJson):
            stored[column.name] = kind.process_bind_param(json.loads(value), _DIALECT)
    return stored


def _insert(connection: sqlite3.Connection, table: Table, row: Row) -> None:
    row = _encrypted(table, row)
    names, places = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", [*row.values()])


def _copy_of(table: Table, row: Row, *, ids_of_its_own: bool) -> Row:
    return {
        name: _copied(table, name, value, ids_of_its_own=ids_of_its_own)
        for name, value in row.items()
    }


def _copied(table: Table, name: str, value: Any, *, ids_of_its_own: bool) -> Any:
    if isinstance(value, float):
        return _other_level(value)
    if not isinstance(value, str):
        return value
    if value == WORKSPACE:
        return NEIGHBOUR
    if name not in _NO_TEXTS:
        value = _marked(table.columns[name].type, value)
    return OWN_ID.sub(lambda found: foreign(found[0]), value) if ids_of_its_own else value


def _marked(kind: Any, value: str) -> str:
    if isinstance(kind, JSON | EncryptedJson):
        return json.dumps(_changed(json.loads(value)))
    is_text = isinstance(kind, Text | EncryptedText) or (
        isinstance(kind, String) and kind.length is not None and kind.length >= _NAME_LENGTH
    )
    return f"{MARK} {value}" if is_text else value


def _marked_words(text: str) -> str:
    return text if _WORD_OF_THE_BOT.fullmatch(text) else f"{MARK} {text}"


def _other_level(level: float) -> float:
    return LOWEST + HIGHEST - level if LOWEST <= level <= HIGHEST else level


def _changed(value: Any) -> Any:
    """Return JSON with marked texts and other levels."""
    if isinstance(value, str):
        return _marked_words(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _other_level(value)
    if isinstance(value, list):
        return [_changed(one) for one in value]
    if isinstance(value, dict):
        return {name: _changed(one) for name, one in value.items()}
    return value
