"""The installed app according to its manifest: scopes, events and features."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.playground.fake_slack.model import Json

_MESSAGES = {
    "im": "message.im",
    "mpim": "message.mpim",
    "channels": "message.channels",
    "groups": "message.groups",
}


class Manifest:
    """A parsed manifest.json (a file, or an equal mapping)."""

    def __init__(self, source: Path | Mapping[str, Any] | None) -> None:
        content = json.loads(source.read_text("utf-8")) if isinstance(source, Path) else source
        self._content: Mapping[str, Any] = content or {}
        scopes = self._at("oauth_config", "scopes")
        # The installation includes the optional ones.
        self.scopes: set[str] = {*scopes.get("bot", []), *scopes.get("bot_optional", [])}
        self.optional_scopes = frozenset(scopes.get("bot_optional", []))
        self.declared_scopes = frozenset(self.scopes)
        self.commands: list[Json] = self._at("features").get("slash_commands", [])
        shortcuts = self._at("features").get("shortcuts", [])
        self.message_shortcuts: list[Json] = [one for one in shortcuts if one["type"] == "message"]
        self.app_scopes = {"connections:write"}
        subscribed = self._at("settings", "event_subscriptions")
        self.events: set[str] = set(subscribed.get("bot_events", []))
        self.metadata: list[Json] = subscribed.get("metadata_subscriptions", [])

    def _at(self, *path: str) -> Mapping[str, Any]:
        place = self._content
        for key in path:
            place = place.get(key) or {}
        return place

    @property
    def has_home(self) -> bool:
        return bool(self._at("features", "app_home").get("home_tab_enabled"))

    @property
    def is_org_ready(self) -> bool:
        """Return whether it can be installed in an organisation."""
        return bool(self._at("settings").get("org_deploy_enabled"))

    @property
    def takes_messages(self) -> bool:
        """Return whether people may write to the app in its direct message."""
        home = self._at("features", "app_home")
        return bool(home.get("messages_tab_enabled")) and not home.get(
            "messages_tab_read_only_enabled"
        )

    def command(self, name: str) -> Json | None:
        return next((c for c in self.commands if c["command"] == name), None)

    def wants(self, event: Json, family: str) -> bool:
        """Return whether the app is subscribed to this event in that kind of conversation."""
        kind = event["type"]
        if kind == "message":
            return _MESSAGES[family] in self.events
        if kind.startswith("message_metadata_"):
            return kind in self.events and self._wants_metadata(event)
        return kind in self.events

    def _wants_metadata(self, event: Json) -> bool:
        event_type = (event.get("metadata") or event.get("previous_metadata") or {}).get(
            "event_type"
        )
        return any(
            subscription["event_type"] == event_type
            and subscription["app_id"] in ("*", event.get("app_id"))
            for subscription in self.metadata
        )


def subcommands(command: Json) -> list[str]:
    """Return the words in a usage hint such as `[start | end]`."""
    inside = re.search(r"\[([^\]]*\|[^\]]*)\]", command.get("usage_hint") or "")
    return [word.split()[0] for word in inside[1].split("|") if word.strip()] if inside else []
