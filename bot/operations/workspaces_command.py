"""`python -m bot workspaces`: every workspace, whether it works, and what waits there."""

import argparse
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.clock import real_now
from bot.operations.database_command import open_database, print_table
from bot.operations.durations import humanize_duration
from bot.operations.workspace_states import WorkspaceState, workspace_states
from bot.settings import load

NONE = "The database knows no workspace yet."
NEVER = "never"
HEAD = ("WORKSPACE", "NAME", "STATE", "LAST DELIVERY", "HELD", "FAILED", "PHASES")


async def run(options: argparse.Namespace) -> int:
    """Print the workspaces, by id.

    Raises:
        NotStarted: there is no usable database.
    """
    async with open_database(load()) as db, db.reading() as reader:
        found = await workspace_states(reader)
    if options.json:
        print(json.dumps([_as_json(workspace) for workspace in found], indent=2))
        return 0
    if not found:
        print(NONE)
        return 0
    now = real_now()
    print_table([HEAD, *(_cells(workspace, now) for workspace in found)])
    return 0


def described(workspace: WorkspaceState) -> str:
    """Return the state in words, such as "uninstalled since 2026-11-24"."""
    since = workspace.uninstalled_at
    words = str(workspace.condition) + (f" since {since:%Y-%m-%d}" if since else "")
    return f"{words} ({workspace.reason})" if workspace.reason else words


def _cells(workspace: WorkspaceState, now: datetime) -> tuple[str, ...]:
    at, paused = workspace.last_delivery_at, workspace.paused_phases
    return (
        workspace.workspace_id,
        workspace.name,
        described(workspace),
        NEVER if at is None else f"{humanize_duration(now - at)} ago",
        str(workspace.stuck.held),
        str(workspace.stuck.failed),
        f"{workspace.running_phases}" + (f" ({paused} paused)" if paused else ""),
    )


def _as_json(workspace: WorkspaceState) -> Mapping[str, Any]:
    return {
        "workspace": workspace.workspace_id,
        "name": workspace.name,
        "state": workspace.condition,
        "reason": workspace.reason,
        "since": _iso(workspace.uninstalled_at),
        "purged_on": _iso(workspace.purged_on),
        "last_delivery": _iso(workspace.last_delivery_at),
        "held": workspace.stuck.held,
        "failed": workspace.stuck.failed,
        "running_phases": workspace.running_phases,
        "paused_phases": workspace.paused_phases,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
