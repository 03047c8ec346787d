"""Acknowledgement while there is a lot to do: a fan-out, and pictures being drawn."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence

from tests.bench.actions import clicks
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, POST, Bench, now
from tests.bench.clients import Request, Timed, at_a_rate
from tests.bench.measures.fanout import Sending
from tests.bench.processes import Child
from tests.bench.saved_results import refused
from tests.bench.table import GOALS, MS, Row, quantile
from tests.bench.world import asked_teams

TEAMS = 100
EACH_SECOND = 50
NEXT = "fewer statements for each DM: what sends them shares a core with who answers people"

Parts = Mapping[str, list[float]]  # seconds of each answer, by what went on meanwhile


async def while_busy(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            sending = Sending(bench=bench, slack=slack, child=child, url=url)
            load = clicks(everyone, slack.url, now())
            await _during(child, load, asyncio.sleep(bench.size(2, 1)))
            rest = await _during(child, load, asyncio.sleep(bench.size(8, 2)))
            runs: list[Parts] = []
            wrong = rest.wrong
            for series in "BC"[: bench.size(2, 1)]:
                work = sending.send(_dms(bench), series, CALL_SECONDS, reports=_reports(bench))
                timed = await _during(child, load, work)
                sent = [one.at for one in await slack.seen(POST) if one.to.startswith("U")]
                runs.append(parts(timed, max(sent) + CALL_SECONDS))
                wrong += timed.wrong + Counter(refused=await refused(slack))
            few = sending.send(bench.size(500, 100), "P", CALL_SECONDS, reports=2)
            profile = await bench.sampled(child, lambda: _during(child, load, few))
    meanwhile = f"{len(runs)} times {_dms(bench):,} DMs and {_reports(bench)} charts"
    return [row(rest.seconds, runs, wrong, work=meanwhile, profile=profile)]


def parts(timed: Timed, sent_at: float) -> Parts:
    """Each answer by whether it came before the last DM was sent (monotonic), or after it."""
    split: dict[str, list[float]] = {"the fan-out": [], "charts alone": []}
    for seconds, ended_at in zip(timed.seconds, timed.ended_at, strict=True):
        part = "the fan-out" if ended_at - seconds <= sent_at else "charts alone"
        split[part].append(seconds)
    return {part: seconds for part, seconds in split.items() if seconds}


def row(
    rest: list[float], runs: Sequence[Parts], wrong: Counter[str], *, work: str, profile: str
) -> Row:
    """Judged by the longest p99 of any part of any run. An answer that went wrong fails it."""
    before = quantile(rest, 0.99) * MS
    busy = [(part, seconds) for run in runs for part, seconds in run.items()]
    each = [quantile(seconds, 0.99) * MS for _, seconds in busy]
    longest = max(max(seconds) for _, seconds in busy) * MS
    said = ", ".join(
        f"p99 {p99:.1f} ms in {part} (of {len(seconds)})"
        for p99, (part, seconds) in zip(each, busy, strict=True)
    )
    return Row(
        name="acknowledgement while busy, p99",
        goal=GOALS["busy"],
        value=max(each),
        unit=" ms",
        shown=f"at rest {before:.1f} ms; {said}, the longest {longest:.0f} ms; "
        f"{EACH_SECOND} answers a second during {work}",
        limit=f"charts are drawn one by one, in a process of low priority; the bot {profile}",
        next_step=NEXT,
        wrong=f"answers that went wrong: {dict(wrong)}" if wrong else "",
        samples={
            "rest_ms": [one * MS for one in rest],
            "busy_ms": [[part, [one * MS for one in seconds]] for part, seconds in busy],
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
