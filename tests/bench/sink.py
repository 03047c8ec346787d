"""A minimal Slack, which records calls and accepts everything.

    python -m tests.bench.sink PORT

`/_latency?seconds=0.12` sets the duration of Web API calls, `/_seen?method=...&since=0` lists the
calls with their arrival (CLOCK_MONOTONIC, which all processes share), message id, recipient and
ts, `/_clear` forgets them.
"""

import asyncio
import json
import sys
from collections import Counter
from itertools import count, islice
from typing import Any
from urllib.parse import parse_qsl

from bot.clock import monotonic
from tests.bench.http import Answer, Call, serve

TEAM, CHANNEL, LEAD = "T0BENCH", "C0BENCH", "U0LEAD"
BOT_USER, BOT_ID = "U0BOT", "B0BOT"
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
    """The members of a team's channel as numbered in `tests.bench.world`; ten in any other."""
    team = int(channel[1:]) if channel[1:].isdigit() else 0
    return [f"U{team * TEAM_SIZE + one:08d}" for one in range(TEAM_SIZE)]


class Sink:
    """The parts of Slack that the benchmark needs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.latency = 0.0
        self.seen: list[
            tuple[str, float, str, str, str]
        ] = []  # method, arrival, label, recipient, ts
        self.counts: Counter[str] = Counter()  # by method
        self._numbers = count(1)

    def answer(self, call: Call) -> Answer:
        """Answer any request. A Web API call is recorded on arrival, answered after the latency."""
        query = dict(parse_qsl(call.query))
        match call.path.split("/")[1:]:
            case ["api", method]:
                return self._call(method, {**query, **_args(call)})
            case ["hooks", *_]:
                return self._hook(json.loads(call.body))
            case ["_seen"]:
                only, since = query.get("method"), int(query.get("since", 0))
                found = islice(self.seen, since, None)
                return _said([one for one in found if only in (None, one[0])])
            case ["_count"]:
                return _said(self.counts[query["method"]])
            case ["_clear"]:
                self.seen.clear()
                self.counts.clear()
            case ["_latency"]:
                self.latency = float(query["seconds"])
            case ["upload"] | ["_ready"]:
                pass
            case _:
                raise LookupError(call.path)
        return _said(True)

    def _call(self, method: str, args: dict[str, Any]) -> Answer:
        arrived, answer = monotonic(), self._answer(method, args)
        to = str(args.get("channel", ""))
        self._note(method, arrived, _which(args), to, answer.get("ts", ""))
        return _said({"ok": True, **answer}, after=self.latency)

    def _hook(self, body: dict[str, Any]) -> Answer:
        """Accept a response to a response_url."""
        kind = "replaced" if body.get("replace_original") else "beside"
        self._note("response_url", monotonic(), kind)
        return _said("ok")

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


def _args(call: Call) -> dict[str, Any]:
    if call.kind.startswith("application/json"):
        found: dict[str, Any] = json.loads(call.body)
        return found
    return dict(parse_qsl(call.body.decode()))


def _which(args: dict[str, Any]) -> str:
    """The id in the message's metadata, else its text."""
    metadata = args.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    payload = metadata.get("event_payload") or {}
    return str(payload.get("id") or args.get("text") or "")


def _said(content: Any, after: float = 0.0) -> Answer:
    return Answer(json.dumps(content).encode(), after)


if __name__ == "__main__":
    port = int(sys.argv[1])
    asyncio.run(serve(port, Sink(f"http://127.0.0.1:{port}").answer))
