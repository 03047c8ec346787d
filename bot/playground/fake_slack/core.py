"""State shared by all parts of the fake Slack, built once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.playground.fake_slack.directory import Directory, Team
from bot.playground.fake_slack.dispatch import Dispatch
from bot.playground.fake_slack.events import Events
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.in_flight import InFlight
from bot.playground.fake_slack.manifest import Manifest
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.organization import Install
from bot.playground.fake_slack.response_urls import ResponseUrls
from bot.playground.fake_slack.signed_http import SignedHttp
from bot.playground.fake_slack.sockets import Sockets
from bot.playground.fake_slack.stream import Stream
from bot.playground.fake_slack.triggers import Triggers
from bot.playground.fake_slack.workspace import Workspace

BOT_TOKEN, APP_TOKEN = Install().token, "xapp-playground"
SIGNING_SECRET = "playground-signing-secret"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A Web API call as received, with its response."""

    method: str
    args: Json
    token: str
    at: datetime  # business time
    response: Json


@dataclass(kw_only=True)
class Hooks:
    """Callbacks from whoever starts it: control of the business clock for the page."""

    advance: Callable[[str], Awaitable[object]] | None = None  # hour, day, next
    next_event: Callable[[], Awaitable[datetime | None]] | None = None
    reset: Callable[[], Awaitable[object]] | None = None
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)  # one step at a time


class Core:
    """The parts, none of which depends on the server."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        manifest: Path | Mapping[str, Any] | None,
        team: Team | None = None,
        directory: Directory | None = None,
    ) -> None:
        """Build a workspace, in the directory of others if there are some."""
        self.team = team or Team()
        self.directory = directory or Directory()
        self.directory.cores.append(self)
        self.url = ""
        self.ids = Ids(clock)
        self.workspace = Workspace(self.ids)
        self.manifest = Manifest(manifest)
        self.faults = Faults()
        self.work = InFlight()
        self.sockets = Sockets(self.ids, self.faults)
        self.faults.sockets = self.sockets
        self.http = SignedHttp(self.ids, SIGNING_SECRET, self.team.outward)
        self.dispatch = Dispatch(self.work, self.faults, self.sockets, self.http)
        self.install = Install()
        self.events = Events(self.ids, self.manifest, self.dispatch, self.work, self.install)
        self.stream = Stream()
        self.triggers = Triggers(self.ids)
        self.tickets = ResponseUrls(self.ids)
        self.hooks = Hooks()
        self.building: Json | None = None  # days done and in total, while the example is built
        self.calls: list[Call] = []

    @property
    def problems(self) -> list[str]:
        """Return the app's failures that people would notice."""
        return self.dispatch.problems

    def has_file(self, file_id: str) -> bool:
        """Return whether a picture can be shown by this id: uploaded, completed, and processed."""
        file = self.workspace.files.get(file_id)
        if file is None or not file.completed:
            return False
        if self.faults.unprocessed_files > 0:
            self.faults.unprocessed_files -= 1
            return False
        return True

    def later(self, act: Callable[[], object]) -> None:
        """Do it once the response being prepared has been sent."""
        asyncio.get_running_loop().call_soon(act)
