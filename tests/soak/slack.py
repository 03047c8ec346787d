"""A minimal Slack for many workspaces, which records all posts.

Now and then a call fails, or takes effect and its answer is lost, so that the bot has to find out.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from aiohttp import web

from tests.soak.random_choices import SeededChoices
from tests.soak.simulated_workspace import BOT, CHANNEL, SimulatedWorkspace

MAX_BODY_BYTES = 4 * 1024**2
#: Faults in ten thousand posts.
ACCEPTED_AND_500, ACCEPTED_AND_CUT, REFUSED_500, LIMITED = 20, 20, 20, 20
PAGE = 15
#: The comments in answers, each with its own number.
COMMENT = re.compile(r"remark \d+ of mine")

Args = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Post:
    """A posted message."""

    workspace_id: str
    to: str  # a person's id, or the channel's
    message_id: str
    at: datetime
    ts: str
    text: str
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
class Account:
    """The content of one workspace."""

    workspace: SimulatedWorkspace
    posts: list[Post] = field(default_factory=list)
    pins: set[str] = field(default_factory=set)
    bookmarks: dict[str, str] = field(default_factory=dict)  # link by id


class Slack:
    """The Web API of all workspaces; `now` is business time."""

    def __init__(
        self, now: Callable[[], datetime], workspaces: list[SimulatedWorkspace], seed: int
    ) -> None:
        self._now = now
        self.accounts = {workspace.token: Account(workspace=workspace) for workspace in workspaces}
        self.new_posts: list[Post] = []
        self.calls = 0
        self.faults = 0
        self.url = ""
        self._numbers = count(1)
        self._choices = SeededChoices("slack", seed)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_post("/upload", _accepted)
        app.router.add_post("/hooks", _accepted)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        method, args = request.match_info["method"], await _args(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        account = self.accounts[token or args["token"]]
        fault = self._choices.below(10_000) if method == "chat.postMessage" else 10_000
        if fault < REFUSED_500:
            return self._failed(500)
        if fault < REFUSED_500 + LIMITED:
            return self._failed(429)
        answer = self._answer(account, method, args)
        if fault < REFUSED_500 + LIMITED + ACCEPTED_AND_500:
            return self._failed(500)
        if fault < REFUSED_500 + LIMITED + ACCEPTED_AND_500 + ACCEPTED_AND_CUT:
            assert request.transport is not None
            request.transport.abort()
            return self._failed(500)
        return web.json_response({"ok": True, **answer})

    def _failed(self, status: int) -> web.Response:
        self.faults += 1
        headers = {"Retry-After": "0"} if status == 429 else {}
        return web.json_response(
            {"ok": False, "error": "fatal_error"}, status=status, headers=headers
        )

    def _answer(self, account: Account, method: str, args: Args) -> Args:
        answer = getattr(self, "_" + method.replace(".", "_"), None)
        return answer(account, args) if answer else {}

    def _auth_test(self, account: Account, _: Args) -> Args:
        return {
            "team_id": account.workspace.workspace_id,
            "team": account.workspace.workspace_id,
            "user_id": BOT,
            "bot_id": "B0BOT",
            "app_id": "A0SOAK",
        }

    def _chat_postMessage(self, account: Account, args: Args) -> Args:
        at = self._now()
        to = str(args["channel"])
        payload = _decoded(args["metadata"])["event_payload"]
        post = Post(
            workspace_id=account.workspace.workspace_id,
            to=to,
            message_id=str(payload["id"]),
            at=at,
            ts=f"{int(at.timestamp())}.{next(self._numbers) % 1_000_000:06d}",
            text=str(args["text"]),
            button_values=_button_values(_decoded(args["blocks"])),
            comments=frozenset(COMMENT.findall(json.dumps(_decoded(args["blocks"])))),
        )
        account.posts.append(post)
        self.new_posts.append(post)
        return {"channel": _conversation(to), "ts": post.ts}

    def _conversations_open(self, _: Account, args: Args) -> Args:
        return {"channel": {"id": _conversation(str(args["users"]))}}

    def _conversations_history(self, account: Account, args: Args) -> Args:
        oldest = float(args["oldest"])
        found = []
        for post in reversed(account.posts):
            if float(post.ts) < oldest:
                break
            if _conversation(post.to) == args["channel"]:
                metadata = {
                    "event_type": "imbalance_message",
                    "event_payload": {"id": post.message_id},
                }
                found.append({"ts": post.ts, "user": BOT, "metadata": metadata})
        return {"messages": found}

    def _conversations_replies(self, account: Account, args: Args) -> Args:
        return self._conversations_history(account, args)

    def _conversations_members(self, account: Account, _: Args) -> Args:
        return {"members": [*sorted(account.workspace.members), BOT]}

    def _conversations_info(self, _: Account, __: Args) -> Args:
        return {"channel": {"id": CHANNEL, "name": "team", "is_member": True}}

    def _users_conversations(self, _: Account, __: Args) -> Args:
        return {"channels": [{"id": CHANNEL, "name": "team"}]}

    def _users_info(self, account: Account, args: Args) -> Args:
        return {"user": profile(account.workspace, str(args["user"]))}

    def _chat_getPermalink(self, _: Account, args: Args) -> Args:
        return {"permalink": f"https://soak.slack.com/{args['message_ts']}"}

    def _pins_add(self, account: Account, args: Args) -> Args:
        account.pins.add(str(args["timestamp"]))
        return {}

    def _pins_remove(self, account: Account, args: Args) -> Args:
        account.pins.discard(str(args["timestamp"]))
        return {}

    def _bookmarks_add(self, account: Account, args: Args) -> Args:
        bookmark_id = f"Bk{next(self._numbers)}"
        account.bookmarks[bookmark_id] = str(args["link"])
        return {"bookmark": {"id": bookmark_id}}

    def _bookmarks_list(self, account: Account, _: Args) -> Args:
        return {"bookmarks": [{"id": one, "link": link} for one, link in account.bookmarks.items()]}

    def _bookmarks_remove(self, account: Account, args: Args) -> Args:
        account.bookmarks.pop(str(args["bookmark_id"]), None)
        return {}

    def _files_getUploadURLExternal(self, _: Account, __: Args) -> Args:
        return {"upload_url": f"{self.url}/upload", "file_id": f"F{next(self._numbers)}"}

    def _files_completeUploadExternal(self, _: Account, args: Args) -> Args:
        return {"files": _decoded(args["files"])}


def profile(workspace: SimulatedWorkspace, user: str) -> Args:
    """A user object as Slack sends it."""
    someone = workspace.reference_model.people[user]
    return {
        "id": user,
        "team_id": workspace.workspace_id,
        "name": user.lower(),
        "tz": someone.zone,
        "profile": {"display_name": f"Name {user}"},
        "is_bot": False,
        "deleted": someone.is_closed,
    }


def _conversation(to: str) -> str:
    return f"D{to[1:]}" if to.startswith("U") else to


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _button_values(blocks: list[Args]) -> dict[str, str]:
    found = {}
    for block in blocks:
        for element in block.get("elements", ()):
            if "value" in element:
                found[element["action_id"]] = element["value"]
    return found


async def _args(request: web.Request) -> Args:
    if request.content_type == "application/json":
        found: Args = await request.json()
        return found
    return {**request.query, **await request.post()}


async def _accepted(_: web.Request) -> web.Response:
    return web.Response(text="OK")
