"""The stand-in: one aiohttp server that plays Slack, its people and its page."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground.fake_slack import (
    api_files,
    example_workspace,
    messages,
    responses,
    web_api,
    workspace_changes,
)
from bot.playground.fake_slack.core import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Call, Core, Hooks
from bot.playground.fake_slack.faults import Faults
from bot.playground.fake_slack.model import Conversation, Json, User
from bot.playground.fake_slack.people import Person
from bot.playground.fake_slack.simulated_team import answer_for_the_team
from bot.playground.fake_slack.store import Store
from bot.playground.fake_slack.workspace import Workspace
from bot.playground.fake_slack.workspace_changes import Heard
from bot.playground.page import api

SHUTDOWN_SECONDS = 1.0
LARGEST_REQUEST = 20 * 1024 * 1024


class FakeSlack:
    """A workspace that the bot can be installed in."""

    bot_token = BOT_TOKEN
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
    ) -> None:
        """`clock` is business time; `manifest` says what the app may do and is told.

        With `store` (a JSON file) the workspace outlives the process.
        """
        self.core = Core(clock, manifest)
        self._host, self._port = host, port
        self.store = Store(self.core, store) if store else None
        self._runner: web.AppRunner | None = None

    # ------------------------------------------------------------ to run it

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
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
        """Say goodbye to every connection, keep the workspace, close."""
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
    def url(self) -> str:
        return self.core.url

    @property
    def api_url(self) -> str:
        return f"{self.core.url}/api/"

    @property
    def request_url(self) -> str | None:
        """Where signed HTTP goes; none: Socket Mode."""
        return self.core.http.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.core.http.request_url = url

    # ------------------------------------------------------------ to look at

    @property
    def workspace(self) -> Workspace:
        return self.core.workspace

    @property
    def calls(self) -> list[Call]:
        """What the app asked of the Web API, newest last."""
        return self.core.calls

    @property
    def problems(self) -> list[str]:
        """What people would have noticed as the app's failure; empty in a good test."""
        return self.core.problems

    @property
    def scopes(self) -> set[str]:
        """What the app was granted: the manifest's, until somebody changes it."""
        return self.core.manifest.scopes

    @property
    def faults(self) -> Faults:
        return self.core.faults

    @property
    def hooks(self) -> Hooks:
        return self.core.hooks

    async def settled(self, timeout: float = 5) -> None:
        """Wait until no envelope is unacknowledged and no request is open.

        Raises TimeoutError that names what is.
        """
        await self.core.work.settled(timeout)

    def reset(self) -> None:
        """Back to the cast, nothing said, no fault ordered."""
        self.core.workspace.reset()
        self.core.faults.clear()
        self.core.calls.clear()
        self.core.problems.clear()
        self.core.install.revoked = ""
        self.core.stream.on_change()

    # ------------------------------------------------------------ to be someone

    def as_user(self, user_id: str) -> Person:
        if user_id not in self.workspace.users:
            raise LookupError(f"nobody is {user_id}")
        return Person(self.core, user_id)

    async def team_answers(self) -> int:
        """Let every member answer their open questions. Returns how many did."""
        return await answer_for_the_team(self.core)

    async def interact(self, payload: Json) -> Any:
        """Deliver an interaction exactly as given, forged or not."""
        return await self.core.dispatch.ask("interactive", payload)

    # ------------------------------------------------------------ to let things happen

    async def emit(self, event: Json) -> bool:
        """Deliver an Events API event; the model is not changed. Returns whether it was heard.

        Raises ValueError where the installed app would not be told.
        """
        channel = event.get("channel") or event.get("channel_id")
        channel_id = channel.get("id") if isinstance(channel, dict) else channel
        conversation = self.workspace.conversations.get(channel_id or "")
        return await self.core.events.emit_surely(event, conversation)

    def _channel(self, channel_id: str) -> Conversation:
        return self.workspace.conversations[channel_id]

    def deactivate(self, user_id: str) -> Heard:
        """Close an account. This and what follows change the model at once and tell the app;

        `await` them (where something is returned) to wait until it has heard.
        """
        return self.change_user(user_id, deleted=True)

    def set_tz(self, user_id: str, tz: str) -> Heard:
        return self.change_user(user_id, tz=tz)

    def change_user(self, user_id: str, **changes: Any) -> Heard:
        return workspace_changes.change_user(self.core, self.workspace.users[user_id], **changes)

    def add_user(self, user: User) -> Heard:
        return workspace_changes.add_user(self.core, user)

    def join(self, channel_id: str, user_id: str, inviter: str | None = None) -> Heard:
        return workspace_changes.join(self.core, self._channel(channel_id), user_id, inviter)

    def leave(self, channel_id: str, user_id: str) -> Heard:
        return workspace_changes.leave(self.core, self._channel(channel_id), user_id)

    def archive(self, channel_id: str, by: str = example_workspace.OWNER) -> Heard:
        return workspace_changes.archive(self.core, self._channel(channel_id), by)

    def unarchive(self, channel_id: str, by: str = example_workspace.OWNER) -> Heard:
        return workspace_changes.archive(self.core, self._channel(channel_id), by, undo=True)

    def rename(self, channel_id: str, name: str) -> Heard:
        return workspace_changes.rename(self.core, self._channel(channel_id), name)

    def delete_channel(self, channel_id: str) -> Heard:
        return workspace_changes.delete(self.core, self._channel(channel_id))

    def change_channel_id(self, channel_id: str, new_id: str) -> Heard:
        return workspace_changes.change_id(self.core, self._channel(channel_id), new_id)

    def restrict(self, channel_id: str, error: str = "restricted_action") -> None:
        """Let the app post there no more; an empty `error` lets it again."""
        workspace_changes.restrict(self.core, self._channel(channel_id), error)

    def delete_message(self, channel_id: str, ts: str) -> None:
        """An admin deletes a message."""
        conversation = self._channel(channel_id)
        messages.delete(self.core, conversation, conversation.messages[ts])

    def reinstall(self) -> None:
        workspace_changes.reinstall(self.core)

    def revoke_token(self, error: str = "token_revoked") -> Heard:
        return workspace_changes.revoke(self.core, error)

    def uninstall(self) -> Heard:
        return workspace_changes.uninstall(self.core)

    def copy_of(self, user_id: str, **changes: Any) -> User:
        """A person like another one, to `add_user`."""
        return replace(self.workspace.users[user_id], **changes)


def _application(core: Core) -> web.Application:
    application = web.Application(client_max_size=LARGEST_REQUEST)
    router = application.router
    for verb in ("GET", "POST"):
        router.add_route(verb, "/api/{method}", partial(web_api.serve, core))
    router.add_get("/link/", core.sockets.serve)
    router.add_post("/upload/v1/{file_id}", partial(api_files.upload, core))
    router.add_post("/hooks/{kind}/{digits}/{secret}", partial(responses.serve, core))
    api.add_routes(application, core)
    return application
