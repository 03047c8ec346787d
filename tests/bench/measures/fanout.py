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
from tests.bench.world import add_asked_teams, insert_all, pending_messages, pending_results

PATIENCE_SECONDS = 60.0
NEXT = "compile statements once, as for the queue heads: most are built for each use"


class WrongDelivery(Exception):
    """A message was lost or duplicated."""


async def fan_out(bench: Bench) -> list[Row]:
    return [await _fan_out(bench, engine) for engine in ENGINES]


async def _fan_out(bench: Bench, engine: str) -> Row:
    count, few = bench.size(1000, 300), bench.size(40, 8)
    pairs = []
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            await add_asked_teams(db, 1, now())
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            sender = MessageSender(bench=bench, slack=slack, child=child, url=url)
            await sender.send(20, "W")
            for series in "ABC"[: bench.size(3, 1)]:
                ours = await sender.send(count, series, CALL_SECONDS)
                theirs = await loop(slack, few) * count / few
                pairs.append((ours, theirs))
            profile = await bench.sampled(
                child,
                lambda: sender.send(bench.size(500, 100), "P", CALL_SECONDS),
            )
    return _row(engine, count, few, pairs, profile)


def _row(engine: str, count: int, few: int, pairs: list[tuple[float, float]], profile: str) -> Row:
    times = [theirs / ours for ours, theirs in pairs]
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    text = f"medians of {len(pairs)}" if len(pairs) > 1 else "once, in a quick run"
    return Row(
        name=f"fan-out without limits, {engine}",
        goal=GOALS["fan-out"],
        value=median(times),
        unit="x",
        shown=f"ours {ours:.1f} s for {count} DMs, a loop {theirs:.0f} s (measured on {few}); "
        f"{text}",
        limit=profile,
        next_step=NEXT,
        spread=(min(times), max(times)),
        samples={"pairs": [list(pair) for pair in pairs], "counts": [count, few]},
    )


@dataclass(frozen=True, kw_only=True)
class MessageSender:
    """A bot that sends queued messages, and the sink that counts them."""

    bench: Bench
    slack: Slack
    child: Child
    url: str

    async def send(
        self, count: int, series: str, latency: float = 0.0, *, reports: int = 0
    ) -> float:
        """Queue messages at once, and wait until each was sent once.

        `reports` is a number of results with a picture in addition. Returns the seconds from the
        start of the writing to the end of the last call.
        """
        await self.slack.clear()
        await self.slack.latency(latency)
        began = monotonic()
        async with opened(self.url) as db, db.transaction() as tx:
            at = self.bench.business_time
            await insert_all(tx, schema.messages, pending_messages(count, at, series))
            await insert_all(tx, schema.messages, pending_results(reports, at, series))
            await insert_if_new(tx, schema.sender_leases, workspace_id=TEAM)
        self.child.send_line("wake")
        await self.slack.wait_for(POST, count + reports, PATIENCE_SECONDS)
        await asyncio.sleep(latency + SETTLING_SECONDS)
        seen = await self.slack.seen(POST)
        await self.slack.latency(0)
        check_each_once(count + reports, [one.which for one in seen])
        return max(one.at for one in seen) + latency - began


def check_each_once(count: int, ids: list[str]) -> None:
    """Raises Unfaithful unless this number of different messages arrived once each."""
    found = Counter(ids)
    duplicates = sum(times > 1 for times in found.values())
    if duplicates or len(found) != count:
        raise WrongDelivery(f"{count - len(found)} lost, {duplicates} duplicated")


async def loop(slack: Slack, count: int) -> float:
    """Run `tests.bench.loop`. Returns the seconds it took."""
    await slack.latency(CALL_SECONDS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.loop", slack.api_url, str(count),
        cwd=ROOT, env=clean_environ(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    text, _ = await process.communicate()
    await slack.latency(0)
    return float(text)
