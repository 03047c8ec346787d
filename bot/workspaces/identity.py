"""Whether a bot token fits this installation: it is for one workspace, the database's own."""

from collections.abc import Mapping
from typing import Any

ORG_WIDE = (
    "SLACK_BOT_TOKEN belongs to an installation of the app for a whole organization, which "
    "Imbalance does not support. Install the app in one workspace, and use the token from there."
)
NOT_A_BOT = (
    "SLACK_BOT_TOKEN does not belong to a bot in a workspace: Slack names no {missing} for it. "
    "Copy the Bot User OAuth Token from the app's settings."
)
OTHER_WORKSPACE = (
    "The database of DATABASE_URL belongs to the workspace {theirs}, but SLACK_BOT_TOKEN to "
    "{ours}. Use that workspace's token, or another database: what is due in {theirs} must not be "
    "sent with another workspace's token."
)


def token_problem(identity: Mapping[str, Any], known: Mapping[str, str]) -> str | None:
    """Return what is wrong with the token that auth.test identified, or None.

    `known` holds the names of the workspaces in the database, by their ids.
    """
    if identity.get("is_enterprise_install") in (True, "true"):
        return ORG_WIDE
    missing = [name for name in ("team_id", "user_id") if not identity.get(name)]
    if missing:
        return NOT_A_BOT.format(missing=" and no ".join(missing))
    workspace_id = identity["team_id"]
    others = {other: name for other, name in known.items() if other != workspace_id}
    if others:
        ours = _named(workspace_id, identity.get("team"))
        theirs = ", ".join(_named(*other) for other in sorted(others.items()))
        return OTHER_WORKSPACE.format(ours=ours, theirs=theirs)
    return None


def _named(workspace_id: str, name: str | None) -> str:
    return f"{name} ({workspace_id})" if name and name != workspace_id else workspace_id
