"""How soon it is there, and how much memory it holds: at rest, and after a lot of work."""

from itertools import islice

from bot.clock import monotonic
from tests.bench.bench import Bench, Slack, now
from tests.bench.clients import closed_loop, one_by_one
from tests.bench.doings import clicks
from tests.bench.measures.fanout import Sending
from tests.bench.outside import opened
from tests.bench.table import GOALS, Row, beside
from tests.bench.world import Person, asked_teams

TEAMS = 100
CLIENTS = 32
SERIES = "ABCDEFGHIJKLMNOPQRST"
#: For its answers among other measures; alone (ONLY=memory) it takes the time it takes.
LONGEST_SECONDS, ALONE_SECONDS = 130.0, 1_200.0
CHUNK_SECONDS = 5.0

START_LIMIT = "imports (Bolt, SQLAlchemy, every room), then auth.test and one look at the schema"
REST_LIMIT = "code of the libraries: no data is held between requests; charts are a child's"


async def start(bench: Bench) -> list[Row]:
    pairs = []
    async with bench.slack() as slack, bench.database("sqlite") as url:
        for _ in range(bench.size(7, 2)):
            with bench.bot(slack.api_url, url) as ours:
                mine = await ours.ready()
            with bench.nothing(slack.api_url) as theirs:
                yours = await theirs.ready()
            pairs.append((mine, yours))
    said = "ours {ours:.2f} s from process start to ready, do-nothing app {theirs:.2f} s"
    return [beside("start", "start", pairs, said=said, limit=START_LIMIT)]


async def memory(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        at_rest = await _at_rest(bench, slack, url, everyone)
        with bench.bot(slack.api_url, url, "tests.bench.ours", "unpaced") as child:
            await child.ready()
            sending = Sending(bench=bench, slack=slack, child=child, url=url)
            grown = await _growth(sending, everyone)
    return [at_rest, grown]


async def _at_rest(bench: Bench, slack: Slack, url: str, everyone: list[Person]) -> Row:
    pairs = []
    load = clicks(everyone, slack.url, now())
    for _ in range(bench.size(3, 1)):
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            for side in (ours, theirs):
                await one_by_one(side.port, [*islice(load, 1)])
            pairs.append((ours.rss_mb(), theirs.rss_mb()))
    said = "ours {ours:.0f} MB after one answer, do-nothing app {theirs:.0f} MB after one"
    return beside("memory at rest", "memory", pairs, said=said, limit=REST_LIMIT)


async def _growth(sending: Sending, everyone: list[Person]) -> Row:
    bench, slack, child = sending.bench, sending.slack, sending.child
    load = clicks(everyone, slack.url, now())
    start = child.rss_mb()
    await closed_loop(child.port, islice(load, bench.size(1_000, 300)), CLIENTS, ALONE_SECONDS)
    await sending.send(bench.size(500, 100), "W")
    rest = child.rss_mb()
    course = [start, rest]
    said = 0
    for series in SERIES[: bench.size(20, 2)]:
        await sending.send(500, series)
        said += 500
        course.append(child.rss_mb())
    answered = 0
    wanted = bench.size(100_000, 1_000)
    until = monotonic() + (ALONE_SECONDS if bench.alone else LONGEST_SECONDS)
    while answered < wanted and monotonic() < until:
        timed = await closed_loop(
            child.port, islice(load, wanted - answered), CLIENTS, CHUNK_SECONDS
        )
        answered += len(timed.seconds)
        await slack.clear()
        course.append(child.rss_mb())
    after = child.rss_mb()
    return Row(
        name="memory, growth",
        goal=GOALS["growth"],
        value=(after / rest - 1) * 100,
        unit="%",
        shown=f"{start:.0f} MB started, {rest:.0f} MB warm (all connections open), "
        f"{after:.0f} MB after {said:,} messages and {answered:,} answers more",
        limit="the allocator's arenas; see the course in the samples: it must become flat",
        samples={"course_mb": course, "answers": answered, "messages": said},
    )
