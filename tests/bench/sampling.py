"""A sampling profiler: what the main thread does, every few milliseconds of processor time.

It costs a few per cent, so it runs only while nothing is timed.
"""

import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from resource import RUSAGE_SELF, getrusage
from types import FrameType
from typing import Any

from bot.clock import monotonic

EVERY_SECONDS = 0.003
#: A sample belongs to the first of these that is found in the stack, from the inside out.
PARTS = {
    "/bot/rounds/": "our rounds",
    "/bot/outbox/": "our outbox",
    "/bot/agenda/": "our agenda",
    "/bot/": "our other code",
    "/sqlalchemy/": "SQLAlchemy",
    "/aiosqlite/": "aiosqlite",
    "/psycopg": "psycopg",
    "/slack_bolt/": "Bolt",
    "/slack_sdk/": "slack_sdk",
    "/aiohttp/": "aiohttp",
    "/structlog/": "logging",
    "/logging/": "logging",
    "/cryptography/": "cryptography",
    "/json/": "json",
    "/multidict": "aiohttp",
    "/yarl": "aiohttp",
    "/prometheus_client/": "metrics",
    "selectors.py": "system calls and threads",
    "/asyncio/": "asyncio",
}


class Sampler:
    """Counts the parts of the program that the main thread is in."""

    def __init__(self) -> None:
        self._began = (0.0, 0.0)
        self.parts: Counter[str] = Counter()

    def start(self) -> None:
        self._began = (monotonic(), _used())
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> dict[str, Any]:
        """Stop. Returns the counts, most frequent first, and the share of a core used."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        began, used = self._began
        return {
            "busy": (_used() - used) / (monotonic() - began),
            "parts": dict(self.parts.most_common()),
        }

    def _look(self, _: int, frame: FrameType | None) -> None:
        if frame is not None:
            self.parts[part_of(frame)] += 1


async def sampled_here(during: Callable[[], Awaitable[object]]) -> str:
    """Sample this process during some work. Returns a description."""
    sampler = Sampler()
    sampler.start()
    try:
        await during()
    finally:
        seen = sampler.stop()
    return shares(seen)


def _used() -> float:
    """Processor seconds of this process, threads included."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def part_of(frame: FrameType) -> str:
    """The part of the program that a sample belongs to."""
    for file in _files(frame):
        for name, part in PARTS.items():
            if name in file:
                return part
    return "Python"


def shares(seen: dict[str, Any], most: int = 4) -> str:
    """Describe the load and its largest parts."""
    parts: dict[str, int] = seen["parts"]
    total = sum(parts.values())
    if not total:
        return "nothing was sampled"
    ranked = sorted(parts.items(), key=lambda item: -item[1])[:most]
    text = ", ".join(f"{name} {times / total:.0%}" for name, times in ranked)
    return f"{seen['busy']:.0%} of a core: {text}"


def imports(timed: str, most: int = 4) -> str:
    """Describe the output of `python -X importtime` by package."""
    spent: Counter[str] = Counter()
    for line in timed.splitlines():
        own, _, name = line.removeprefix("import time:").split("|") if "|" in line else ("", "", "")
        if own.strip().isdigit():
            spent[name.strip().partition(".")[0]] += int(own)
    total = spent.total()
    text = ", ".join(f"{name} {took / total:.0%}" for name, took in spent.most_common(most))
    return f"imports {total / 1e6:.2f} s when each is timed: {text}"


def _files(frame: FrameType) -> Iterator[str]:
    found: FrameType | None = frame
    while found is not None:
        yield found.f_code.co_filename
        found = found.f_back
