"""The fake Slack with rate limits, many people, and latency on every call.

    python -m tests.bench.fake_slack PORT CONTROL_PORT APP_URL PEOPLE SECONDS_PER_CALL MINUTE

MINUTE is the window of the limits in seconds; below 60 in a quick run.
On the control port, `/_calls` lists the method, time, recipient and error of each call.
"""

import asyncio
import signal
import sys
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.playground.fake_slack import rate_limits
from bot.playground.fake_slack.core import Call
from bot.playground.server import FakeSlack
from tests.bench.processes import ROOT
from tests.harness import BEN


def person(number: int) -> str:
    return f"U{number:08d}"


async def main(port: int, control: int, app_url: str, people: int, latency: float) -> None:
    slack = FakeSlack(clock=Clock().now, manifest=ROOT / "manifest.json", port=port)
    for number in range(people):
        slack.workspace.users[person(number)] = slack.copy_of(BEN, id=person(number))
    slack.request_url = app_url
    slack.faults.rate_limits = True
    slack.faults.latency = latency
    await slack.start()
    runner = web.AppRunner(_control(slack), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", control).start()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    await runner.cleanup()
    await slack.stop()


def _control(slack: FakeSlack) -> web.Application:
    async def calls(_: web.Request) -> web.Response:
        return web.json_response([_summary(call) for call in slack.calls])

    app = web.Application()
    app.router.add_get("/_calls", calls)
    return app


def _summary(call: Call) -> dict[str, Any]:
    error = "" if call.response.get("ok") else call.response.get("error")
    at, to = call.at.timestamp(), call.args.get("channel")
    return {"method": call.method, "at": at, "to": to, "error": error}


if __name__ == "__main__":
    given = sys.argv[1:]
    rate_limits.WINDOW_SECONDS = float(given[5])
    asyncio.run(main(int(given[0]), int(given[1]), given[2], int(given[3]), float(given[4])))
