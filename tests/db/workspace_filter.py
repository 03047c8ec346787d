"""A check of every statement that the bot executes: each table is limited to one workspace."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BindParameter, CompoundSelect, Insert, Select, Table
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ClauseElement, TextClause
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause

import bot
from bot.db.schema import metadata
from bot.db.tenancy import ACROSS_WORKSPACES

FOLDER = str(Path(bot.__file__).parent)
COLUMN = "workspace_id"
MISSING = (
    "{table} is not limited to one workspace in:\n{statement}\nCompare its workspace_id with a "
    "value, or mark the statement with across_workspaces(statement, reason)."
)
RAW = "Raw SQL may name a table: mark it with across_workspaces(statement, reason).\n{statement}"


class WorkspaceMissing(AssertionError):
    """A statement would reach the rows of every workspace."""


def check(statement: Any) -> None:
    """Refuse a statement that does not limit each of its tables to one workspace.

    Raises:
        WorkspaceMissing: a table is reached without its workspace.
    """
    if not isinstance(statement, ClauseElement):
        return
    if statement.get_execution_options().get(ACROSS_WORKSPACES):  # type: ignore[attr-defined]
        return
    if isinstance(statement, TextClause):
        if any(name in statement.text for name in metadata.tables):
            raise WorkspaceMissing(RAW.format(statement=statement))
        return
    found = _Tables()
    found.visit(statement, target=not isinstance(statement, Insert))
    for table in found.unlimited():
        raise WorkspaceMissing(MISSING.format(table=table, statement=statement))


class _Tables:
    """The tables of one statement, and what their workspaces are compared with."""

    def __init__(self) -> None:
        self.tables: set[FromClause] = set()
        self.limited: set[FromClause] = set()
        self.equal: list[tuple[FromClause, FromClause]] = []
        self._visited: set[int] = set()

    def unlimited(self) -> list[str]:
        """Names of the tables that no value limits, directly or through another table."""
        limited = set(self.limited)
        while more := {
            this
            for pair in self.equal
            for this, other in (pair, pair[::-1])
            if other in limited and this not in limited
        }:
            limited |= more
        return sorted(str(getattr(table, "name", table)) for table in self.tables - limited)

    def visit(self, element: Any, *, target: bool = True, alternative: bool = False) -> None:
        """Collect from an element; comparisons in an alternative of OR or NOT limit nothing."""
        if isinstance(element, Table):
            if target and COLUMN in element.c:
                self.tables.add(element)
            return
        if isinstance(element, AliasedReturnsRows) and not self._is_new(element):
            return
        if isinstance(element, BinaryExpression) and not alternative:
            self._compare(element)
        inner = isinstance(element, Select | CompoundSelect)
        alternative = not inner and (alternative or _is_alternative(element))
        for child in _children(element):
            skipped = isinstance(element, Insert) and child is element.table
            self.visit(child, target=not skipped, alternative=alternative)

    def _is_new(self, element: AliasedReturnsRows) -> bool:
        """Note a subquery or an alias once, and tie it to what it selects from."""
        if id(element) in self._visited:
            return False
        self._visited.add(id(element))
        source: Any = element.element
        if isinstance(source, Table):
            if COLUMN in source.c:
                self.tables.add(element)
            return False
        selected = getattr(source, "selected_columns", None)
        if selected is not None and COLUMN in selected:
            self.equal.append((element, selected[COLUMN].table))
        return True

    def _compare(self, element: BinaryExpression[Any]) -> None:
        sides = (element.left, element.right)
        owners = [
            side.table
            for side in sides
            if getattr(side, "name", "") == COLUMN and getattr(side, "table", None) is not None
        ]
        if element.operator is not operators.eq or not owners:
            return
        if len(owners) == len(sides):
            self.equal.append((owners[0], owners[1]))
        elif any(isinstance(side, BindParameter) for side in sides):
            self.limited.add(owners[0])


def _is_alternative(element: Any) -> bool:
    if isinstance(element, BooleanClauseList):
        return element.operator is operators.or_
    return getattr(element, "operator", None) is operators.inv


def _children(element: Any) -> Iterator[Any]:
    return (
        iter(element.get_children())
        if isinstance(element, visitors.HasTraverseInternals)
        else iter(())
    )


def check_statements_of_the_bot(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Check what the bot executes from now on; return the list to which faults will be added.

    They do not end the statement: the bot might catch that, and try again for ever. A test's own
    statements are free.
    """
    known: set[Any] = set()
    faults: list[str] = []

    def checking(method: Callable[..., Any]) -> Callable[..., Any]:
        def execute(self: AsyncConnection, statement: Any, *args: Any, **options: Any) -> Any:
            place = _place_in_bot()
            key = statement._generate_cache_key() if place else None
            name = key.key if key is not None else None
            if place and (name is None or name not in known):
                try:
                    check(statement)
                    known.add(name)
                except WorkspaceMissing as fault:
                    faults.append(f"{place}: {fault}")
            return method(self, statement, *args, **options)

        return execute

    for name in ("execute", "stream"):
        monkeypatch.setattr(AsyncConnection, name, checking(getattr(AsyncConnection, name)))
    return faults


def _place_in_bot() -> str | None:
    """Return the file and line that execute a statement, if they are the bot's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and "sqlalchemy" in frame.f_code.co_filename:
        frame = frame.f_back
    file = frame.f_code.co_filename
    return f"{file}:{frame.f_lineno}" if file.startswith(FOLDER) else None
