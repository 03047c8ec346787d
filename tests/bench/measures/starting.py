"""Start-up time, and memory at rest and after a lot of work."""

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
from tests.bench.clients import LoadResult, Request, closed_loop, one_by_one
from tests.bench.measures.fanout import MessageSender
from tests.bench.processes import ROOT, clean_environ
from tests.bench.sampling import imports
from tests.bench.saved_results import check_all_ok, wait_for_receipts
from tests.bench.table import GOALS, Row, comparison_row
from tests.bench.world import Person, add_asked_teams

CLIENTS = 32
SERIES = "ABCDEFGHIJKLMNOPQRST"
AT_ONCE = 500
CHARTS = 3
UPLOADED = "files.completeUploadExternal"
#: The time for answers among other measures, and alone (ONLY=memory).
LONGEST_SECONDS, ALONE_SECONDS = 150.0, 1_200.0
CHUNK_SECONDS = 5.0
#: By then the work after a start (looking up missed events) is done.
SETTLED_SECONDS = 5.0

Pairs = list[tuple[float, float]]

IMPORTED = "import bot.__main__, bot.app"
HELD = f"{IMPORTED}; print(open('/proc/self/status').read())"

START_LIMIT = "{imports}; then auth.test and one look at the schema"
START_NEXT = "load only the parts of Bolt that are used"
REST_LIMIT = "code of the libraries: imports alone take {imports:.0f} MB"
REST_NEXT = "the same as for the start: import less"
GROWTH_LIMIT = (
    "{first:.0f} MB come with the first answers and messages (connections, statements), "
    "{later:.0f} MB with all that follow"
)
GROWTH_NEXT = "open fewer connections before they are needed; later growth is in the samples"


async def start(bench: Bench) -> list[Row]:
    pairs = []
    async with bench.slack() as slack, bench.database("sqlite") as url:
        for _ in range(bench.size(7, 2)):
            with bench.bot(slack.api_url, url) as ours:
                mine = await ours.ready()
            with bench.nothing(slack.api_url) as theirs:
                yours = await theirs.ready()
            pairs.append((mine, yours))
    text = "ours {ours:.2f} s from process start to ready, do-nothing app {theirs:.2f} s"
    limit = START_LIMIT.format(imports=imports(await _python("-X", "importtime", "-c", IMPORTED)))
    return [comparison_row("start", "start", pairs, text=text, limit=limit, next_step=START_NEXT)]


async def memory(bench: Bench) -> list[Row]:
    """Measure at rest and growth concurrently, as nothing is timed."""
    pairs, found = await asyncio.gather(_at_rest(bench), _growth(bench))
    status = await _python("-c", HELD)
    held = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return [*rest_rows(pairs, found, held / 1024), growth_row(found, _wanted(bench))]


@asynccontextmanager
async def _asked(bench: Bench) -> AsyncIterator[tuple[str, list[Person]]]:
    """Enough teams of ten that memory kept for each person would show."""
    async with bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await add_asked_teams(db, bench.size(1_000, 150), now())
        yield url, everyone


async def _at_rest(bench: Bench) -> Pairs:
    """Memory of ours and theirs, in MB."""
    pairs = []
    async with bench.slack() as slack, _asked(bench) as (url, everyone):
        load = clicks(everyone, slack.url, now())
        for _ in range(bench.size(3, 1)):
            with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
                await ours.ready()
                await theirs.ready()
                for side in (ours, theirs):
                    await check_all_ok(one_by_one(side.port, islice(load, 1)))
                await asyncio.sleep(SETTLED_SECONDS)
                pairs.append((ours.rss_mb(), theirs.rss_mb()))
    return pairs


def rest_rows(pairs: Pairs, found: "MemoryCourse", imports_mb: float) -> list[Row]:
    """Two rows: our memory at rest and after work, compared with the empty app at rest."""
    limit = REST_LIMIT.format(imports=imports_mb)
    text = "ours {ours:.0f} MB after one answer, do-nothing app {theirs:.0f} MB after one"
    rest = comparison_row(
        "memory at rest", "memory", pairs, text=text, limit=limit, next_step=REST_NEXT
    )
    text = "ours {ours:.0f} MB at most in what follows, do-nothing app {theirs:.0f} MB at rest"
    after = [(found.most, theirs) for _, theirs in pairs]
    worked = comparison_row(
        "memory after work", "memory", after, text=text, limit=limit, next_step=REST_NEXT
    )
    return [rest, worked]


