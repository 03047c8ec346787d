"""The other end: takes what an app sends to Slack, notes when, and says yes. Its own process.

    python -m tests.bench.sink PORT

`/_latency?seconds=0.12` sets how long a Web API call takes, `/_seen?method=...&since=0` tells of
each call when it arrived (CLOCK_MONOTONIC, which all processes share), which it was, to whom it
went and what ts it was given, `/_clear` forgets them.
"""

import asyncio
import json
import sys
from collections import Counter
from itertools import count, islice
from typing import Any

from aiohttp import web

from bot.clock import monotonic

TEAM, CHANNEL, LEAD = "T0BENCH", "C0BENCH", "U0LEAD"
BOT_USER, BOT_ID = "U0BOT", "B0BOT"
LARGEST = 20 * 1024**2
TEAM_SIZE = 10

_ME = {
    "url": "https://bench.slack.com/",
    "team": "Bench",
    "team_id": TEAM,
    "user": "imbalance",
    "user_id": BOT_USER,
    "bot_id": BOT_ID,
    "app_id": "A0BENCH",
    "is_enterprise_install": False,
}
_CHANNEL = {
    "id": CHANNEL,
    "name": "bench",
    "is_channel": True,
    "is_member": True,
    "is_private": False,
    "is_archived": False,
}


def _user(user_id: str) -> dict[str, Any]:
    return {
        "id": user_id,
        "team_id": TEAM,
        "name": user_id.lower(),
        "tz": "Europe/Lisbon",
        "profile": {"display_name": user_id.title()},
        "is_bot": False,
        "deleted": False,
    }


def _team(channel: str) -> list[str]:
    """Who is in a team's channel, as `tests.bench.world` numbers them; ten in any other, too."""
    team = int(channel[1:]) if channel[1:].isdigit() else 0
    return [f"U{team * TEAM_SIZE + one:08d}" for one in range(TEAM_SIZE)]


class Sink:
    """Slack, as far as a benchmark needs it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.latency = 0.0
        self.seen: list[tuple[str, float, str, str, str]] = []  # method, when, which, to, ts
        self.counts: Counter[str] = Counter()  # by method
        self._numbers = count(1)

    async def call(self, request: web.Request) -> web.Response:
        """A Web API call: noted when it has arrived, answered when it is done."""
        method = request.match_info["method"]
        arrived = monotonic()
        args = await _args(request)
        answer = self._answer(method, args)
        which, to, ts = _which(args), args.get("channel", ""), answer.get("ts", "")
        self._note(method, arrived, which, str(to), ts)
        if self.latency:
            await asyncio.sleep(self.latency)
        return web.json_response({"ok": True, **answer})

    async def hook(self, request: web.Request) -> web.Response:
        """A response_url."""
        said = await request.json()
        kind = "replaced" if said.get("replace_original") else "beside"
        self._note("response_url", monotonic(), kind)
        return web.Response(text="ok")

    async def told(self, request: web.Request) -> web.Response:
        method, since = request.query.get("method"), int(request.query.get("since", 0))
        found = [one for one in islice(self.seen, since, None) if method in (None, one[0])]
        return web.json_response(found)

    async def counted(self, request: web.Request) -> web.Response:
        method = request.query.get("method")
        return web.json_response(self.counts[str(method)])

    async def clear(self, _: web.Request) -> web.Response:
        self.seen.clear()
        self.counts.clear()
        return web.json_response(True)

    async def set_latency(self, request: web.Request) -> web.Response:
        self.latency = float(request.query["seconds"])
        return web.json_response(self.latency)

    def _note(self, method: str, at: float, which: str, to: str = "", ts: str = "") -> None:
        self.seen.append((method, at, which, to, ts))
        self.counts[method] += 1

    def _answer(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        if method == "auth.test":
            return _ME
        if method == "chat.postMessage":
            to = str(args.get("channel", ""))
            channel = f"D{to[1:]}" if to.startswith("U") else to
            return {"channel": channel, "ts": f"1790000000.{number:06d}", "message": {}}
        if method == "users.info":
            return {"user": _user(str(args.get("user", "")))}
        if method == "conversations.info":
            return {"channel": _CHANNEL}
        if method == "conversations.members":
            return {"members": [LEAD, *_team(str(args.get("channel", ""))), BOT_USER]}
        if method == "users.conversations":
            return {"channels": [_CHANNEL]}
        if method.startswith("views."):
            return {"view": {"id": f"V{number}", "hash": f"{number}"}}
        if method == "files.getUploadURLExternal":
            return {"upload_url": f"{self.url}/upload", "file_id": f"F{number}"}
        if method == "files.completeUploadExternal":
            return {
                "files": args["files"]
                if isinstance(args["files"], list)
                else json.loads(args["files"])
            }
        return {}


async def _args(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        found: dict[str, Any] = await request.json()
        return found
    return {**request.query, **await request.post()}


def _which(args: dict[str, Any]) -> str:
    """The id of our own message, or the text of the loop's."""
    metadata = args.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    payload = metadata.get("event_payload") or {}
    return str(payload.get("id") or args.get("text") or "")


async def _taken(_: web.Request) -> web.Response:
    return web.Response(text="OK")


def application(url: str) -> web.Application:
    sink = Sink(url)
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/api/{method}", sink.call)
    app.router.add_post("/hooks/{rest:.*}", sink.hook)
    app.router.add_post("/upload", _taken)
    app.router.add_get("/_seen", sink.told)
    app.router.add_get("/_count", sink.counted)
    app.router.add_get("/_clear", sink.clear)
    app.router.add_get("/_latency", sink.set_latency)
    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    app = application(f"http://127.0.0.1:{port}")
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)
