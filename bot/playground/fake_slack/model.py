"""The data model of a workspace: people, conversations, views, and files."""

from dataclasses import dataclass, field
from typing import Any

#: A JSON object in Slack's format.
Json = dict[str, Any]

#: A person's input: block id, action id, the element's state in Slack's format.
Typed = dict[str, dict[str, Json]]


@dataclass(kw_only=True)
class User:
    """A person or a bot."""

    id: str
    name: str  # the handle, without @
    real_name: str  # empty: hidden from the app
    team_id: str  # empty: left out, as Enterprise Grid does for some people
    tz: str | None  # IANA; None for Slackbot
    title: str = ""
    color: str = "#51606e"
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_bot: bool = False
    is_invited: bool = False  # has not accepted the invitation yet
    display_name: str | None = None  # None: the first name
    enterprise_id: str = ""  # of their organisation on Enterprise Grid
    teams: list[str] = field(default_factory=list)  # their workspaces on Enterprise Grid
    updated: int = 0


@dataclass(kw_only=True)
class Conversation:
    """A channel or a direct message, with its contents."""

    id: str
    name: str
    creator: str
    members: list[str]
    topic: str = ""
    created: int = 0
    is_im: bool = False
    is_mpim: bool = False  # a group direct message, which is private as well
    is_private: bool = False
    is_archived: bool = False
    is_general: bool = False
    is_ext_shared: bool = False
    refuses: str = ""  # the error of every post if the app may not post: restricted_action
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, oldest first
    ephemerals: list[Json] = field(default_factory=list)  # with `only_for`
    pins: list[Json] = field(default_factory=list)  # ts, by, at
    bookmarks: list[Json] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)  # ts of the last message seen, by user id

    @property
    def kind(self) -> str:
        """Return the page's name for its kind: im, private or channel."""
        if self.is_im:
            return "im"
        return "private" if self.is_private else "channel"

    @property
    def family(self) -> str:
        """Return its kind as in scopes and events: im, mpim, groups or channels."""
        if self.is_mpim:
            return "mpim"
        return {"im": "im", "private": "groups", "channel": "channels"}[self.kind]

    def other_than(self, user_id: str) -> str:
        """Return the other person in a direct message."""
        return next((member for member in self.members if member != user_id), user_id)


@dataclass(kw_only=True)
class View:
    """A modal or an App Home, open for one person."""

    id: str
    user_id: str
    content: Json  # as sent by the app: type, title, blocks, private_metadata, ...
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
    """An upload: announced, then uploaded, then completed."""

    id: str
    name: str
    length: int
    title: str = ""
    alt_text: str = ""
    user_id: str = ""
    created: int = 0
    uploaded: bool = False
    completed: bool = False
    shares: dict[str, list[str]] = field(default_factory=dict)  # ts of its messages, by channel id
