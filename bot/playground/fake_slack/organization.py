"""Enterprise Grid: the organisation of the workspace, and what Slack then sends and asks for.

https://docs.slack.dev/enterprise/organization-ready-apps
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.rate_limits import RateLimits

ORG_ID, ORG_NAME = "E0ORG", "Northwind Group"
_ABOUT_THE_APP = {
    *("app_uninstalled", "tokens_revoked"),
    *("team_access_granted", "team_access_revoked"),
}
#: They name the organisation, but none of its workspaces.
_OF_THE_ORGANIZATION = _ABOUT_THE_APP | {"team_join", "user_change"}
#: Also without access to a workspace.
_ALWAYS_ALLOWED = {"auth.test", "api.test"}


@dataclass(kw_only=True)
class Install:
    """The state of the app's installation: whether its bot token works, and where it is valid."""

    token: str = "xoxb-playground"
    installer: str = ""  # the person who installed it through OAuth
    is_installed: bool = True  # otherwise the app is not in the workspace at all
    revoked: str = ""  # the error returned by every call: token_revoked, account_inactive
    is_in_organization: bool = False  # the workspace, whoever installed the app
    is_org_wide: bool = False  # installed in the organisation instead of the workspace
    has_access: bool = True  # an installation in the organisation covers the workspace
    limits: RateLimits = field(default_factory=RateLimits)

    def receives(self, event: Json) -> bool:
        """Return whether Slack tells the app of this: it has access, or the event is about that."""
        if not self.is_installed:
            return False
        return self.has_access or not self.is_org_wide or event["type"] in _ABOUT_THE_APP

    @property
    def is_usable(self) -> bool:
        """Return whether people in the workspace find the app there."""
        return self.is_installed and (self.has_access or not self.is_org_wide)


def identity(install: Install) -> Json:
    """Return what auth.test says instead; the organisation takes the place of the workspace."""
    if not install.is_org_wide:
        return {"enterprise_id": ORG_ID} if install.is_in_organization else {}
    return {
        "team": ORG_NAME,
        "team_id": ORG_ID,
        "enterprise_id": ORG_ID,
        "is_enterprise_install": True,
    }


def of_command(install: Install) -> Json:
    """Return the fields of a command, which names its workspace in any case."""
    shape: Json = {"is_enterprise_install": str(install.is_org_wide).lower()}
    if install.is_org_wide or install.is_in_organization:
        shape |= {"enterprise_id": ORG_ID, "enterprise_name": ORG_NAME}
    return shape


def of_interaction(install: Install, team: Json) -> Json:
    """Return the fields of an interaction; of an organisation's app it names no workspace."""
    if install.is_org_wide:
        team, organization = {}, {"id": ORG_ID, "name": ORG_NAME}
    elif install.is_in_organization:
        organization = {"id": ORG_ID, "name": ORG_NAME}
        team = team | {"enterprise_id": ORG_ID, "enterprise_name": ORG_NAME}
    else:
        organization = {}
    return {
        "team": team or None,
        "enterprise": organization or None,
        "is_enterprise_install": install.is_org_wide,
    }


def of_view(install: Install) -> Json:
    """Return where the app of a view is installed."""
    return {"app_installed_team_id": ORG_ID if install.is_org_wide else example_workspace.TEAM_ID}


def of_event(install: Install, event: Json) -> Json:
    """Return the parts of an event's envelope that say where it happened, and who is authorized."""
    organization_id = ORG_ID if install.is_org_wide or install.is_in_organization else None
    authorization = {
        "enterprise_id": organization_id,
        "team_id": None if install.is_org_wide else example_workspace.TEAM_ID,
        "user_id": example_workspace.BOT_USER_ID,
        "is_bot": True,
        "is_enterprise_install": install.is_org_wide,
    }
    shape: Json = {"authorizations": [authorization], "context_enterprise_id": organization_id}
    if organization_id:
        shape["enterprise_id"] = organization_id
    if install.is_org_wide and event["type"] in _OF_THE_ORGANIZATION:
        return shape
    return shape | {
        "team_id": example_workspace.TEAM_ID,
        "context_team_id": example_workspace.TEAM_ID,
    }


def require_access(install: Install, method: str, args: Mapping[str, Any], *, lists: bool) -> None:
    """Refuse an organisation's token where it is not valid; what lists must be told the workspace.

    Raises:
        SlackError: team_access_not_granted, missing_argument.
    """
    if not install.is_org_wide or method in _ALWAYS_ALLOWED:
        return
    team_id = args.get("team_id")
    if lists and not team_id:
        raise SlackError("missing_argument")
    if not install.has_access or (lists and team_id != example_workspace.TEAM_ID):
        raise SlackError("team_access_not_granted")
