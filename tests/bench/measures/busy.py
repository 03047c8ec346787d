"""Acknowledgement while there is a lot to do: a fan-out, and pictures being drawn."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence

from tests.bench.bench import Bench, now
from tests.bench.clients import Request, Timed, at_a_rate
from tests.bench.doings import clicks
from tests.bench.kept import refused
from tests.bench.measures.fanout import CALL_SECONDS, POST, Sending
from tests.bench.outside import opened
from tests.bench.processes import Child
from tests.bench.table import GOALS, Row, quantile
from tests.bench.world import asked_teams

TEAMS = 100
EACH_SECOND = 50
MS = 1000
NEXT = "fewer statements for each DM: what sends them shares a core with who answers people"

Parts = Mapping[str, list[float]]  # seconds of each answer, by what went on meanwhile


async def while_busy(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
            await db.analyze()
        with bench.bot(slack.api_url, url, "tests.bench.ours", "unpaced") as child:
            await child.ready()
            sending = Sending(bench=bench, slack=slack, child=child, url=url)
            load = clicks(everyone, slack.url, now())
            await _during(child, load, asyncio.sleep(2))
            rest = await _during(child, load, asyncio.sleep(bench.size(8, 3)))
            found: list[tuple[Timed, float]] = []
            wrong = rest.wrong
            for series in "BC"[: bench.size(2, 1)]:
                work = sending.send(_dms(bench), series, CALL_SECONDS, reports=_reports(bench))
                timed = await _during(child, load, work)
                sent = [one.at for one in await slack.seen(POST) if one.to.startswith("U")]
                found.append((timed, max(sent) + CALL_SECONDS))
                wrong += timed.wrong + Counter(refused=await refused(slack))
            few = sending.send(bench.size(500, 100), "P", CALL_SECONDS, reports=2)
            profile = await bench.sampled(child, lambda: _during(child, load, few))
    meanwhile = f"{len(found)} times {_dms(bench):,} DMs and {_reports(bench)} charts"
    return [row(rest.seconds, parts(found), wrong, work=meanwhile, profile=profile)]


def parts(found: Sequence[tuple[Timed, float]]) -> Parts:
    """Each answer by whether it came before the last DM was sent (monotonic), or after it."""
    split: dict[str, list[float]] = {"the fan-out": [], "charts alone": []}
    for timed, sent_at in found:
        for seconds, ended_at in zip(timed.seconds, timed.ended_at, strict=True):
            part = "the fan-out" if ended_at - seconds <= sent_at else "charts alone"
            split[part].append(seconds)
    return {part: seconds for part, seconds in split.items() if seconds}


def row(rest: list[float], busy: Parts, wrong: Counter[str], *, work: str, profile: str) -> Row:
    """Judged by the part whose p99 is the longer. An answer that went wrong fails it."""
    before = quantile(rest, 0.99) * MS
    each = {part: quantile(seconds, 0.99) * MS for part, seconds in busy.items()}
    longest = max(map(max, busy.values())) * MS
    said = ", ".join(
        f"p99 {p99:.1f} ms in {part} (of {len(busy[part])})" for part, p99 in each.items()
    )
    return Row(
        name="acknowledgement while busy, p99",
        goal=GOALS["busy"],
        value=max(each.values()),
        unit=" ms",
        shown=f"at rest {before:.1f} ms; {said}, the longest {longest:.0f} ms; "
        f"{EACH_SECOND} answers a second during {work}",
        limit=f"charts are drawn one by one, in a process of low priority; the bot {profile}",
        next_step=NEXT,
        wrong=f"answers that went wrong: {dict(wrong)}" if wrong else "",
        samples={
            "rest_ms": [one * MS for one in rest],
            "busy_ms": {part: [one * MS for one in seconds] for part, seconds in busy.items()},
        },
    )


def _dms(bench: Bench) -> int:
    return bench.size(1_000, 200)


def _reports(bench: Bench) -> int:
    return bench.size(20, 3)


async def _during(child: Child, load: Iterator[Request], work: Awaitable[object]) -> Timed:
    """Answers at their own rate while the work goes on."""
    done = asyncio.Event()
    answers = asyncio.create_task(at_a_rate(child.port, load, EACH_SECOND, done))
    try:
        await work
    finally:
        done.set()
    return await answers
