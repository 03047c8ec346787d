"""The fake Slack: an aiohttp server with the API, the people and the page."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground import example_phases
from bot.playground.fake_slack import (
    api_files,
    api_marks,
    authorize_page,
    example_workspace,
    messages,
    responses,
    web_api,
    workspace_changes,
)
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import APP_TOKEN, SIGNING_SECRET, Call, Core, Hooks
from bot.playground.fake_slack.directory import Directory, Team
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.model import Conversation, Json, User
from bot.playground.fake_slack.people import Person
from bot.playground.fake_slack.simulated_team import answer_open_questions
from bot.playground.fake_slack.store import Store
from bot.playground.fake_slack.workspace import Workspace
from bot.playground.fake_slack.workspace_changes import EventDelivery
from bot.playground.page import api

SHUTDOWN_SECONDS = 1.0
MAX_REQUEST_BYTES = 20 * 1024 * 1024


class FakeSlack:
    """A workspace that the bot can be installed in."""

    core: Core
    app_token = APP_TOKEN
    signing_secret = SIGNING_SECRET

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        manifest: Path | Mapping[str, Any] | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        store: Path | None = None,
        team: Team | None = None,
        beside: "FakeSlack | None" = None,
    ) -> None:
        """Build the server; `clock` is business time, `manifest` grants scopes and events.

        With `store` (a JSON file) the workspace outlives the process. `team` names it; it is in one
        Slack with the workspace `beside`, whose address then serves the Web API of both.
        """
        others: Directory | None = beside.core.directory if beside else None
        self.core = Core(clock, manifest, team, others)
        if beside is not None:
            self.core.hooks = beside.core.hooks  # the same clock
        self._host, self._port = host, port
        self.store = Store(self.core, store) if store else None
        self._runner: web.AppRunner | None = None

    # ------------------------------------------------------------ running

    async def start(self) -> None:
        """Start listening.

        Raises:
            OSError: the port is taken.
        """
        if self.store is not None:
            self.store.load()
        application = _application(self.core)
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        port = self._runner.addresses[0][1]
        self.core.url = f"http://{self._host}:{port}"

    async def stop(self) -> None:
        """Close every connection, save the workspace, stop."""
        core = self.core
        core.faults.stopping.set()
        await core.work.cancel()
        await core.sockets.close()
        await core.stream.close()
        await core.http.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self.store is not None:
            await self.store.close()

    @property
    def bot_token(self) -> str:
        return self.core.install.token

    @property
    def url(self) -> str:
        return self.core.url

    @property
    def api_url(self) -> str:
        return f"{self.core.url}/api/"

    @property
    def request_url(self) -> str | None:
        """The URL for signed HTTP, or None for Socket Mode."""
        return self.core.http.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.core.http.request_url = url

    # ------------------------------------------------------------ inspecting

    @property
    def workspace(self) -> Workspace:
        return self.core.workspace

    @property
    def calls(self) -> list[Call]:
        """The app's Web API calls, newest last."""
        return self.core.calls

    @property
    def problems(self) -> list[str]:
        """The app's failures that people would have noticed; empty in a good test."""
        return self.core.problems

    @property
    def scopes(self) -> set[str]:
        """The app's scopes, initially those of the manifest."""
        return self.core.manifest.scopes

    @property
    def directory(self) -> Directory:
        """The app's OAuth settings, and the workspaces of this Slack."""
        return self.core.directory

    def register(self, public_url: str, install_path: str = "/slack/install") -> None:
        """Register the app's address for OAuth, as its settings in Slack have it."""
        self.directory.redirect_urls = [public_url]
        self.directory.install_url = public_url + install_path

    @property
    def installation(self) -> Json | None:
        """The app's installation in this workspace; None: it is not installed here."""
        install = self.core.install
        if not install.is_installed or install.revoked:
            return None
        return {
            "app_id": example_workspace.APP_ID,
            "team_id": self.core.team.id,
            "team_name": self.core.team.name,
            "bot_token": install.token,
            "bot_id": example_workspace.BOT_ID,
            "bot_user_id": example_workspace.BOT_USER_ID,
            "bot_scopes": ",".join(sorted(self.scopes)),
            "user_id": install.installer,
        }

    @property
    def faults(self) -> Faults:
        return self.core.faults

    @property
    def hooks(self) -> Hooks:
        return self.core.hooks

    async def settled(self, timeout: float = 5) -> None:
        """Wait until no envelope is unacknowledged and no request is open.

        Raises:
            TimeoutError: one still is; the message names it.
        """
        await self.core.work.settled(timeout)

    def reset(self) -> None:
        """Restore the initial workspace, without messages or faults."""
        self.core.workspace.reset()
        self.core.faults.clear()
        self.core.calls.clear()
        self.core.problems.clear()
        self.core.install.revoked, self.core.install.is_installed = "", True
        self.core.stream.on_change()

    # ------------------------------------------------------------ acting as people

    def as_user(self, user_id: str) -> Person:
        if user_id not in self.workspace.users:
            raise LookupError(f"nobody is {user_id}")
        return Person(self.core, user_id)

    async def let_team_answer(self) -> int:
        """Let every member answer their open questions. Return the number of people who did."""
        return await answer_open_questions(self.core)

    async def build_example(self, report: example_phases.Report | None = None) -> None:
        """Build a finished and a running phase by acting as people and moving the clock.

        Raises:
            ExampleRefused: something has happened here already, or the app did not play along.
        """
        await example_phases.build(self.core, report)

    async def interact(self, payload: Json) -> Any:
        """Deliver an interaction exactly as given, even if forged."""
        return await self.core.dispatch.request("interactive", payload)

    async def check_certificate(self) -> AppResponse:
        """Check the certificate of the request URL, as Slack does now and then."""
        return await self.core.http.check_certificate()

    async def report_rate_limit(self) -> AppResponse:
        """Report that the app's events are limited: a payload of its own type, not an event."""
        payload = {
            "type": "app_rate_limited",
            "token": "playground",
            "team_id": self.core.team.id,
            "minute_rate_limited": self.core.ids.now_seconds() // 60 * 60,
            "api_app_id": example_workspace.APP_ID,
        }
        return await self.core.dispatch.request("events_api", payload)

    # ------------------------------------------------------------ changing the workspace

    async def emit(self, event: Json) -> bool:
        """Deliver an event without changing the state. Return whether it was acknowledged.

        Raises:
            ValueError: the installed app would not receive it.
        """
        channel = event.get("channel") or event.get("channel_id")
        channel_id = channel.get("id") if isinstance(channel, dict) else channel
        conversation = self.workspace.conversations.get(channel_id or "")
        return await self.core.events.emit_or_raise(event, conversation)

    def _channel(self, channel_id: str) -> Conversation:
        return self.workspace.conversations[channel_id]

    def deactivate(self, user_id: str) -> EventDelivery:
        """Close an account.

        This and the following methods change the state at once and send the app an event; await the
        result, if there is one, to wait for its acknowledgement.
        """
        return self.change_user(user_id, deleted=True)

    def set_tz(self, user_id: str, tz: str) -> EventDelivery:
        return self.change_user(user_id, tz=tz)

    def change_user(self, user_id: str, **changes: Any) -> EventDelivery:
        return workspace_changes.change_user(self.core, self.workspace.users[user_id], **changes)

    def add_user(self, user: User) -> EventDelivery:
        return workspace_changes.add_user(self.core, user)

    def join(self, channel_id: str, user_id: str, inviter: str | None = None) -> EventDelivery:
        return workspace_changes.join(self.core, self._channel(channel_id), user_id, inviter)

    def leave(self, channel_id: str, user_id: str) -> EventDelivery:
        return workspace_changes.leave(self.core, self._channel(channel_id), user_id)

    def archive(self, channel_id: str, by: str = example_workspace.OWNER) -> EventDelivery:
        return workspace_changes.archive(self.core, self._channel(channel_id), by)

    def unarchive(self, channel_id: str, by: str = example_workspace.OWNER) -> EventDelivery:
        return workspace_changes.archive(self.core, self._channel(channel_id), by, undo=True)

    def rename(self, channel_id: str, name: str) -> EventDelivery:
        return workspace_changes.rename(self.core, self._channel(channel_id), name)

    def delete_channel(self, channel_id: str) -> EventDelivery:
        return workspace_changes.delete(self.core, self._channel(channel_id))

    def change_channel_id(self, channel_id: str, new_id: str) -> EventDelivery:
        return workspace_changes.change_id(self.core, self._channel(channel_id), new_id)

    def restrict(self, channel_id: str, error: str = "restricted_action") -> None:
        """Stop the app from posting there; an empty `error` allows it again."""
        workspace_changes.restrict(self.core, self._channel(channel_id), error)

    def delete_message(self, channel_id: str, ts: str) -> None:
        """Delete a message as an admin."""
        conversation = self._channel(channel_id)
        messages.delete(self.core, conversation, conversation.messages[ts])

    def open_group_message(self, *user_ids: str) -> Conversation:
        """Open a group direct message of people, without the app."""
        return self.workspace.open_group_message(list(user_ids))

    def post_as_other_app(self, channel_id: str, text: str, **content: Any) -> Json:
        """Post a message of another app, for example with our type of metadata."""
        message = messages.by_other_app({"text": text, **content})
        return messages.post(self.core, self._channel(channel_id), message)

    def fill_pins_and_bookmarks(self, channel_id: str) -> None:
        """Leave no room for another pin or bookmark."""
        api_marks.fill(self.core, self._channel(channel_id))

    def crowd(self, channel_id: str, count: int) -> None:
        """Let many more people be in a channel, without events."""
        for number in range(count):
            person = self.copy_of(example_workspace.LEAD, id=f"U1{number:05}", name=f"p{number}")
            self.workspace.users[person.id] = person
            self._channel(channel_id).members.append(person.id)

    def reinstall(self) -> None:
        workspace_changes.reinstall(self.core)

    def remove_app(self) -> None:
        """Let the app not be installed in this workspace; it is told nothing."""
        self.core.install.is_installed = False

    def revoke_token(self, error: str = "token_revoked") -> EventDelivery:
        return workspace_changes.revoke(self.core, error)

    def uninstall(self) -> EventDelivery:
        return workspace_changes.uninstall(self.core)

    def join_organization(self) -> None:
        """Move the workspace into an organisation on Enterprise Grid."""
        workspace_changes.join_organization(self.core)

    def install_org_wide(self) -> None:
        """Install the app in the organisation; `grant_access` then adds the workspace."""
        workspace_changes.install_org_wide(self.core)

    def grant_access(self) -> EventDelivery:
        return workspace_changes.grant_access(self.core)

    def revoke_access(self) -> EventDelivery:
        return workspace_changes.revoke_access(self.core)

    def copy_of(self, user_id: str, **changes: Any) -> User:
        """Return a copy of a person, for `add_user`."""
        return replace(self.workspace.users[user_id], **changes)


def _application(core: Core) -> web.Application:
    application = web.Application(client_max_size=MAX_REQUEST_BYTES)
    router = application.router
    for verb in ("GET", "POST"):
        router.add_route(verb, "/api/{method}", partial(web_api.serve, core))
    router.add_get("/link/", core.sockets.serve)
    router.add_post("/upload/v1/{file_id}", partial(api_files.upload, core))
    router.add_post("/hooks/{kind}/{digits}/{secret}", partial(responses.serve, core))
    api.add_routes(application, core)
    authorize_page.add_routes(application, core)
    return application
