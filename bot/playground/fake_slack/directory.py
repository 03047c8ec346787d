"""The workspaces behind one address, as at Slack: a call finds its workspace by its token."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.model import Json

if TYPE_CHECKING:
    from bot.playground.fake_slack.core import Core
    from bot.playground.fake_slack.oauth import Grant

CLIENT_ID, CLIENT_SECRET = "1234567890.9876543210", "playground-client-secret"


@dataclass(frozen=True, kw_only=True)
class Team:
    """A workspace's id and names."""

    id: str = example_workspace.TEAM_ID
    name: str = example_workspace.TEAM_NAME
    domain: str = example_workspace.TEAM_DOMAIN

    def outward(self, text: str) -> str:
        """Give what leaves the workspace its own id; inside, all have the example's."""
        return text.replace(example_workspace.TEAM_ID, self.id)


@dataclass(kw_only=True)
class Directory:
    """The workspaces, and the app's OAuth settings, which are the same for all of them."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    redirect_urls: list[str] = field(default_factory=list)
    install_url: str = ""  # the app's own page, for the workspace's menu
    cores: list["Core"] = field(default_factory=list)
    grants: dict[str, "Grant"] = field(default_factory=dict)  # by code
    org_token: str = ""

    def core_of(self, token: str, args: Json) -> "Core | None":
        """Return the workspace of a token; of an organisation's, the one that is named."""
        found = [core for core in self.cores if core.install.token == token]
        named = [core for core in found if core.team.id == args.get("team_id")]
        return next(iter(named or found), None)

    def core_with_id(self, team_id: str) -> "Core | None":
        return next((core for core in self.cores if core.team.id == team_id), None)
