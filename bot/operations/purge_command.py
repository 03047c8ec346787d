"""`python -m bot purge`: delete everything that the database holds of one workspace."""

import argparse
import sys

from bot.operations.database_command import open_database
from bot.settings import load
from bot.workspaces import store
from bot.workspaces.retention import purge

UNKNOWN = "The database knows no workspace {workspace}. It knows: {known}."
NONE = "none"
STILL_INSTALLED = (
    "{name} ({workspace}) still has the app installed. Remove the app there first, or add --yes; "
    "then stop the bot before, since it stores what happens meanwhile."
)
PURGED = "Deleted all {rows} rows of {name} ({workspace}). Backups still have them."


async def run(options: argparse.Namespace) -> int:
    """Delete a workspace's rows; return the exit code.

    Raises:
        NotStarted: there is no usable database.
    """
    async with open_database(load()) as db, db.transaction() as tx:
        names = await store.known_workspaces(tx)
        name = names.get(options.workspace)
        if name is None:
            known = ", ".join(sorted(names)) or NONE
            print(UNKNOWN.format(workspace=options.workspace, known=known), file=sys.stderr)
            return 1
        installed = options.workspace in await store.installed_workspaces(tx)
        if installed and not options.yes:
            print(STILL_INSTALLED.format(name=name, workspace=options.workspace), file=sys.stderr)
            return 1
        rows = await purge(tx, options.workspace)
    print(PURGED.format(rows=rows, name=name, workspace=options.workspace))
    return 0
