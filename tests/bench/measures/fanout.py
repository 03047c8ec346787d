"""Fan-out: many direct messages at once, without Slack's limits."""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass
from statistics import median

from bot.clock import monotonic
from bot.db import schema
from bot.db.upserts import insert_if_new
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, ENGINES, POST, SETTLING_SECONDS, Bench, Slack, now
from tests.bench.processes import ROOT, Child, clean_environ
from tests.bench.sink import TEAM
from tests.bench.table import GOALS, Row
from tests.bench.world import asked_teams, insert_all, to_send, with_pictures

PATIENCE_SECONDS = 60.0
NEXT = "statements made once, as the look for what goes next is: most are built anew for each use"


class Unfaithful(Exception):
    """A message was lost or said twice."""


async def fan_out(bench: Bench) -> list[Row]:
    return [await _fan_out(bench, engine) for engine in ENGINES]


async def _fan_out(bench: Bench, engine: str) -> Row:
    count, few = bench.size(1000, 300), bench.size(40, 8)
    pairs = []
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            await asked_teams(db, 1, now())
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            sending = Sending(bench=bench, slack=slack, child=child, url=url)
            await sending.send(20, "W")
            for series in "ABC"[: bench.size(3, 1)]:
                ours = await sending.send(count, series, CALL_SECONDS)
                theirs = await loop(slack, few) * count / few
                pairs.append((ours, theirs))
            profile = await bench.sampled(
                child,
                lambda: sending.send(bench.size(500, 100), "P", CALL_SECONDS),
            )
    return _row(engine, count, few, pairs, profile)


def _row(engine: str, count: int, few: int, pairs: list[tuple[float, float]], profile: str) -> Row:
    times = [theirs / ours for ours, theirs in pairs]
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    said = f"medians of {len(pairs)}" if len(pairs) > 1 else "once, in a first look"
    return Row(
        name=f"fan-out without limits, {engine}",
        goal=GOALS["fan-out"],
        value=median(times),
        unit="x",
        shown=f"ours {ours:.1f} s for {count} DMs, a loop {theirs:.0f} s (measured on {few}); "
        f"{said}",
        limit=profile,
        next_step=NEXT,
        spread=(min(times), max(times)),
        samples={"pairs": [list(pair) for pair in pairs], "counts": [count, few]},
    )


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A bot that is given messages to send, and the Slack that counts them."""

    bench: Bench
    slack: Slack
    child: Child
    url: str

    async def send(
        self, count: int, series: str, latency: float = 0.0, *, reports: int = 0
    ) -> float:
        """Let so many messages be written, at once, and wait until each was sent once.

        `reports` are results with a picture besides. Returns the seconds from where their writing
        begins to the end of the last call.
        """
        await self.slack.clear()
        await self.slack.latency(latency)
        began = monotonic()
        async with opened(self.url) as db, db.transaction() as tx:
            at = self.bench.business
            await insert_all(tx, schema.messages, to_send(count, at, series))
            await insert_all(tx, schema.messages, with_pictures(reports, at, series))
            await insert_if_new(tx, schema.sender_leases, workspace_id=TEAM)
        self.child.tell("wake")
        await self.slack.wait_for(POST, count + reports, PATIENCE_SECONDS)
        await asyncio.sleep(latency + SETTLING_SECONDS)
        seen = await self.slack.seen(POST)
        await self.slack.latency(0)
        once_each(count + reports, [one.which for one in seen])
        return max(one.at for one in seen) + latency - began


def once_each(count: int, ids: list[str]) -> None:
    """Raises Unfaithful unless so many different messages arrived, each once."""
    found = Counter(ids)
    twice = sum(times > 1 for times in found.values())
    if twice or len(found) != count:
        raise Unfaithful(f"{count - len(found)} lost, {twice} twice")


async def loop(slack: Slack, count: int) -> float:
    """The usual loop of chat_postMessage, in a process of its own. Returns its seconds."""
    await slack.latency(CALL_SECONDS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.loop", slack.api_url, str(count),
        cwd=ROOT, env=clean_environ(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    await slack.latency(0)
    return float(said)
