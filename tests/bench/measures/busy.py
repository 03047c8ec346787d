"""Acknowledgement times while the bot is busy with a fan-out and with pictures."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence

from tests.bench.actions import clicks
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, POST, Bench, now
from tests.bench.clients import LoadResult, Request, at_a_rate
from tests.bench.measures.fanout import MessageSender
from tests.bench.processes import Child
from tests.bench.saved_results import refused
from tests.bench.table import GOALS, MS, Row, quantile
from tests.bench.world import add_asked_teams

TEAMS = 100
EACH_SECOND = 50
NEXT = "fewer statements for each DM, as sending shares a core with answering"

Parts = Mapping[str, list[float]]  # seconds of each answer, by the concurrent work


async def while_busy(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await add_asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            sender = MessageSender(bench=bench, slack=slack, child=child, url=url)
            load = clicks(everyone, slack.url, now())
            await _during(child, load, asyncio.sleep(bench.size(2, 1)))
            rest = await _during(child, load, asyncio.sleep(bench.size(8, 2)))
            runs: list[Parts] = []
            errors = rest.errors
            for series in "BC"[: bench.size(2, 1)]:
                work = sender.send(_dms(bench), series, CALL_SECONDS, reports=_reports(bench))
                timed = await _during(child, load, work)
                sent = [one.at for one in await slack.seen(POST) if one.to.startswith("U")]
                runs.append(parts(timed, max(sent) + CALL_SECONDS))
                errors += timed.errors + Counter(refused=await refused(slack))
            few = sender.send(bench.size(500, 100), "P", CALL_SECONDS, reports=2)
            profile = await bench.sampled(child, lambda: _during(child, load, few))
    meanwhile = f"{len(runs)} times {_dms(bench):,} DMs and {_reports(bench)} charts"
    return [row(rest.seconds, runs, errors, work=meanwhile, profile=profile)]


def parts(timed: LoadResult, sent_at: float) -> Parts:
    """Split the answers by whether they came before or after the last DM (monotonic)."""
    split: dict[str, list[float]] = {"the fan-out": [], "charts alone": []}
    for seconds, ended_at in zip(timed.seconds, timed.ended_at, strict=True):
        part = "the fan-out" if ended_at - seconds <= sent_at else "charts alone"
        split[part].append(seconds)
    return {part: seconds for part, seconds in split.items() if seconds}


def row(
    rest: list[float], runs: Sequence[Parts], errors: Counter[str], *, work: str, profile: str
) -> Row:
    """A row judged by the worst p99 of any part of any run. A failed answer fails it."""
    before = quantile(rest, 0.99) * MS
    busy = [(part, seconds) for run in runs for part, seconds in run.items()]
    each = [quantile(seconds, 0.99) * MS for _, seconds in busy]
    longest = max(max(seconds) for _, seconds in busy) * MS
    text = ", ".join(
        f"p99 {p99:.1f} ms in {part} (of {len(seconds)})"
        for p99, (part, seconds) in zip(each, busy, strict=True)
    )
    return Row(
        name="acknowledgement while busy, p99",
        goal=GOALS["busy"],
        value=max(each),
        unit=" ms",
        shown=f"at rest {before:.1f} ms; {text}, the longest {longest:.0f} ms; "
        f"{EACH_SECOND} answers a second during {work}",
        limit=f"charts are drawn one by one, in a process of low priority; the bot {profile}",
        next_step=NEXT,
        errors=f"failed answers: {dict(errors)}" if errors else "",
        samples={
            "rest_ms": [one * MS for one in rest],
            "busy_ms": [[part, [one * MS for one in seconds]] for part, seconds in busy],
        },
    )


def _dms(bench: Bench) -> int:
    return bench.size(1_000, 200)


def _reports(bench: Bench) -> int:
    return bench.size(20, 3)


async def _during(child: Child, load: Iterator[Request], work: Awaitable[object]) -> LoadResult:
    """Answer at a fixed rate during some work."""
    done = asyncio.Event()
    answers = asyncio.create_task(at_a_rate(child.port, load, EACH_SECOND, done))
    try:
        await work
    finally:
        done.set()
    return await answers
