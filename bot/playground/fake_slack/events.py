"""Events: which ones the app receives, and their envelope."""

import asyncio

from bot.playground.fake_slack import example_workspace, organization
from bot.playground.fake_slack.dispatch import Dispatch
from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.in_flight import InFlight
from bot.playground.fake_slack.manifest import Manifest
from bot.playground.fake_slack.model import Conversation, Json
from bot.playground.fake_slack.organization import Install

#: Sent for every public channel, even if the app is not in it.
_ABOUT_CHANNELS = {
    *("channel_archive", "channel_unarchive", "channel_deleted", "channel_rename"),
    *("channel_shared", "channel_unshared", "channel_left", "group_left", "channel_id_changed"),
}


class Events:
    """Emits events that the manifest subscribes to and that the app can see."""

    def __init__(
        self, ids: Ids, manifest: Manifest, dispatch: Dispatch, work: InFlight, install: Install
    ) -> None:
        self._ids = ids
        self._manifest = manifest
        self._dispatch = dispatch
        self._work = work
        self._install = install
        self._held: list[Json] | None = None

    def emit(
        self, event: Json, conversation: Conversation | None = None
    ) -> asyncio.Task[bool] | None:
        """Send an event if the app would receive it. The task ends with its acknowledgement."""
        if not self._install.receives(event) or not self._is_visible(event, conversation):
            return None
        family = conversation.family if conversation else "channels"
        if not self._manifest.wants(event, family):
            return None
        return self._send(self._envelope(event, conversation))

    async def emit_or_raise(self, event: Json, conversation: Conversation | None = None) -> bool:
        """Send an event and wait for its acknowledgement.

        Raises:
            ValueError: no installed app would receive it.
        """
        task = self.emit(event, conversation)
        if task is None and self._held is None:
            raise ValueError(f"the app is not subscribed to, or cannot see: {event['type']}")
        return await task if task is not None else True

    def _is_visible(self, event: Json, conversation: Conversation | None) -> bool:
        if conversation is None or example_workspace.BOT_USER_ID in conversation.members:
            return True
        return event["type"] in _ABOUT_CHANNELS and not conversation.is_private

    def _send(self, envelope: Json) -> asyncio.Task[bool] | None:
        if self._held is not None:
            self._held.append(envelope)
            return None
        return self._work.spawn(
            f"event {envelope['event_id']}", self._dispatch.deliver_event(envelope)
        )

    def hold(self) -> None:
        """Hold events back until `release`."""
        self._held = self._held or []

    async def release(self, *, backwards: bool = False) -> None:
        """Deliver the held events one by one, as Slack guarantees no order."""
        held, self._held = self._held or [], None
        for envelope in reversed(held) if backwards else held:
            await self._dispatch.deliver_event(envelope)

    def _envelope(self, event: Json, conversation: Conversation | None) -> Json:
        return {
            "token": "playground",
            "api_app_id": example_workspace.APP_ID,
            "event": {**event, "event_ts": event.get("event_ts") or self._ids.ts()},
            "type": "event_callback",
            "event_id": self._ids.new("Ev"),
            "event_time": self._ids.now_seconds(),
            **organization.of_event(self._install, event),
            "is_ext_shared_channel": bool(conversation and conversation.is_ext_shared),
            "event_context": f"4-{self._ids.secret()}",
        }
