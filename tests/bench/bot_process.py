"""The bot as run by `python -m bot run --http`, with controls for the benchmark.

    python -m tests.bench.bot_process [unpaced] [minute=SECONDS]

The settings are the same, and BENCH_CLOCK is the business time at BENCH_CLOCK_AT (monotonic).
`unpaced` removes Slack's limits, `minute` shortens the window of the limits. Commands on standard
input: `wake` (new messages were queued), `sample` (start sampling), `sampled FILE` (stop sampling
and write the result).
"""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot.__main__ import until_stopped
from bot.app import Imbalance
from bot.clock import AdjustableClock, monotonic
from bot.log import configure
from bot.outbox import rate_limits
from bot.outbox.rate_limits import RateLimits
from bot.settings import load
from tests.bench.sampling import Sampler


async def main(*, unpaced: bool) -> None:
    settings = load(os.environ)
    configure(settings.log_level, settings.log_format)
    limits = RateLimits(limited=False) if unpaced else None
    app = Imbalance(settings, _clock(), http=True, rate_limits=limits)
    listening = asyncio.create_task(_listen(app, Sampler()))
    await until_stopped(app)
    listening.cancel()


async def _listen(app: Imbalance, sampler: Sampler) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := (await reader.readline()).decode().split():
        match line:
            case ["wake"]:
                app.db.changed.set()
            case ["sample"]:
                sampler.start()
            case ["sampled", file]:
                _write(Path(file), json.dumps(sampler.stop()))


def _clock() -> AdjustableClock:
    """A clock that is the same in every replica, as CLOCK_MONOTONIC is the same everywhere."""
    shown = datetime.fromisoformat(os.environ["BENCH_CLOCK"])
    since = monotonic() - float(os.environ["BENCH_CLOCK_AT"])
    return AdjustableClock(shown + timedelta(seconds=since), running=True)


def _write(file: Path, text: str) -> None:
    file.with_suffix(".part").write_text(text, encoding="utf-8")
    file.with_suffix(".part").rename(file)  # atomically


if __name__ == "__main__":
    for given in sys.argv[1:]:
        name, _, seconds = given.partition("=")
        if name == "minute":
            rate_limits.WINDOW_SECONDS *= float(seconds) / 60
    asyncio.run(main(unpaced="unpaced" in sys.argv))
