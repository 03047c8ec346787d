"""The nouns of a workspace, as data: a person, a conversation, a view, an uploaded file."""

from dataclasses import dataclass, field
from typing import Any

#: A JSON object as Slack writes it.
Json = dict[str, Any]

#: What a person chose or typed: block id, action id, the element's state as Slack writes it.
Typed = dict[str, dict[str, Json]]


@dataclass(kw_only=True)
class User:
    """A person or a bot."""

    id: str
    name: str  # the handle, without @
    real_name: str
    team_id: str
    tz: str | None  # IANA; none: Slackbot
    title: str = ""
    color: str = "#51606e"
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_bot: bool = False
    updated: int = 0


@dataclass(kw_only=True)
class Conversation:
    """A channel or a direct message, with everything in it."""

    id: str
    name: str
    creator: str
    members: list[str]
    topic: str = ""
    created: int = 0
    is_im: bool = False
    is_private: bool = False
    is_archived: bool = False
    is_general: bool = False
    is_ext_shared: bool = False
    refuses: str = ""  # the error of every post, where the app may not write: restricted_action
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, oldest first
    ephemerals: list[Json] = field(default_factory=list)  # with `only_for`
    pins: list[Json] = field(default_factory=list)  # ts, by, at
    bookmarks: list[Json] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)  # user id: ts of the last message seen

    @property
    def kind(self) -> str:
        """The page's word for it: im, private or channel."""
        if self.is_im:
            return "im"
        return "private" if self.is_private else "channel"

    @property
    def family(self) -> str:
        """How scopes and events name its kind: im, groups or channels."""
        return {"im": "im", "private": "groups", "channel": "channels"}[self.kind]

    def other_than(self, user_id: str) -> str:
        """The other person of a direct message."""
        return next((member for member in self.members if member != user_id), user_id)


@dataclass(kw_only=True)
class View:
    """A modal or an App Home, as it is open for one person."""

    id: str
    user_id: str
    content: Json  # what the app sent: type, title, blocks, private_metadata, ...
    hash: str
    root_id: str
    previous_id: str | None = None
    typed: Typed = field(default_factory=dict)

    @property
    def is_home(self) -> bool:
        return bool(self.content["type"] == "home")

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.content["blocks"]
        return blocks

    @property
    def external_id(self) -> str:
        return str(self.content.get("external_id") or "")


@dataclass(kw_only=True)
class File:
    """An upload: announced, then its bytes, then completed."""

    id: str
    name: str
    length: int
    title: str = ""
    alt_text: str = ""
    user_id: str = ""
    created: int = 0
    uploaded: bool = False
    completed: bool = False
    shares: dict[str, list[str]] = field(default_factory=dict)  # channel id: ts of its messages
