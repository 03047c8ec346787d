"""How soon it is there, and how much memory it holds: at rest, and after a lot of work."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from bot.clock import monotonic
from tests.bench.bench import Bench, Slack, now
from tests.bench.clients import Request, Timed, closed_loop, one_by_one
from tests.bench.doings import clicks
from tests.bench.kept import checked, drained
from tests.bench.measures.fanout import Sending
from tests.bench.outside import opened
from tests.bench.processes import ROOT, clean_environ
from tests.bench.sampling import imports
from tests.bench.table import GOALS, Row, beside
from tests.bench.world import Person, asked_teams

CLIENTS = 32
SERIES = "ABCDEFGHIJKLMNOPQRST"
AT_ONCE = 500
CHARTS = 3
UPLOADED = "files.completeUploadExternal"
#: For its answers among other measures; alone (ONLY=memory) it takes the time it takes.
LONGEST_SECONDS, ALONE_SECONDS = 150.0, 1_200.0
CHUNK_SECONDS = 5.0
#: What a start leaves to do (asking again after whom it may have missed news of) is done by then.
SETTLED_SECONDS = 5.0

IMPORTED = "import bot.__main__, bot.app"
HELD = f"{IMPORTED}; print(open('/proc/self/status').read())"

START_LIMIT = "{imports}; then auth.test and one look at the schema"
START_NEXT = "load Bolt's parts that we use, and no others"
REST_LIMIT = "code of the libraries: imports alone hold {imports:.0f} MB"
REST_NEXT = "the same as for the start: what is not imported is not held"
GROWTH_LIMIT = (
    "{first:.0f} MB come with the first answers and messages (connections, statements), "
    "{later:.0f} MB with all that follow"
)
GROWTH_NEXT = (
    "open fewer connections before they are needed; what follows is in the samples, in its course"
)


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
    limit = START_LIMIT.format(imports=imports(await _python("-X", "importtime", "-c", IMPORTED)))
    return [beside("start", "start", pairs, said=said, limit=limit, next_step=START_NEXT)]


async def memory(bench: Bench) -> list[Row]:
    async with bench.slack() as slack:
        async with _asked(bench) as (url, everyone):
            at_rest = await _at_rest(bench, slack, url, everyone)
        # A database of its own: by the clock of this bot, what the others planned is long due.
        async with _asked(bench) as (url, everyone):
            with bench.bot(slack.api_url, url, "tests.bench.ours", "unpaced") as child:
                await child.ready()
                sending = Sending(bench=bench, slack=slack, child=child, url=url)
                grown = await _growth(sending, everyone)
    return [at_rest, grown]


@asynccontextmanager
async def _asked(bench: Bench) -> AsyncIterator[tuple[str, list[Person]]]:
    """Teams of ten: so many that what is kept for each person would be seen."""
    async with bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, bench.size(1_000, 150), now())
        yield url, everyone


async def _at_rest(bench: Bench, slack: Slack, url: str, everyone: list[Person]) -> Row:
    pairs = []
    load = clicks(everyone, slack.url, now())
    for _ in range(bench.size(3, 1)):
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            for side in (ours, theirs):
                await checked(one_by_one(side.port, islice(load, 1)))
            await asyncio.sleep(SETTLED_SECONDS)
            pairs.append((ours.rss_mb(), theirs.rss_mb()))
    said = "ours {ours:.0f} MB after one answer, do-nothing app {theirs:.0f} MB after one"
    status = await _python("-c", HELD)
    held = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    limit = REST_LIMIT.format(imports=held / 1024)
    return beside("memory at rest", "memory", pairs, said=said, limit=limit, next_step=REST_NEXT)


async def _python(*arguments: str) -> str:
    """What a Python of its own writes, to both of its outputs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments,
        cwd=ROOT, env=clean_environ(), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode()


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a process held while it worked, in MB."""

    rest: float  # started, one answer given, and nothing left to do
    warm: float  # after the first thousand answers and 500 messages
    after: float
    answers: int  # since rest, as all that follow
    messages: int
    people: int  # who answered
    charts: int
    matplotlib: bool  # whether the bot itself has loaded it
    wrong: Counter[str]  # answers, by status
    all_mb: Sequence[float] = ()


def growth_row(found: Course, wanted: int) -> Row:
    """Judged from rest. Fewer answers, wrong ones, and charts drawn in the bot itself fail it."""
    wrong = [f"{many} answers with {status}" for status, many in found.wrong.items()]
    if found.answers < wanted:
        wrong.append(f"only {found.answers:,} of {wanted:,} answers in the time there was")
    if found.matplotlib or not found.charts:
        wrong.append("no chart was drawn in a child process")
    return Row(
        name="memory, growth",
        goal=GOALS["growth"],
        value=(found.after / found.rest - 1) * 100,
        unit="%",
        shown=f"{found.rest:.0f} MB at rest, {found.warm:.0f} MB warm, {found.after:.0f} MB after "
        f"{found.messages:,} messages and {found.answers:,} answers of {found.people:,} people "
        f"({(found.after / found.warm - 1) * 100:.1f}% since warm); {found.charts} charts drawn, "
        f"matplotlib {'' if found.matplotlib else 'not '}loaded in the bot",
        limit=GROWTH_LIMIT.format(first=found.warm - found.rest, later=found.after - found.warm),
        next_step=GROWTH_NEXT,
        wrong="; ".join(wrong),
        samples={"course_mb": list(found.all_mb)},
    )


async def _growth(sending: Sending, everyone: list[Person]) -> Row:
    bench, slack, child = sending.bench, sending.slack, sending.child
    load = clicks(everyone, slack.url, now())
    timed = await one_by_one(child.port, islice(load, 1))
    await asyncio.sleep(SETTLED_SECONDS)
    course = [child.rss_mb()]
    answers = await _answer(sending, load, bench.size(1_000, 300), ALONE_SECONDS)
    await sending.send(bench.size(500, 100), "W", reports=CHARTS)
    charts = await slack.count(UPLOADED)
    course.append(child.rss_mb())
    messages = bench.size(500, 100)
    for series in SERIES[: bench.size(19, 2)]:
        await sending.send(AT_ONCE, series)
        messages += AT_ONCE
        course.append(child.rss_mb())
    wanted = bench.size(100_000, 1_500)
    until = monotonic() + (ALONE_SECONDS if bench.alone else LONGEST_SECONDS)
    while len(answers.seconds) < wanted and monotonic() < until:
        more = await _answer(sending, load, wanted - len(answers.seconds), CHUNK_SECONDS)
        answers.seconds += more.seconds
        answers.wrong += more.wrong
        course.append(child.rss_mb())
    found = Course(
        rest=course[0],
        warm=course[1],
        after=course[-1],
        answers=len(answers.seconds),
        messages=messages,
        people=min(len(everyone), len(answers.seconds)),
        charts=charts,
        matplotlib=child.has_loaded("matplotlib"),
        wrong=timed.wrong + answers.wrong,
        all_mb=course,
    )
    return growth_row(found, wanted)


async def _answer(sending: Sending, load: Iterator[Request], most: int, seconds: float) -> Timed:
    """So many answers at most, and their receipts."""
    await sending.slack.clear()
    timed = await closed_loop(sending.child.port, islice(load, most), CLIENTS, seconds)
    await drained(sending.slack, len(timed.seconds))
    return timed
