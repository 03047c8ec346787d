"""Answers: how long one takes, and how many a second, kept on disk before they are acknowledged."""

from collections.abc import Awaitable, Iterator
from itertools import islice
from statistics import median

from bot.clock import monotonic
from tests.bench.bench import ENGINES, Bench, Slack, now
from tests.bench.clients import Timed, closed_loop, one_by_one
from tests.bench.doings import clicks
from tests.bench.outside import opened
from tests.bench.processes import Child
from tests.bench.table import Row, beside, quantile
from tests.bench.world import Person, asked_teams, ballots_kept

TEAMS = 100
CLIENTS = 32
WARM_UP = 20
MS = 1000

Pairs = list[tuple[float, float]]
Raw = dict[str, list[float]]

LATENCY_LIMIT = "{profile}; Bolt's default sleeps 10 ms before it looks for the ack, ours does not"
THROUGHPUT_LIMIT = "processor, {ours:.1f} ms an answer against {theirs:.1f} ms; {profile}"


class Incomplete(Exception):
    """Something was acknowledged that was not kept."""


async def latency(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            pairs, raw = await _alternate(bench, slack, ours, theirs, everyone)
        profile = await _profile(bench, slack, url, everyone, clients=1)
    said = "ours {ours:.2f} ms, do-nothing app {theirs:.2f} ms (medians of one client)"
    limit = LATENCY_LIMIT.format(profile=profile)
    return [beside("answer, latency", "latency", pairs, said=said, limit=limit, samples=raw)]


async def _alternate(
    bench: Bench, slack: Slack, ours: Child, theirs: Child, everyone: list[Person]
) -> tuple[Pairs, Raw]:
    load = clicks(everyone, slack.url, now())
    each = bench.size(40, 15)
    pairs: Pairs = []
    raw: Raw = {"ours_ms": [], "theirs_ms": []}
    for side in (ours, theirs):
        await one_by_one(side.port, [*islice(load, WARM_UP)])
    for _ in range(bench.size(12, 6)):
        mine = await _checked(one_by_one(ours.port, [*islice(load, each)]))
        yours = await _checked(one_by_one(theirs.port, [*islice(load, each)]))
        pairs.append((median(mine.seconds) * MS, median(yours.seconds) * MS))
        raw["ours_ms"] += [one * MS for one in mine.seconds]
        raw["theirs_ms"] += [one * MS for one in yours.seconds]
    return pairs, raw


async def throughput(bench: Bench) -> list[Row]:
    return [await _throughput(bench, engine) for engine in ENGINES]


async def _throughput(bench: Bench, engine: str) -> Row:
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        with (
            bench.bot(slack.api_url, url) as ours,
            bench.nothing(slack.api_url, before_response=True) as theirs,
        ):
            await ours.ready()
            await theirs.ready()
            pairs, raw = await _alternate_many(bench, slack, ours, theirs, everyone)
        async with opened(url) as db:
            await _all_kept(slack, await ballots_kept(db), len(everyone), raw["answered"])
        profile = await _profile(bench, slack, url, everyone, clients=CLIENTS)
    return beside(
        f"answer, throughput, {engine}",
        f"throughput {engine}",
        pairs,
        said="ours {ours:.0f} a second, do-nothing app {theirs:.0f} (32 clients)",
        limit=THROUGHPUT_LIMIT.format(
            profile=profile,
            ours=median(raw["ours_cpu_ms"]),
            theirs=median(raw["theirs_cpu_ms"]),
        ),
        samples=raw,
    )


async def _alternate_many(
    bench: Bench, slack: Slack, ours: Child, theirs: Child, everyone: list[Person]
) -> tuple[Pairs, Raw]:
    seconds = bench.size(10, 6) / 10
    mine, yours = (clicks(everyone, slack.url, now()) for _ in "12")
    raw: Raw = {name: [] for name in ("answered", "ours_p99_ms", "ours_cpu_ms", "theirs_cpu_ms")}
    pairs: Pairs = []
    for number in range(bench.size(12, 3) + 1):  # the first is to warm up
        ours_used, theirs_used = ours.cpu_seconds(), theirs.cpu_seconds()
        timed, rate = await _rate(ours, mine, seconds)
        beside_it, their_rate = await _rate(theirs, yours, seconds)
        raw["answered"].append(len(timed.seconds))
        if number:
            pairs.append((rate, their_rate))
            raw["ours_p99_ms"].append(quantile(timed.seconds or [seconds], 0.99) * MS)
            each = (ours.cpu_seconds() - ours_used) / max(1, len(timed.seconds))
            raw["ours_cpu_ms"].append(each * MS)
            each = (theirs.cpu_seconds() - theirs_used) / max(1, len(beside_it.seconds))
            raw["theirs_cpu_ms"].append(each * MS)
    return pairs, raw


async def _rate(side: Child, load: Iterator[bytes], seconds: float) -> tuple[Timed, float]:
    """Answers a second, of those that came within the time."""
    until = monotonic() + seconds
    timed = await _checked(closed_loop(side.port, load, CLIENTS, seconds))
    return timed, sum(at <= until for at in timed.ended_at) / seconds


async def _checked(running: Awaitable[Timed]) -> Timed:
    timed = await running
    if timed.wrong:
        raise Incomplete(f"answered with {timed.wrong}")
    return timed


async def _all_kept(slack: Slack, kept: int, people: int, answered: list[float]) -> None:
    """Everyone who was acknowledged has a ballot, and nobody was refused."""
    told = await slack.seen("response_url")
    refused = sum(kind != "replaced" for _, _, kind in told)
    if refused or kept != min(people, sum(answered)):
        raise Incomplete(f"{sum(answered)} acknowledged, {kept} kept, {refused} refused")


async def _profile(
    bench: Bench, slack: Slack, url: str, everyone: list[Person], clients: int
) -> str:
    """What the bot does under this load, in a run of its own that is not timed."""
    if bench.quick:
        return "no profile in a first look"
    load = clicks(everyone, slack.url, now())
    with bench.bot(slack.api_url, url, "tests.bench.ours") as child:
        await child.ready()
        await closed_loop(child.port, load, clients, 0.5)
        return await bench.sampled(
            child, lambda: closed_loop(child.port, load, clients, bench.size(15, 8) / 10)
        )
