"""Slack, as far as many workspaces at once need it: it takes what is said, and keeps account.

Now and then it does what it was asked and then fails to say so, or cuts the connection: who asked
has to find out.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from aiohttp import web

from tests.soak.random_choices import Dice
from tests.soak.simulated_workspace import BOT, CHANNEL, Place

LARGEST = 4 * 1024**2
#: Of ten thousand posts.
ACCEPTED_AND_500, ACCEPTED_AND_CUT, REFUSED_500, LIMITED = 20, 20, 20, 20
PAGE = 15
#: What people write beside their answers, each with a number of its own.
REMARK = re.compile(r"remark \d+ of mine")

Args = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Post:
    """A message as Slack took it."""

    workspace_id: str
    to: str  # a person's id, or the channel's
    message_id: str
    at: datetime
    ts: str
    pressing: Mapping[str, str]  # what its buttons are worth, by action id
    remarks: frozenset[str] = frozenset()  # comments that it repeats


@dataclass(kw_only=True)
class Account:
    """What one workspace's Slack holds."""

    place: Place
    posts: list[Post] = field(default_factory=list)
    pins: set[str] = field(default_factory=set)
    bookmarks: dict[str, str] = field(default_factory=dict)  # link by id


class Slack:
    """The Web API of all of them; `now` is business time."""

    def __init__(self, now: Callable[[], datetime], places: list[Place], seed: int) -> None:
        self._now = now
        self.accounts = {place.token: Account(place=place) for place in places}
        self.fresh: list[Post] = []
        self.calls = 0
        self.troubles = 0
        self.url = ""
        self._numbers = count(1)
        self._dice = Dice("slack", seed)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_post("/upload", _taken)
        app.router.add_post("/hooks", _taken)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        method, args = request.match_info["method"], await _args(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        account = self.accounts[token or args["token"]]
        trouble = self._dice.below(10_000) if method == "chat.postMessage" else 10_000
        if trouble < REFUSED_500:
            return self._troubled(500)
        if trouble < REFUSED_500 + LIMITED:
            return self._troubled(429)
        answer = self._answer(account, method, args)
        if trouble < REFUSED_500 + LIMITED + ACCEPTED_AND_500:
            return self._troubled(500)
        if trouble < REFUSED_500 + LIMITED + ACCEPTED_AND_500 + ACCEPTED_AND_CUT:
            assert request.transport is not None
            request.transport.abort()
            return self._troubled(500)
        return web.json_response({"ok": True, **answer})

    def _troubled(self, status: int) -> web.Response:
        self.troubles += 1
        headers = {"Retry-After": "0"} if status == 429 else {}
        return web.json_response(
            {"ok": False, "error": "fatal_error"}, status=status, headers=headers
        )

    def _answer(self, account: Account, method: str, args: Args) -> Args:
        answer = getattr(self, "_" + method.replace(".", "_"), None)
        return answer(account, args) if answer else {}

    def _auth_test(self, account: Account, _: Args) -> Args:
        return {
            "team_id": account.place.workspace_id,
            "team": account.place.workspace_id,
            "user_id": BOT,
            "bot_id": "B0BOT",
            "app_id": "A0SOAK",
        }

    def _chat_postMessage(self, account: Account, args: Args) -> Args:
        at = self._now()
        to = str(args["channel"])
        payload = _unpacked(args["metadata"])["event_payload"]
        post = Post(
            workspace_id=account.place.workspace_id,
            to=to,
            message_id=str(payload["id"]),
            at=at,
            ts=f"{int(at.timestamp())}.{next(self._numbers) % 1_000_000:06d}",
            pressing=_pressing(_unpacked(args["blocks"])),
            remarks=frozenset(REMARK.findall(json.dumps(_unpacked(args["blocks"])))),
        )
        account.posts.append(post)
        self.fresh.append(post)
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
                found.append({"ts": post.ts, "metadata": metadata})
        return {"messages": found}

    def _conversations_replies(self, account: Account, args: Args) -> Args:
        return self._conversations_history(account, args)

    def _conversations_members(self, account: Account, _: Args) -> Args:
        return {"members": [*sorted(account.place.inside), BOT]}

    def _conversations_info(self, _: Account, __: Args) -> Args:
        return {"channel": {"id": CHANNEL, "name": "team", "is_member": True}}

    def _users_conversations(self, _: Account, __: Args) -> Args:
        return {"channels": [{"id": CHANNEL, "name": "team"}]}

    def _users_info(self, account: Account, args: Args) -> Args:
        return {"user": profile(account.place, str(args["user"]))}

    def _chat_getPermalink(self, _: Account, args: Args) -> Args:
        return {"permalink": f"https://soak.slack.com/{args['message_ts']}"}

    def _pins_add(self, account: Account, args: Args) -> Args:
        account.pins.add(str(args["timestamp"]))
        return {}

    def _pins_remove(self, account: Account, args: Args) -> Args:
        account.pins.discard(str(args["timestamp"]))
        return {}

    def _bookmarks_add(self, account: Account, args: Args) -> Args:
        mark = f"Bk{next(self._numbers)}"
        account.bookmarks[mark] = str(args["link"])
        return {"bookmark": {"id": mark}}

    def _bookmarks_list(self, account: Account, _: Args) -> Args:
        return {"bookmarks": [{"id": one, "link": link} for one, link in account.bookmarks.items()]}

    def _bookmarks_remove(self, account: Account, args: Args) -> Args:
        account.bookmarks.pop(str(args["bookmark_id"]), None)
        return {}

    def _files_getUploadURLExternal(self, _: Account, __: Args) -> Args:
        return {"upload_url": f"{self.url}/upload", "file_id": f"F{next(self._numbers)}"}

    def _files_completeUploadExternal(self, _: Account, args: Args) -> Args:
        return {"files": _unpacked(args["files"])}


def profile(place: Place, user: str) -> Args:
    """As Slack tells of somebody."""
    someone = place.reference_model.people[user]
    return {
        "id": user,
        "team_id": place.workspace_id,
        "name": user.lower(),
        "tz": someone.zone,
        "profile": {"display_name": f"Name {user}"},
        "is_bot": False,
        "deleted": someone.is_closed,
    }


def _conversation(to: str) -> str:
    return f"D{to[1:]}" if to.startswith("U") else to


def _unpacked(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _pressing(blocks: list[Args]) -> dict[str, str]:
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


async def _taken(_: web.Request) -> web.Response:
    return web.Response(text="OK")
