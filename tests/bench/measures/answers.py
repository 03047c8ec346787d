"""Latency and throughput of answers, which are on disk before they are acknowledged."""

from itertools import islice
from statistics import median

from bot.clock import monotonic
from tests.bench.actions import clicks
from tests.bench.admin_database import opened
from tests.bench.bench import ENGINES, Bench, Slack, now
from tests.bench.clients import closed_loop, one_by_one
from tests.bench.processes import Child
from tests.bench.saved_results import check_all_ok, check_answers_saved, wait_for_receipts
from tests.bench.table import MS, Row, comparison_row, quantile
from tests.bench.world import Person, add_asked_teams

TEAMS = 100
MANY_TEAMS = 1_000  # so that nearly all answers are first ones
CLIENTS = 32
WARM_UP = 20

Pairs = list[tuple[float, float]]
Raw = dict[str, list[float]]

LATENCY_LIMIT = "{profile}; Bolt's default sleeps 10 ms before it looks for the ack, ours does not"
LATENCY_NEXT = "send the receipt, which nobody waits for, from another process"
THROUGHPUT_LIMIT = "processor, {ours:.1f} ms an answer against {theirs:.1f} ms; {profile}"
THROUGHPUT_NEXT = "parse the payload once: the bot, Bolt and its middleware each do"
SAVED_TEXT = "; the last acknowledged answers of {people} people were saved after SIGKILL"


async def latency(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await add_asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            pairs, raw, acknowledged = await _alternate(bench, slack, ours, theirs, everyone)
            people = await check_answers_saved(ours, url, everyone, acknowledged)
        profile = await _profile(bench, slack, url, everyone, clients=1)
    text = "ours {ours:.2f} ms, do-nothing app {theirs:.2f} ms (medians of one client)"
    return [
        comparison_row(
            "answer, latency", "latency", pairs,
            text=text + SAVED_TEXT.format(people=people),
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
    await check_all_ok(one_by_one(theirs.port, islice(load, WARM_UP)))
    mine = await check_all_ok(one_by_one(ours.port, islice(load, WARM_UP)))
    acknowledged = mine.acknowledged
    for _ in range(bench.size(12, 6)):
        mine = await check_all_ok(one_by_one(ours.port, islice(load, each)))
        acknowledged += mine.acknowledged
        await wait_for_receipts(slack, len(acknowledged))
        yours = await check_all_ok(one_by_one(theirs.port, islice(load, each)))
        pairs.append((median(mine.seconds) * MS, median(yours.seconds) * MS))
        raw["ours_ms"] += [one * MS for one in mine.seconds]
        raw["theirs_ms"] += [one * MS for one in yours.seconds]
    return pairs, raw, acknowledged


async def throughput(bench: Bench) -> list[Row]:
    return [await _throughput(bench, engine) for engine in ENGINES]


async def _throughput(bench: Bench, engine: str) -> Row:
    async with bench.slack() as slack, bench.database(engine) as url:
        async with opened(url) as db:
            everyone = await add_asked_teams(db, bench.size(MANY_TEAMS, TEAMS), now())
            await db.analyze()
        with (
            bench.bot(slack.api_url, url) as ours,
            bench.nothing(slack.api_url, before_response=True) as theirs,
        ):
            await ours.ready()
            await theirs.ready()
            pairs, raw, acknowledged = await _alternate_many(bench, slack, ours, theirs, everyone)
            people = await check_answers_saved(ours, url, everyone, acknowledged)
        profile = await _profile(bench, slack, url, everyone, clients=CLIENTS)
    return comparison_row(
        f"answer, throughput, {engine}",
        f"throughput {engine}",
        pairs,
        text="ours {ours:.0f} a second, do-nothing app {theirs:.0f} (32 clients)"
        + SAVED_TEXT.format(people=people),
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
    """Answers a second; ours are timed until the last receipt, which is part of the work."""
    seconds = bench.size(10, 4) / 10
    mine, yours = (clicks(everyone, slack.url, now()) for _ in "12")
    names = ("answered", "receipts_s", "ours_p99_ms", "ours_cpu_ms", "theirs_cpu_ms")
    raw: Raw = {name: [] for name in names}
    pairs: Pairs = []
    acknowledged: list[int] = []
    for number in range(bench.size(10, 3) + 1):  # the first one warms up
        ours_used, theirs_used = ours.cpu_seconds(), theirs.cpu_seconds()
        began = monotonic()
        timed = await check_all_ok(closed_loop(ours.port, mine, CLIENTS, seconds))
        acknowledged += timed.acknowledged
        done = await wait_for_receipts(slack, len(acknowledged))  # before the baseline starts
        rate = len(timed.seconds) / (done - began)
        their_began = monotonic()
        beside_it = await check_all_ok(closed_loop(theirs.port, yours, CLIENTS, seconds))
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
    """A profile of the bot under this load, in a separate run that is not timed."""
    if bench.quick:
        return "no profile in a quick run"
    load = clicks(everyone, slack.url, now())
    with bench.bot(slack.api_url, url, "tests.bench.bot_process") as child:
        await child.ready()
        await closed_loop(child.port, load, clients, 0.5)
        return await bench.sampled(
            child, lambda: closed_loop(child.port, load, clients, bench.size(15, 8) / 10)
        )
