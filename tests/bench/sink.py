"""The Slack of the benchmark: one workspace, which records all calls.

    python -m tests.bench.sink PORT

`/_latency?seconds=0.12` sets the duration of Web API calls, `/_seen?method=...&since=0` lists the
calls with their arrival (CLOCK_MONOTONIC, which all processes share), message id, recipient and
ts, `/_clear` forgets them.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from bot.clock import monotonic
from tests.bench.http import Answer, Call, serve
from tests.stub_slack.workspace import Json, StubWorkspace, channel_object, message_id_of

TEAM, CHANNEL, LEAD = "T0BENCH", "C0BENCH", "U0LEAD"
TEAM_SIZE = 10


@dataclass(kw_only=True)
class BenchWorkspace(StubWorkspace):
    """Its channels and people are numbered as in `tests.bench.world`."""

    team_id: str = TEAM

    def members(self, channel: str) -> Sequence[str]:
        """The members of a team's channel; the first team's in any other."""
        team = int(channel[1:]) if channel[1:].isdigit() else 0
        return [LEAD, *(f"U{team * TEAM_SIZE + one:08d}" for one in range(TEAM_SIZE))]

    def _users_conversations(self, _: Json) -> Json:
        return {"channels": [channel_object(CHANNEL)]}


class Sink:
    """Answers any request, and records the calls of the Web API."""

    def __init__(self, url: str) -> None:
        self.workspace = BenchWorkspace(url=url)
        self.latency = 0.0
        #: Method, arrival, label, recipient and ts.
        self.seen: list[tuple[str, float, str, str, str]] = []
        self.counts: Counter[str] = Counter()  # by method

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

    def _call(self, method: str, args: Json) -> Answer:
        arrived, answer = monotonic(), self.workspace.call(method, args)
        to, label = str(args.get("channel", "")), message_id_of(args) or str(args.get("text", ""))
        self._note(method, arrived, label, to, answer.get("ts", ""))
        return _said(answer, after=self.latency)

    def _hook(self, body: Json) -> Answer:
        """Accept a response to a response_url."""
        kind = "replaced" if body.get("replace_original") else "beside"
        self._note("response_url", monotonic(), kind)
        return _said("ok")

    def _note(self, method: str, at: float, label: str, to: str = "", ts: str = "") -> None:
        self.seen.append((method, at, label, to, ts))
        self.counts[method] += 1


def _args(call: Call) -> Json:
    if call.kind.startswith("application/json"):
        found: Json = json.loads(call.body)
        return found
    return dict(parse_qsl(call.body.decode()))


def _said(content: Any, after: float = 0.0) -> Answer:
    return Answer(json.dumps(content).encode(), after)


if __name__ == "__main__":
    port = int(sys.argv[1])
    asyncio.run(serve(port, Sink(f"http://127.0.0.1:{port}").answer))
