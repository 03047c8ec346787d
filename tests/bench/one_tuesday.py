"""One peak run on PostgreSQL: people are asked at the same moment and start to answer."""

import asyncio
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

from bot.clock import monotonic
from tests.bench.actions import click_of, click_template
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, POST, SETTLING_SECONDS, Bench, SinkCall, Slack, now
from tests.bench.clients import Request, at_a_rate
from tests.bench.peak_world import EACH, only, person_of
from tests.bench.processes import Child
from tests.bench.saved_results import refused
from tests.bench.table import MS

#: Every DM must be sent this soon after its slot. Shorter for a quick run: PEAK_SECONDS=60.
DEADLINE = float(os.environ.get("PEAK_SECONDS", "300"))
BEFORE_TEN = 10.0
LOOK_SECONDS = 1.0
#: As in docs/performance.md: 28 % of those asked answer within a quarter of an hour, evenly. Nobody
#: answers before they could read the questions.
ANSWER_SHARE, ANSWER_SECONDS, READING_SECONDS = 0.28, 900.0, 5.0


@dataclass(frozen=True, kw_only=True)
class PeakRun:
    """The result of one run."""

    asked: int
    late: tuple[float, ...]  # seconds from ten to the first DM to each person, sorted
    duplicates: int = 0  # people who got more than one DM
    answered: int = 0
    errors: int = 0  # answers that failed or were refused
    limit: str = ""  # a description of the load of the replicas

    @property
    def in_time(self) -> int:
        return sum(after <= DEADLINE for after in self.late)

    @property
    def is_sustained(self) -> bool:
        return self.in_time == self.asked and not (self.duplicates or self.errors)


@dataclass(frozen=True, kw_only=True)
class _Answers:
    """Answers of people during the run."""

    given: int
    errors: int


def reached(posts: Iterable[SinkCall], ten: float) -> tuple[tuple[float, ...], int]:
    """Sorted seconds from `ten` (monotonic) to each person's first DM, and people with several."""
    first: dict[str, float] = {}
    times: Counter[str] = Counter()
    for one in posts:
        times[one.to] += 1
        first.setdefault(one.to, one.at + CALL_SECONDS - ten)
    return tuple(sorted(first.values())), sum(many > 1 for many in times.values())


async def run_peak(
    bench: Bench,
    pattern: str,
    *,
    replicas: int,
    workspaces: int,
    seconds: float,
    sampled: bool = False,
) -> PeakRun:
    """Ask the people of some workspaces of the template at ten, and watch for some seconds."""
    url = await asyncio.to_thread(bench.copy_of, pattern)
    async with opened(url) as db:
        await only(db, workspaces)
    async with bench.slack() as slack:
        await slack.latency(CALL_SECONDS)
        ten = monotonic() + BEFORE_TEN
        with ExitStack() as stack:
            process = "tests.bench.bot_process"
            bots = [
                stack.enter_context(
                    bench.bot(slack.api_url, url, process, clock_at=ten, many_workspaces=True)
                )
                for _ in range(replicas)
            ]
            for bot in bots:
                await bot.ready()
            day = _Day(bench=bench, slack=slack, bots=bots, asked=workspaces * EACH, ten=ten)
            found = await day.watch(seconds, sampled=sampled)
    bench.postgres.drop(url)
    return found


@dataclass(frozen=True, kw_only=True)
class _Day:
    """A run in progress."""

    bench: Bench
    slack: Slack
    bots: Sequence[Child]
    asked: int
    ten: float  # monotonic

    async def watch(self, seconds: float, *, sampled: bool) -> PeakRun:
        since, began = monotonic(), self._used()
        enough = asyncio.Event()
        answering = asyncio.create_task(self._answers(enough))

        async def questionnaire() -> None:
            await self.slack.wait_until(POST, self.asked, self.ten + seconds, LOOK_SECONDS)

        if sampled:
            profile = f"one replica {await self.bench.sampled(self.bots[0], questionnaire)}"
        else:
            profile = ""
            await questionnaire()
        enough.set()
        took, used = monotonic() - since, self._used()
        answers = await answering
        await asyncio.sleep(SETTLING_SECONDS)
        late, duplicates = reached(await self.slack.seen(POST), self.ten)
        cores = [(end - start) / took for start, end in zip(began, used, strict=True)]
        return PeakRun(
            asked=self.asked,
            late=late,
            duplicates=duplicates,
            answered=answers.given,
            errors=answers.errors,
            limit=profile or _limit(cores, took, max(1, len(late))),
        )

    def _used(self) -> list[float]:
        ours = [one.cpu_seconds() for one in (self.slack.child, *self.bots)]
        return [self.bench.postgres_cpu_seconds(), *ours]

    async def _answers(self, enough: asyncio.Event) -> _Answers:
        """Let those who were asked first answer, spread over the replicas, until stopped."""
        ready: deque[SinkCall] = deque()
        feeding = asyncio.create_task(self._feed(ready))
        each = self.asked * ANSWER_SHARE / ANSWER_SECONDS / len(self.bots)
        load = self._clicks(ready)
        timed = await asyncio.gather(
            *(at_a_rate(bot.port, load, each, enough) for bot in self.bots)
        )
        feeding.cancel()
        errors = sum(one.errors.total() for one in timed) + await refused(self.slack)
        return _Answers(given=sum(len(one.seconds) for one in timed), errors=errors)

    async def _feed(self, ready: deque[SinkCall]) -> None:
        """Collect the people who could read the questions by now."""
        looked, waiting = 0, deque[SinkCall]()
        while True:
            seen = await self.slack.all_seen(since=looked)
            looked += len(seen)
            waiting += [one for one in seen if one.method == POST]
            while waiting and waiting[0].at < monotonic() - READING_SECONDS:
                ready.append(waiting.popleft())
            await asyncio.sleep(LOOK_SECONDS)

    def _clicks(self, ready: deque[SinkCall]) -> Iterator[Request | None]:
        made = click_template(self.slack.url, now())
        for number in count():
            yield click_of(made, person_of(ready.popleft()), number) if ready else None


def _limit(cores: Sequence[float], took: float, people: int) -> str:
    postgresql, sink, *ours = cores
    each = MS * took / people
    return (
        f"replicas used {sum(ours):.2f} cores ({sum(ours) * each:.2f} ms of processor for each "
        f"person), PostgreSQL {postgresql:.2f} ({postgresql * each:.2f} ms), the sink {sink:.2f}"
    )
