"""A minimal Slack for the chaos tests: it stores posts and injects faults."""

import asyncio
import json
import os
import random  # noqa: TID251  a seed repeats it
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.clock import monotonic
from tests.chaos.faults import POST, RETRY_AFTER, Faults

Json = dict[str, Any]
BOT_USER = "U0BOT"


@dataclass
class Post:
    """A message as people see it."""

    ts: str
    message_id: str  # from its metadata
    text: str
    thread_ts: str | None


@dataclass
class Sink:
    """The Slack of one run."""

    seed: int
    faults: Faults
    hang_seconds: float = 1.5  # longer than a child waits
    late_seconds: float = 0.3  # shorter than the settle time
    channels: dict[str, list[Post]] = field(default_factory=lambda: defaultdict(list))
    edits: set[tuple[str, str]] = field(default_factory=set)  # channel and ts
    pins: set[tuple[str, str]] = field(default_factory=set)
    bookmarks: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    #: Children to kill when they call, by pid: at "far received" or "far accepted".
    kill_at: dict[int, str] = field(default_factory=dict)
    intercept: Callable[[Json, int], Awaitable[tuple[str, Post | None]]] | None = None
    intercepted: asyncio.Condition = field(default_factory=asyncio.Condition)
    lookup_attempts: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ts = 1_000_000
        self._late: list[
            tuple[float, Json]
        ] = []  # when it appears (`monotonic`), and its arguments

    # ------------------------------------------------------------------ serving

    async def start(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_post("/api/{method}", self._handle)
        app.router.add_get("/api/{method}", self._handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/api/"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args = await _arguments(request)
        pid, workspace = int(request.headers["X-Child"]), request.headers["X-Workspace"]
        if self.faults.is_rate_limited(workspace, method, float(request.headers["X-Begun"])):
            return _rate_limited(RETRY_AFTER)
        if method == POST:
            return await self._post(request, args, pid)
        call = getattr(self, "_" + method.replace(".", "_"))
        return await self._with_fault(request, self.faults.draw(method), lambda: call(args))

    async def _post(self, request: web.Request, args: Json, pid: int) -> web.StreamResponse:
        if self._kills_caller("far received", pid):
            return _reset_connection(request)
        fault = self.faults.draw(POST)
        if self.intercept is not None:
            fault, post = await self.intercept(args, pid)
            if post is not None:
                return web.json_response(_location(args, post))
        if fault == "late":
            self._late.append((monotonic() + self.late_seconds, args))
            return _reset_connection(request)

        def apply() -> Json | None:
            post = self.apply(args)
            return None if self._kills_caller("far accepted", pid) else _location(args, post)

        return await self._with_fault(request, fault, apply)

    async def _with_fault(
        self, request: web.Request, fault: str, call: Callable[[], Json | None]
    ) -> web.StreamResponse:
        """Make a call, with a fault before or after it. The call returns None for a dead caller."""
        if fault == "429":
            return _rate_limited(0)
        kind, _, when = fault.partition(" ")
        answer = None if when == "before" else call()
        if kind == "hang":
            await asyncio.sleep(self.hang_seconds)
        if kind == "reset" or (answer is None and when != "before"):
            return _reset_connection(request)
        if kind == "page":  # an HTML page of a proxy instead of Slack's answer
            return web.Response(text="<html>", content_type="text/html")
        if fault:
            return web.json_response({"ok": False, "error": "fatal_error"}, status=500)
        return web.json_response(answer)

    def _kills_caller(self, step: str, pid: int) -> bool:
        if self.kill_at.get(pid) != step or self._random.random() > 0.5:
            return False
        del self.kill_at[pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    # ------------------------------------------------------------------ methods

    def apply(self, args: Json) -> Post:
        self._ts += 1
        post = Post(
            ts=f"{self._ts}.000100",
            message_id=self.message_id_of(args),
            text=args["text"],
            thread_ts=args.get("thread_ts"),
        )
        self.channels[_channel(args)].append(post)
        return post

    def message_id_of(self, args: Json) -> str:
        """The message id in the metadata of a post."""
        return str(json.loads(args["metadata"])["event_payload"]["id"])

    def show_late_posts(self, until: float) -> None:
        """Show the late posts that are due by `until`.

        Every lookup calls this, so that it finds them however busy this process was.
        """
        due = [args for appears_at, args in self._late if appears_at <= until]
        self._late = [one for one in self._late if one[0] > until]
        for args in due:
            self.apply(args)

    def _find(self, channel: str, ts: str) -> Post | None:
        return next((post for post in self.channels[channel] if post.ts == ts), None)

    def _chat_update(self, args: Json) -> Json:
        post = self._find(args["channel"], args["ts"])
        if post is None:
            return {"ok": False, "error": "message_not_found"}
        post.text = args["text"]
        self.edits.add((args["channel"], post.ts))
        return {"ok": True, "channel": args["channel"], "ts": post.ts}

    def _chat_getPermalink(self, args: Json) -> Json:
        link = f"https://chaos.slack.com/archives/{args['channel']}/p{args['message_ts']}"
        return {"ok": True, "permalink": link}

    def _pins_add(self, args: Json) -> Json:
        pin = args["channel"], args.get("timestamp", "")
        if pin in self.pins:
            return {"ok": False, "error": "already_pinned"}
        self.pins.add(pin)
        return {"ok": True}

    def _bookmarks_list(self, args: Json) -> Json:
        return {"ok": True, "bookmarks": self.bookmarks[args["channel_id"]]}

    def _bookmarks_add(self, args: Json) -> Json:
        marks = self.bookmarks[args["channel_id"]]
        marks.append({"id": f"Bk{len(marks)}{args['channel_id']}", "link": args["link"]})
        return {"ok": True, "bookmark": marks[-1]}

    def _conversations_open(self, args: Json) -> Json:
        return {"ok": True, "channel": {"id": "D" + args["users"][1:]}}

    def _conversations_history(self, args: Json) -> Json:
        self.show_late_posts(monotonic())
        return self._read(args, [p for p in self.channels[args["channel"]] if not p.thread_ts])

    def _conversations_replies(self, args: Json) -> Json:
        self.show_late_posts(monotonic())
        thread = args["ts"]
        posts = [p for p in self.channels[args["channel"]] if thread in (p.ts, p.thread_ts)]
        return self._read(args, posts)

    def _auth_test(self, _: Json) -> Json:
        return {"ok": True, "user_id": BOT_USER}

    def _read(self, args: Json, posts: list[Post]) -> Json:
        """A page of posts, newest first, as Slack returns them."""
        self.lookup_attempts += 1
        offset, size = int(args.get("cursor") or 0), int(args["limit"])
        page = posts[::-1][offset : offset + size]
        more = str(offset + size) if offset + size < len(posts) else ""
        messages = [
            {
                "ts": post.ts,
                "user": BOT_USER,
                "metadata": {
                    "event_type": "imbalance_message",
                    "event_payload": {"id": post.message_id},
                },
            }
            for post in page
        ]
        return {"ok": True, "messages": messages, "response_metadata": {"next_cursor": more}}


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        args = dict(await request.json())
    else:
        args = dict(await request.post()) or dict(request.query)
    if isinstance(args.get("metadata"), dict):
        args["metadata"] = json.dumps(args["metadata"])
    return {name: value for name, value in args.items() if value is not None}


def _channel(args: Json) -> str:
    to = str(args["channel"])
    return "D" + to[1:] if to.startswith("U") else to


def _location(args: Json, post: Post) -> Json:
    return {"ok": True, "channel": _channel(args), "ts": post.ts}


def _rate_limited(retry_after: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after)})


def _reset_connection(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
