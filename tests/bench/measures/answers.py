"""Answers: how long one takes, and how many a second, kept on disk before they are acknowledged."""

from itertools import islice
from statistics import median

from bot.clock import monotonic
from tests.bench.actions import clicks
from tests.bench.admin_database import opened
from tests.bench.bench import ENGINES, Bench, Slack, now
from tests.bench.clients import closed_loop, one_by_one
from tests.bench.processes import Child
from tests.bench.saved_results import all_kept, checked, drained
from tests.bench.table import MS, Row, beside, quantile
from tests.bench.world import Person, asked_teams

TEAMS = 100
MANY_TEAMS = 1_000  # so that nearly all answers are somebody's first
CLIENTS = 32
WARM_UP = 20

Pairs = list[tuple[float, float]]
Raw = dict[str, list[float]]

LATENCY_LIMIT = "{profile}; Bolt's default sleeps 10 ms before it looks for the ack, ours does not"
LATENCY_NEXT = "make the receipt, which nobody waits for, in a process of its own"
THROUGHPUT_LIMIT = "processor, {ours:.1f} ms an answer against {theirs:.1f} ms; {profile}"
THROUGHPUT_NEXT = "read the payload once: we, Bolt and its middleware each parse it"
KEPT = "; the last answers of {people} people, as acknowledged, were there after a SIGKILL"


async def latency(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            pairs, raw, acknowledged = await _alternate(bench, slack, ours, theirs, everyone)
            people = await all_kept(ours, url, everyone, acknowledged)
        profile = await _profile(bench, slack, url, everyone, clients=1)
    said = "ours {ours:.2f} ms, do-nothing app {theirs:.2f} ms (medians of one client)"
    return [
        beside(
            "answer, latency", "latency", pairs,
            said=said + KEPT.format(people=people),
            limit=LATENCY_LIMIT.format(profile=profile), next_step=LATENCY_NEXT, samples=raw,
        )
    ]  # fmt: skip


async def _alternate(
    bench: Bench, slack: Slack, ours: Child, theirs: Child, everyone: list[Person]
) -> tuple[Pairs, Raw, list[int]]:
    load = clicks(everyone, slack.url, now())
    each = bench.size(40, 15)
    pairs: Pairs = []
    raw: Raw = {"ours_ms": [], "theirs_ms": []}
    await checked(one_by_one(theirs.port, islice(load, WARM_UP)))
    mine = await checked(one_by_one(ours.port, islice(load, WARM_UP)))
    acknowledged = mine.acknowledged
    for _ in range(bench.size(12, 6)):
        mine = await checked(one_by_one(ours.port, islice(load, each)))
        acknowledged += mine.acknowledged
        await drained(slack, len(acknowledged))
        yours = await checked(one_by_one(theirs.port, islice(load, each)))
        pairs.append((median(mine.seconds) * MS, median(yours.seconds) * MS))
        raw["ours_ms"] += [one * MS for one in mine.seconds]
        raw["theirs_ms"] += [one * MS for one in yours.seconds]
    return pairs, raw, acknowledged


async def throughput(bench: Bench) -> list[Row]:
    return [await _throughput(bench, engine) for engine in ENGINES]


async def _throughput(bench: Bench, engine: str) -> Row:
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, bench.size(MANY_TEAMS, TEAMS), now())
            await db.analyze()
        with (
            bench.bot(slack.api_url, url) as ours,
            bench.nothing(slack.api_url, before_response=True) as theirs,
        ):
            await ours.ready()
            await theirs.ready()
            pairs, raw, acknowledged = await _alternate_many(bench, slack, ours, theirs, everyone)
            people = await all_kept(ours, url, everyone, acknowledged)
        profile = await _profile(bench, slack, url, everyone, clients=CLIENTS)
    return beside(
        f"answer, throughput, {engine}",
        f"throughput {engine}",
        pairs,
        said="ours {ours:.0f} a second, do-nothing app {theirs:.0f} (32 clients)"
        + KEPT.format(people=people),
        limit=THROUGHPUT_LIMIT.format(
            profile=profile,
            ours=median(raw["ours_cpu_ms"]),
            theirs=median(raw["theirs_cpu_ms"]),
        ),
        next_step=THROUGHPUT_NEXT,
        samples=raw,
    )


async def _alternate_many(
    bench: Bench, slack: Slack, ours: Child, theirs: Child, everyone: list[Person]
) -> tuple[Pairs, Raw, list[int]]:
    """Answers a second: ours until the last receipt arrived, since that is our work as well."""
    seconds = bench.size(10, 4) / 10
    mine, yours = (clicks(everyone, slack.url, now()) for _ in "12")
    names = ("answered", "receipts_s", "ours_p99_ms", "ours_cpu_ms", "theirs_cpu_ms")
    raw: Raw = {name: [] for name in names}
    pairs: Pairs = []
    acknowledged: list[int] = []
    for number in range(bench.size(10, 3) + 1):  # the first is to warm up
        ours_used, theirs_used = ours.cpu_seconds(), theirs.cpu_seconds()
        began = monotonic()
        timed = await checked(closed_loop(ours.port, mine, CLIENTS, seconds))
        acknowledged += timed.acknowledged
        done = await drained(slack, len(acknowledged))  # before the other side begins
        rate = len(timed.seconds) / (done - began)
        their_began = monotonic()
        beside_it = await checked(closed_loop(theirs.port, yours, CLIENTS, seconds))
        their_rate = len(beside_it.seconds) / (max(beside_it.ended_at) - their_began)
        if number:
            pairs.append((rate, their_rate))
            raw["answered"].append(len(timed.seconds))
            raw["receipts_s"].append(done - max(timed.ended_at))
            raw["ours_p99_ms"].append(quantile(timed.seconds, 0.99) * MS)
            each = (ours.cpu_seconds() - ours_used) / len(timed.seconds)
            raw["ours_cpu_ms"].append(each * MS)
            each = (theirs.cpu_seconds() - theirs_used) / len(beside_it.seconds)
            raw["theirs_cpu_ms"].append(each * MS)
    return pairs, raw, acknowledged


async def _profile(
    bench: Bench, slack: Slack, url: str, everyone: list[Person], clients: int
) -> str:
    """What the bot does under this load, in a run of its own that is not timed."""
    if bench.quick:
        return "no profile in a first look"
    load = clicks(everyone, slack.url, now())
    with bench.bot(slack.api_url, url, "tests.bench.bot_process") as child:
        await child.ready()
        await closed_loop(child.port, load, clients, 0.5)
        return await bench.sampled(
            child, lambda: closed_loop(child.port, load, clients, bench.size(15, 8) / 10)
        )
