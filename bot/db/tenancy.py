"""Statements that read or change rows of several workspaces at once, marked as such.

Every other statement names one workspace for every table that it touches. Tests check each
statement that the bot executes (`tests/db/workspace_filter.py`), so a filter that was forgotten
fails the first test that runs the query; production pays nothing.
"""

from typing import Any, TypeVar

from sqlalchemy.sql import Executable

#: Name of the execution option that holds the reason.
ACROSS_WORKSPACES = "across_workspaces"

Statement = TypeVar("Statement", bound=Executable)


def across_workspaces(statement: Statement, reason: str) -> Statement:
    """Mark a statement that means every workspace, or ids that are unique over all of them."""
    options: dict[str, Any] = {ACROSS_WORKSPACES: reason}
    return statement.execution_options(**options)
