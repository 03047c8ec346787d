"""How soon it is there, and how much memory it holds: at rest, and after a lot of work."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from bot.clock import monotonic
from tests.bench.actions import clicks
from tests.bench.admin_database import opened
from tests.bench.bench import Bench, now
from tests.bench.clients import Request, Timed, closed_loop, one_by_one
from tests.bench.measures.fanout import Sending
from tests.bench.processes import ROOT, clean_environ
from tests.bench.sampling import imports
from tests.bench.saved_results import checked, drained
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

Pairs = list[tuple[float, float]]

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
    """Both at once: megabytes are counted, not seconds, and half of this is waiting."""
    pairs, found = await asyncio.gather(_at_rest(bench), _growth(bench))
    status = await _python("-c", HELD)
    held = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return [*rest_rows(pairs, found, held / 1024), growth_row(found, _wanted(bench))]


@asynccontextmanager
async def _asked(bench: Bench) -> AsyncIterator[tuple[str, list[Person]]]:
    """Teams of ten: so many that what is kept for each person would be seen."""
    async with bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, bench.size(1_000, 150), now())
        yield url, everyone


async def _at_rest(bench: Bench) -> Pairs:
    """Ours and theirs, in MB."""
    pairs = []
    async with bench.slack() as slack, _asked(bench) as (url, everyone):
        load = clicks(everyone, slack.url, now())
        for _ in range(bench.size(3, 1)):
            with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
                await ours.ready()
                await theirs.ready()
                for side in (ours, theirs):
                    await checked(one_by_one(side.port, islice(load, 1)))
                await asyncio.sleep(SETTLED_SECONDS)
                pairs.append((ours.rss_mb(), theirs.rss_mb()))
    return pairs


def rest_rows(pairs: Pairs, found: "Course", imports_mb: float) -> list[Row]:
    """Beside the do-nothing app at rest: ours at rest, and after its work."""
    limit = REST_LIMIT.format(imports=imports_mb)
    said = "ours {ours:.0f} MB after one answer, do-nothing app {theirs:.0f} MB after one"
    rest = beside("memory at rest", "memory", pairs, said=said, limit=limit, next_step=REST_NEXT)
    said = "ours {ours:.0f} MB at most in what follows, do-nothing app {theirs:.0f} MB at rest"
    after = [(found.most, theirs) for _, theirs in pairs]
    worked = beside(
        "memory after work", "memory", after, said=said, limit=limit, next_step=REST_NEXT
    )
    return [rest, worked]


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
    most: float  # of what was seen after each step
    chart: float  # the most that a process which draws one held
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
        value=(found.most / found.rest - 1) * 100,
        unit="%",
        shown=f"{found.rest:.0f} MB at rest, {found.warm:.0f} MB warm, {found.most:.0f} MB at most "
        f"in {found.messages:,} messages and {found.answers:,} answers of {found.people:,} people "
        f"({(found.most / found.warm - 1) * 100:.1f}% since warm); {found.charts} charts drawn, "
        f"each by a process of {found.chart:.0f} MB, matplotlib "
        f"{'' if found.matplotlib else 'not '}loaded in the bot",
        limit=GROWTH_LIMIT.format(first=found.warm - found.rest, later=found.most - found.warm),
        next_step=GROWTH_NEXT,
        wrong="; ".join(wrong),
        samples={"course_mb": list(found.all_mb)},
    )


async def _growth(bench: Bench) -> Course:
    # A database of its own: by the clock of this bot, what another planned is long due.
    async with bench.slack() as slack, _asked(bench) as (url, everyone):
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            return await _worked(Sending(bench=bench, slack=slack, child=child, url=url), everyone)


async def _worked(sending: Sending, everyone: list[Person]) -> Course:
    bench, slack, child = sending.bench, sending.slack, sending.child
    load = clicks(everyone, slack.url, now())
    timed = await one_by_one(child.port, islice(load, 1))
    await asyncio.sleep(SETTLED_SECONDS)
    course = [child.rss_mb()]
    answers = await _answer(sending, load, bench.size(1_000, 300), ALONE_SECONDS)
    drawing = sending.send(bench.size(500, 100), "W", reports=CHARTS)
    chart = await child.children_peak_mb(drawing)
    charts = await slack.count(UPLOADED)
    course.append(child.rss_mb())
    messages = bench.size(500, 100)
    for series in SERIES[: bench.size(19, 2)]:
        await sending.send(AT_ONCE, series)
        messages += AT_ONCE
        course.append(child.rss_mb())
    wanted = _wanted(bench)
    until = monotonic() + (ALONE_SECONDS if bench.alone else LONGEST_SECONDS)
    while len(answers.seconds) < wanted and monotonic() < until:
        more = await _answer(sending, load, wanted - len(answers.seconds), CHUNK_SECONDS)
        answers.seconds += more.seconds
        answers.wrong += more.wrong
        course.append(child.rss_mb())
    return Course(
        rest=course[0],
        warm=course[1],
        most=max(course[1:]),
        chart=chart,
        answers=len(answers.seconds),
        messages=messages,
        people=min(len(everyone), len(answers.seconds)),
        charts=charts,
        matplotlib=child.has_loaded("matplotlib"),
        wrong=timed.wrong + answers.wrong,
        all_mb=course,
    )


def _wanted(bench: Bench) -> int:
    """Answers, in all."""
    return bench.size(100_000, 1_500)


async def _answer(sending: Sending, load: Iterator[Request], most: int, seconds: float) -> Timed:
    """So many answers at most, and their receipts."""
    await sending.slack.clear()
    timed = await closed_loop(sending.child.port, islice(load, most), CLIENTS, seconds)
    await drained(sending.slack, len(timed.seconds))
    return timed
