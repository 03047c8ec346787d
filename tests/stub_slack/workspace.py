"""The Web API of one workspace: what was posted, pinned and bookmarked in it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from bot.clock import real_now

Json = dict[str, Any]
BOT_USER, BOT_ID = "U0BOT", "B0BOT"


@dataclass(frozen=True, kw_only=True)
class StubPost:
    """A posted message."""

    to: str  # a person's id, or the channel's
    ts: str
    message_id: str  # from its metadata
    text: str = ""
    thread_ts: str | None = None


@dataclass(kw_only=True)
class StubWorkspace:
    """The content of a workspace. A method that it does not know succeeds without effect."""

    team_id: str
    url: str = ""  # for uploads
    posts: list[Any] = field(default_factory=list)
    by_channel: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    edits: dict[tuple[str, str], str] = field(default_factory=dict)  # text by channel and ts
    pins: set[tuple[str, str]] = field(default_factory=set)  # channel and ts
    bookmarks: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    lookups: int = 0  # pages of history that were read

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def call(self, method: str, args: Json) -> Json:
        """Carry out a call of the Web API, and return its response."""
        known = getattr(self, f"_{method.replace('.', '_')}", None)
        return {"ok": True, **(known(args) if known else {})}

    # What differs between the harnesses.

    def now(self) -> datetime:
        return real_now()

    def members(self, channel: str) -> Sequence[str]:
        return ()

    def profile(self, user_id: str) -> Json:
        """A user object as Slack sends it."""
        return {
            "id": user_id,
            "team_id": self.team_id,
            "name": user_id.lower(),
            "tz": "Europe/Lisbon",
            "profile": {"display_name": user_id.title()},
            "is_bot": False,
            "deleted": False,
        }

    def new_post(self, args: Json, post: StubPost) -> StubPost:
        """The post to keep."""
        return post

    # ------------------------------------------------------------------ messages

    def _chat_postMessage(self, args: Json) -> Json:
        to = str(args["channel"])
        plain = StubPost(
            to=to,
            ts=f"{int(self.now().timestamp())}.{next(self._numbers) % 1_000_000:06d}",
            message_id=message_id_of(args),
            text=str(args.get("text", "")),
            thread_ts=args.get("thread_ts"),
        )
        post = self.new_post(args, plain)
        self.posts.append(post)
        self.by_channel[conversation(to)].append(post)
        return location(post)

    def _chat_update(self, args: Json) -> Json:
        self.edits[args["channel"], args["ts"]] = str(args.get("text"))
        return {"channel": args["channel"], "ts": args["ts"]}

    def _chat_getPermalink(self, args: Json) -> Json:
        link = f"https://stub.slack.com/archives/{args['channel']}/p{args['message_ts']}"
        return {"permalink": link}

    def _conversations_history(self, args: Json) -> Json:
        return self._page(args, [post for post in self._in(args) if not post.thread_ts])

    def _conversations_replies(self, args: Json) -> Json:
        parent = args["ts"]
        return self._page(args, [post for post in self._in(args) if parent in _thread(post)])

    def _in(self, args: Json) -> list[StubPost]:
        """The posts of a conversation, newest first, back to `oldest`."""
        oldest = float(args.get("oldest") or 0)
        found = []
        for post in reversed(self.by_channel[args["channel"]]):
            if float(post.ts) < oldest:
                break
            found.append(post)
        return found

    def _page(self, args: Json, posts: list[Any]) -> Json:
        self.lookups += 1
        offset, size = int(args.get("cursor") or 0), int(args.get("limit") or 100)
        more = str(offset + size) if offset + size < len(posts) else ""
        messages = [_message(post) for post in posts[offset : offset + size]]
        return {"messages": messages, "response_metadata": {"next_cursor": more}}

    # ------------------------------------------------------------------ pins, bookmarks, files

    def _pins_add(self, args: Json) -> Json:
        pin = str(args["channel"]), str(args["timestamp"])
        if pin in self.pins:
            return {"ok": False, "error": "already_pinned"}
        self.pins.add(pin)
        return {}

    def _pins_remove(self, args: Json) -> Json:
        self.pins.discard((str(args["channel"]), str(args["timestamp"])))
        return {}

    def _bookmarks_list(self, args: Json) -> Json:
        return {"bookmarks": self.bookmarks[args["channel_id"]]}

    def _bookmarks_add(self, args: Json) -> Json:
        bookmark = {"id": f"Bk{next(self._numbers)}", "link": args["link"]}
        self.bookmarks[args["channel_id"]].append(bookmark)
        return {"bookmark": bookmark}

    def _bookmarks_remove(self, args: Json) -> Json:
        bookmarks = self.bookmarks[args["channel_id"]]
        bookmarks[:] = [one for one in bookmarks if one["id"] != args["bookmark_id"]]
        return {}

    def _files_getUploadURLExternal(self, _: Json) -> Json:
        return {"upload_url": f"{self.url}/upload", "file_id": f"F{next(self._numbers)}"}

    def _files_completeUploadExternal(self, args: Json) -> Json:
        return {"files": decoded(args["files"])}

    # ------------------------------------------------------------------ people and channels

    def _auth_test(self, _: Json) -> Json:
        return {
            "url": "https://stub.slack.com/",
            "team": self.team_id,
            "team_id": self.team_id,
            "user": "imbalance",
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "app_id": "A0STUB",
            "is_enterprise_install": False,
        }

    def _users_info(self, args: Json) -> Json:
        return {"user": self.profile(str(args.get("user", "")))}

    def _users_conversations(self, _: Json) -> Json:
        return {"channels": []}

    def _conversations_open(self, args: Json) -> Json:
        return {"channel": {"id": conversation(str(args["users"]))}}

    def _conversations_info(self, args: Json) -> Json:
        return {"channel": channel_object(str(args["channel"]))}

    def _conversations_members(self, args: Json) -> Json:
        return {"members": [*self.members(str(args["channel"])), BOT_USER]}

    def _views_open(self, _: Json) -> Json:
        number = next(self._numbers)
        return {"view": {"id": f"V{number}", "hash": f"{number}"}}

    _views_push = _views_update = _views_publish = _views_open


def channel_object(channel_id: str) -> Json:
    """A public channel that the bot is in."""
    return {
        "id": channel_id,
        "name": "team",
        "is_channel": True,
        "is_member": True,
        "is_private": False,
        "is_archived": False,
    }


def message_id_of(args: Json) -> str:
    """The message id in the metadata of a post; "" without one."""
    metadata = decoded(args.get("metadata")) or {}
    return str(metadata.get("event_payload", {}).get("id", ""))


def conversation(to: str) -> str:
    """The id of a channel, or of the direct messages with a person."""
    return f"D{to[1:]}" if to.startswith("U") else to


def location(post: StubPost) -> Json:
    return {"ok": True, "channel": conversation(post.to), "ts": post.ts}


def decoded(value: Any) -> Any:
    """Arguments may be JSON in a form, or part of a JSON body."""
    return json.loads(value) if isinstance(value, str) else value


def _thread(post: StubPost) -> tuple[str, str | None]:
    return post.ts, post.thread_ts


def _message(post: StubPost) -> Json:
    payload = {"id": post.message_id}
    metadata = {"event_type": "imbalance_message", "event_payload": payload}
    return {"ts": post.ts, "user": BOT_USER, "metadata": metadata}
