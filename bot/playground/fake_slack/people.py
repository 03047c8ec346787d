"""The actions of a person: type, click, choose, submit. Used by the page and by tests.

Every method returns after the app has responded.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.playground.fake_slack import (
    block_actions,
    commands,
    example_workspace,
    forms,
    messages,
    modals,
    shortcuts,
    typed_text,
)
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.commands import CommandResult
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.json_shapes import view_object
from bot.playground.fake_slack.modals import SubmitResult, view_json
from bot.playground.fake_slack.model import Conversation, Json, Typed, View
from bot.playground.page import screen

_COMMAND = re.compile(r"(/\S+)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Person:
    """A person using the client."""

    core: Core = field(repr=False)
    user_id: str

    # ------------------------------------------------------------ typing

    async def command(self, text: str, channel_id: str = "C0LAUNCH") -> CommandResult:
        """Type a slash command, such as "/imbalance start 2w"."""
        match = _COMMAND.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not a command: {text!r}")
        conversation = self.core.workspace.conversations[channel_id]
        return await commands.run(self.core, self.user_id, conversation, match[1], match[2] or "")

    async def say(self, channel_id: str, text: str, thread_ts: str | None = None) -> Json:
        """Post a message. Return it as Slack stores it."""
        conversation = self.core.workspace.conversations[channel_id]
        written: Json = {"text": typed_text.composed(self.core.workspace, text)}
        if thread_ts:
            written["thread_ts"] = thread_ts
        message = messages.by_person(self.core, self.user_id, written)
        posted = messages.post(self.core, conversation, message)
        with suppress(TimeoutError):
            await self.core.work.settled(self.core.dispatch.ack_seconds)
        return posted

    # ------------------------------------------------------------ interacting

    async def act(self, container: Json, action: Json, typed: Typed | None = None) -> AppResponse:
        """Use an element of a message or view, sending the other inputs as well."""
        return await block_actions.act(self.core, self.user_id, container, action, typed or {})

    async def click(
        self,
        action_id: str,
        *,
        channel: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
        values: dict[str, Any] | None = None,
        value: Any = None,
    ) -> AppResponse:
        """Press a button, or choose `value` in a menu.

        Without a location it is searched where the person would see it first: the open modal, then
        the App Home, then messages from the newest. `values` are entered beforehand, by block id
        and action id (Slack's element state or plain values), or flat by either id.
        """
        container, blocks = block_actions.find_element(
            self.core, self.user_id, action_id, channel, ts, view_id
        )
        _, element = forms.find(blocks, action_id)
        typed = block_actions.typed_from(blocks, values or {})
        return await self.act(
            container, block_actions.action_payload(blocks, element, value), typed
        )

    async def use_shortcut(self, callback_id: str, channel_id: str, ts: str) -> AppResponse:
        """Choose a message shortcut in the menu of a message."""
        conversation = self.core.workspace.conversations[channel_id]
        message = conversation.messages[ts]
        return await shortcuts.use(self.core, self.user_id, conversation, message, callback_id)

    async def press_quickly(self, *action_ids: str) -> list[AppResponse]:
        """Press buttons of the open modal before the app has answered the first press.

        Each press carries the view as it was shown then, with its hash.
        """
        payloads = []
        for action_id in action_ids:
            container, blocks = block_actions.find_element(
                self.core, self.user_id, action_id, None, None, None
            )
            _, element = forms.find(blocks, action_id)
            action = block_actions.action_payload(blocks, element, None)
            payloads.append(block_actions.pressed(self.core, self.user_id, container, action, {}))
        return [await self.core.dispatch.request("interactive", payload) for payload in payloads]

    async def fill(
        self, view_id: str | None, values: dict[str, Any], *, channel: str = "", ts: str = ""
    ) -> None:
        """Enter plain values by action id or block id; nothing is sent yet."""
        container: Json = {"type": "view", "view_id": view_id}
        if view_id is None:
            container = {"type": "message", "channel_id": channel, "message_ts": ts}
        blocks = block_actions.blocks_in(self.core, container)
        known = self.core.workspace.typed_in(self.user_id, container)
        block_actions.merge(known, block_actions.typed_from(blocks, values))

    async def submit(self, view_id: str | None = None) -> SubmitResult:
        """Press *Submit* of a modal; the top one by default."""
        return await modals.submit(self.core, self._modal(view_id))

    async def close(self, view_id: str | None = None, *, everything: bool = False) -> None:
        """Press *Cancel*, or close all modals at once."""
        await modals.close(self.core, self._modal(view_id), everything=everything)

    async def open_home(self) -> Json | None:
        """Open the App Home. Return its content once the app has acknowledged the event."""
        workspace = self.core.workspace
        home = workspace.home_of(self.user_id)
        direct = workspace.open_direct_message(self.user_id, example_workspace.BOT_USER_ID)
        event: Json = {
            "type": "app_home_opened",
            "user": self.user_id,
            "channel": direct.id,
            "tab": "home",
        }
        if home is not None:
            event["view"] = view_object(home)
        acknowledged = self.core.events.emit(event, direct)
        if acknowledged is not None:
            await acknowledged
        return self.home

    # ------------------------------------------------------------ reading

    @property
    def top_view(self) -> Json | None:
        """Return the top modal with its current input, or None if none is open."""
        return view_json(self.core.workspace.top_of(self.user_id))

    @property
    def home(self) -> Json | None:
        """Return the App Home as last published, with its current input."""
        return view_json(self.core.workspace.home_of(self.user_id))

    def visible(self, channel_id: str) -> list[Json]:
        """Return the messages of a conversation by time, with replies and own ephemeral ones."""
        conversation = self.core.workspace.conversations[channel_id]
        seen = [
            screen.message_item(self.core, conversation, message)
            for message in conversation.messages.values()
        ]
        for message in conversation.ephemerals:
            if message["only_for"] == self.user_id:
                seen.append(screen.ephemeral_item(message))
        return sorted(seen, key=lambda message: str(message["ts"]))

    def ephemerals(self, channel_id: str) -> list[Json]:
        """Return the ephemeral messages shown to this person."""
        return [message for message in self.visible(channel_id) if message["ephemeral"]]

    def dm_with_bot(self) -> list[Json]:
        """Return the messages of the direct message with the app."""
        direct = self.direct_message
        return self.visible(direct.id) if direct is not None else []

    @property
    def direct_message(self) -> Conversation | None:
        return self.core.workspace.direct_if_open(self.user_id, example_workspace.BOT_USER_ID)

    def _modal(self, view_id: str | None) -> View:
        views = self.core.workspace.views
        view = views[view_id] if view_id else self.core.workspace.top_of(self.user_id)
        if view is None:
            raise LookupError(f"no modal is open for {self.user_id}")
        return view
