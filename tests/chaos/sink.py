"""The far side: what Slack would hold after all of this, and the faults it makes on the way."""

import asyncio
import json
import os
import random  # noqa: TID251  a seed repeats it
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]

#: How often, of the posts; the rest goes well.
USUAL = {
    "429": 0.03,
    "500 before": 0.03,
    "500 after": 0.03,
    "reset before": 0.02,
    "reset after": 0.03,
    "hang": 0.003,
    "late": 0.01,
}


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
    faults: Mapping[str, float] = field(default_factory=lambda: dict(USUAL))
    hang: float = 1.5  # real seconds, longer than a child waits
    late: float = 0.3  # shorter than it takes to settle
    storm_until: float = 0.0  # every call is answered with 429 until then (loop time)
    channels: dict[str, list[Post]] = field(default_factory=lambda: defaultdict(list))
    pins: set[tuple[str, str]] = field(default_factory=set)
    bookmarks: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    #: Who is to die here, when calling: "far received" or "far accepted", by pid.
    kill: dict[int, str] = field(default_factory=dict)
    intercept: Callable[[Json, int], Awaitable[tuple[str, Post | None]]] | None = None
    intercepted: asyncio.Condition = field(default_factory=asyncio.Condition)
    looks: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ts = 1_000_000
        self._late: set[asyncio.Task[None]] = set()

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
        pid = int(request.headers.get("X-Child", "0"))
        if asyncio.get_running_loop().time() < self.storm_until:
            return _limited()
        if method != "chat.postMessage":
            return web.json_response(getattr(self, "_" + method.replace(".", "_"))(args))
        return await self._posted(request, args, pid)

    async def _posted(self, request: web.Request, args: Json, pid: int) -> web.StreamResponse:
        if self._kills("far received", pid):
            return _cut(request)
        fault = self._fault()
        if self.intercept is not None:
            fault, post = await self.intercept(args, pid)
            if post is not None:
                return web.json_response({"ok": True, "channel": _channel(args), "ts": post.ts})
        if fault == "429":
            return _limited()
        if fault in ("500 before", "reset before"):
            return _failed(request, fault)
        if fault == "late":
            self._apply_later(args)
            return _cut(request)
        post = self.apply(args)
        if self._kills("far accepted", pid):
            return _cut(request)
        if fault == "hang":
            await asyncio.sleep(self.hang)
        if fault in ("500 after", "reset after"):
            return _failed(request, fault)
        return web.json_response({"ok": True, "channel": _channel(args), "ts": post.ts})

    def _kills(self, step: str, pid: int) -> bool:
        if self.kill.get(pid) != step or self._random.random() > 0.5:
            return False
        del self.kill[pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def _fault(self) -> str:
        at = self._random.random()
        for name, share in self.faults.items():
            at -= share
            if at < 0:
                return name
        return ""

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

    def _apply_later(self, args: Json) -> None:
        async def later() -> None:
            await asyncio.sleep(self.late)
            self.apply(args)

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _find(self, channel: str, ts: str) -> Post | None:
        return next((post for post in self.channels[channel] if post.ts == ts), None)

    def _chat_update(self, args: Json) -> Json:
        post = self._find(args["channel"], args["ts"])
        if post is None:
            return {"ok": False, "error": "message_not_found"}
        post.text = args["text"]
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
        return self._read(args, [p for p in self.channels[args["channel"]] if not p.thread_ts])

    def _conversations_replies(self, args: Json) -> Json:
        thread = args["ts"]
        posts = [p for p in self.channels[args["channel"]] if thread in (p.ts, p.thread_ts)]
        return self._read(args, posts)

    def _read(self, args: Json, posts: list[Post]) -> Json:
        """Newest first, in pages, as Slack gives it."""
        self.looks += 1
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


def _limited() -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": "0"})


def _failed(request: web.Request, fault: str) -> web.StreamResponse:
    if fault.startswith("reset"):
        return _cut(request)
    return web.json_response({"ok": False, "error": "fatal_error"}, status=500)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
