"""The far side: what Slack would hold after all of this, and the faults it makes on the way."""

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


@dataclass
class Post:
    """One message as people see it."""

    ts: str
    ident: str  # of its metadata
    text: str
    thread_ts: str | None


@dataclass
class Sink:
    """A strict little Slack for one run."""

    seed: int
    faults: Faults
    hang: float = 1.5  # real seconds, longer than a child waits
    late: float = 0.3  # shorter than it takes to settle
    channels: dict[str, list[Post]] = field(default_factory=lambda: defaultdict(list))
    edits: set[tuple[str, str]] = field(default_factory=set)  # channel and ts
    pins: set[tuple[str, str]] = field(default_factory=set)
    bookmarks: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    #: Who is to die here, when calling: "far received" or "far accepted", by pid.
    kill: dict[int, str] = field(default_factory=dict)
    intercept: Callable[[Json, int], Awaitable[tuple[str, Post | None]]] | None = None
    intercepted: asyncio.Condition = field(default_factory=asyncio.Condition)
    lookup_attempts: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ts = 1_000_000
        self._late: list[tuple[float, Json]] = []  # when it appears (`monotonic`), and what

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
        if self.faults.is_stormy(workspace, method, float(request.headers["X-Begun"])):
            return _limited(RETRY_AFTER)
        if method == POST:
            return await self._posted(request, args, pid)
        do = getattr(self, "_" + method.replace(".", "_"))
        return await self._suffer(request, self.faults.draw(method), lambda: do(args))

    async def _posted(self, request: web.Request, args: Json, pid: int) -> web.StreamResponse:
        if self._kills("far received", pid):
            return _cut(request)
        fault = self.faults.draw(POST)
        if self.intercept is not None:
            fault, post = await self.intercept(args, pid)
            if post is not None:
                return web.json_response(_where(args, post))
        if fault == "late":
            self._late.append((monotonic() + self.late, args))
            return _cut(request)

        def apply() -> Json | None:
            post = self.apply(args)
            return None if self._kills("far accepted", pid) else _where(args, post)

        return await self._suffer(request, fault, apply)

    async def _suffer(
        self, request: web.Request, fault: str, do: Callable[[], Json | None]
    ) -> web.StreamResponse:
        """Do it, and fail before or after, or not at all. Who called may be no more: None."""
        if fault == "429":
            return _limited(0)
        what, _, when = fault.partition(" ")
        answer = None if when == "before" else do()
        if what == "hang":
            await asyncio.sleep(self.hang)
        if what == "reset" or (answer is None and when != "before"):
            return _cut(request)
        if what == "page":  # a proxy's, where Slack's answer should be
            return web.Response(text="<html>", content_type="text/html")
        if fault:
            return web.json_response({"ok": False, "error": "fatal_error"}, status=500)
        return web.json_response(answer)

    def _kills(self, step: str, pid: int) -> bool:
        if self.kill.get(pid) != step or self._random.random() > 0.5:
            return False
        del self.kill[pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    # ------------------------------------------------------------------ what Slack does

    def apply(self, args: Json) -> Post:
        self._ts += 1
        post = Post(
            ts=f"{self._ts}.000100",
            ident=self.ident_of(args),
            text=args["text"],
            thread_ts=args.get("thread_ts"),
        )
        self.channels[_channel(args)].append(post)
        return post

    def ident_of(self, args: Json) -> str:
        """What our metadata names the message."""
        return str(json.loads(args["metadata"])["event_payload"]["id"])

    def show_late(self, until: float) -> None:
        """Let appear what was accepted long enough before `until`.

        Whoever looks is shown it, however busy this process was meanwhile.
        """
        ripe = [args for at, args in self._late if at <= until]
        self._late = [one for one in self._late if one[0] > until]
        for args in ripe:
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
        self.show_late(monotonic())
        return self._read(args, [p for p in self.channels[args["channel"]] if not p.thread_ts])

    def _conversations_replies(self, args: Json) -> Json:
        self.show_late(monotonic())
        thread = args["ts"]
        posts = [p for p in self.channels[args["channel"]] if thread in (p.ts, p.thread_ts)]
        return self._read(args, posts)

    def _read(self, args: Json, posts: list[Post]) -> Json:
        """Newest first, in pages, as Slack gives it."""
        self.lookup_attempts += 1
        at, size = int(args.get("cursor") or 0), int(args["limit"])
        page = posts[::-1][at : at + size]
        more = str(at + size) if at + size < len(posts) else ""
        messages = [
            {
                "ts": post.ts,
                "metadata": {
                    "event_type": "imbalance_message",
                    "event_payload": {"id": post.ident},
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


def _where(args: Json, post: Post) -> Json:
    return {"ok": True, "channel": _channel(args), "ts": post.ts}


def _limited(retry_after: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after)})


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
