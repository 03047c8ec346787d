"""The Slack of the soak test: many workspaces, at business time.

Now and then a post fails, or takes effect and its answer is lost, so that the bot has to find out.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from tests.soak.simulated_workspace import CHANNEL, SimulatedWorkspace
from tests.stub_slack.faults import POST, Faults
from tests.stub_slack.server import StubServer
from tests.stub_slack.workspace import (
    Json,
    StubPost,
    StubWorkspace,
    channel_object,
    decoded,
)

#: Shares of the posts.
FAULTS = {"500 before": 0.002, "429": 0.002, "500 after": 0.002, "reset after": 0.002}
#: The comments in answers, each with its own number.
COMMENT = re.compile(r"remark \d+ of mine")


@dataclass(frozen=True, kw_only=True)
class Post(StubPost):
    """A posted message, and what the people do with it."""

    workspace_id: str
    at: datetime
    button_values: Mapping[str, str]  # by action id
    comments: frozenset[str] = frozenset()  # comments that it quotes

    @property
    def asks_in_round(self) -> str | None:
        """The round of questions and reminders; None for other messages."""
        return self.button_values.get("rounds.skip")

    @property
    def is_reminder(self) -> bool:
        return self.asks_in_round is not None and self.text.startswith("Still open")


@dataclass(kw_only=True)
class Account(StubWorkspace):
    """The content of one workspace."""

    workspace: SimulatedWorkspace
    slack: "Slack"

    def now(self) -> datetime:
        return self.slack.now()

    def members(self, channel: str) -> Sequence[str]:
        return sorted(self.workspace.members)

    def profile(self, user_id: str) -> Json:
        return profile(self.workspace, user_id)

    def new_post(self, args: Json, post: StubPost) -> Post:
        blocks = decoded(args["blocks"])
        new = Post(
            **vars(post),
            workspace_id=self.team_id,
            at=self.now(),
            button_values=_button_values(blocks),
            comments=frozenset(COMMENT.findall(json.dumps(blocks))),
        )
        self.slack.new_posts.append(new)
        return new

    def _users_conversations(self, _: Json) -> Json:
        return {"channels": [channel_object(CHANNEL)]}


class Slack(StubServer):
    """All workspaces; `now` is business time."""

    def __init__(
        self, now: Callable[[], datetime], workspaces: list[SimulatedWorkspace], seed: int
    ) -> None:
        super().__init__(Faults(seed, FAULTS))
        self.now = now
        self.accounts = {
            one.token: Account(team_id=one.workspace_id, workspace=one, slack=self)
            for one in workspaces
        }
        self.new_posts: list[Post] = []

    def workspace_of(self, token: str) -> StubWorkspace:
        return self.accounts[token]

    async def respond(
        self, request: web.Request, method: str, args: Json, workspace: StubWorkspace
    ) -> web.StreamResponse:
        if method == POST:
            return await super().respond(request, method, args, workspace)
        return web.json_response(workspace.call(method, args))


def profile(workspace: SimulatedWorkspace, user: str) -> Json:
    """A user object as Slack sends it."""
    someone = workspace.reference_model.people[user]
    return {
        **StubWorkspace(team_id=workspace.workspace_id).profile(user),
        "tz": someone.zone,
        "deleted": someone.is_closed,
    }


def _button_values(blocks: list[Json]) -> dict[str, str]:
    found = {}
    for block in blocks:
        for element in block.get("elements", ()):
            if "value" in element:
                found[element["action_id"]] = element["value"]
    return found
