"""`python -m bot audit`: what leads, admins and operators changed; never an answer."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from bot.operations.database_command import open_database, print_table
from bot.settings import load
from bot.workspaces import store
from bot.workspaces.audit_log import change_of
from bot.workspaces.store import AuditEntry

NONE = "Nothing has been changed yet."
MORE = "Older entries are not shown: --limit shows more."
HEAD = ("TIME (UTC)", "WORKSPACE", "WHO", "ACTION", "SUBJECT", "CHANGE")


async def run(options: argparse.Namespace) -> int:
    """Print the newest entries of the audit log.

    Raises:
        NotStarted: there is no usable database.
    """
    async with open_database(load()) as db, db.reading() as reader:
        found = await store.audit_of(reader, options.workspace, options.limit + 1)
    entries = found[: options.limit]
    if options.json:
        print(json.dumps([_as_json(entry) for entry in entries], indent=2))
        return 0
    if not entries:
        print(NONE)
        return 0
    print_table([HEAD, *(_cells(entry) for entry in entries)])
    if len(found) > len(entries):
        print(MORE)
    return 0


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.workspace_id,
        entry.actor_id,
        entry.action,
        entry.subject,
        change_of(entry),
    )


def _as_json(entry: AuditEntry) -> Mapping[str, Any]:
    return {**vars(entry), "at": entry.at.isoformat()}