async def _python(*arguments: str) -> str:
    """The output of a separate Python process, standard error included."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments,
        cwd=ROOT, env=clean_environ(), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    text, _ = await process.communicate()
    return text.decode()


@dataclass(frozen=True, kw_only=True)
class MemoryCourse:
    """The memory of a process while it worked, in MB."""

    rest: float  # after the start and one answer
    warm: float  # after the first thousand answers and 500 messages
    most: float  # after any step
    chart: float  # peak of a process that draws a chart
    answers: int  # since rest, like the following
    messages: int
    people: int  # who answered
    charts: int
    matplotlib: bool  # whether the bot itself has loaded it
    errors: Counter[str]  # answers, by status
    all_mb: Sequence[float] = ()


def growth_row(found: MemoryCourse, wanted: int) -> Row:
    """A row judged from rest. Missing or failed answers, or charts drawn in the bot, fail it."""
    errors = [f"{many} answers with {status}" for status, many in found.errors.items()]
    if found.answers < wanted:
        errors.append(f"only {found.answers:,} of {wanted:,} answers in the available time")
    if found.matplotlib or not found.charts:
        errors.append("no chart was drawn in a child process")
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
        errors="; ".join(errors),
        samples={"course_mb": list(found.all_mb)},
    )


async def _growth(bench: Bench) -> MemoryCourse:
    # A separate database, as items of another bot would be long due by the clock of this one.
    async with bench.slack() as slack, _asked(bench) as (url, everyone):
        with bench.bot(slack.api_url, url, "tests.bench.bot_process", "unpaced") as child:
            await child.ready()
            return await _worked(
                MessageSender(bench=bench, slack=slack, child=child, url=url), everyone
            )


async def _worked(sender: MessageSender, everyone: list[Person]) -> MemoryCourse:
    bench, slack, child = sender.bench, sender.slack, sender.child
    load = clicks(everyone, slack.url, now())
    timed = await one_by_one(child.port, islice(load, 1))
    await asyncio.sleep(SETTLED_SECONDS)
    course = [child.rss_mb()]
    answers = await _answer(sender, load, bench.size(1_000, 300), ALONE_SECONDS)
    drawing = sender.send(bench.size(500, 100), "W", reports=CHARTS)
    chart = await child.children_peak_mb(drawing)
    charts = await slack.count(UPLOADED)
    course.append(child.rss_mb())
    messages = bench.size(500, 100)
    for series in SERIES[: bench.size(19, 2)]:
        await sender.send(AT_ONCE, series)
        messages += AT_ONCE
        course.append(child.rss_mb())
    wanted = _wanted(bench)
    until = monotonic() + (ALONE_SECONDS if bench.alone else LONGEST_SECONDS)
    while len(answers.seconds) < wanted and monotonic() < until:
        more = await _answer(sender, load, wanted - len(answers.seconds), CHUNK_SECONDS)
        answers.seconds += more.seconds
        answers.errors += more.errors
        course.append(child.rss_mb())
    return MemoryCourse(
        rest=course[0],
        warm=course[1],
        most=max(course[1:]),
        chart=chart,
        answers=len(answers.seconds),
        messages=messages,
        people=min(len(everyone), len(answers.seconds)),
        charts=charts,
        matplotlib=child.has_loaded("matplotlib"),
        errors=timed.errors + answers.errors,
        all_mb=course,
    )


def _wanted(bench: Bench) -> int:
    """The total number of answers."""
    return bench.size(100_000, 1_500)


async def _answer(
    sender: MessageSender, load: Iterator[Request], most: int, seconds: float
) -> LoadResult:
    """Send answers, at most this number, and wait for their receipts."""
    await sender.slack.clear()
    timed = await closed_loop(sender.child.port, islice(load, most), CLIENTS, seconds)
    await wait_for_receipts(sender.slack, len(timed.seconds))
    return timed
