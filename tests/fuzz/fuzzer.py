"""Sends mutated payloads in batches, each from the state of one sample, and checks what is left."""

import asyncio
import io
import json
import logging
import random  # noqa: TID251  a seed repeats it
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.log import configure, log
from tests.fuzz.checks import broken_states
from tests.fuzz.mutations import Input, Mutator, ids_in
from tests.fuzz.samples import Sample, fresh
from tests.fuzz.story import LAST_WORDS
from tests.fuzz.target import Target
from tests.scenarios.requests import signed

BATCH = 100
SENDERS = 8
#: Chances that an input is a mutation of the batch's own sample, and that it is sent twice.
OWN, TWICE = 0.75, 0.03
#: After each so many batches, everything is shown to people; and several weeks pass.
SHOW_EVERY, LOOK_AHEAD_EVERY = 4, 40
REQUEST_SECONDS = 60.0
NO_RESPONSE = 599
MAX_BODY_SHOWN = 2_000


@dataclass
class Totals:
    """What came of the inputs."""

    inputs: int = 0
    server_errors: int = 0
    tracebacks: int = 0
    broken_states: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)  # an example of each, by kind

    @property
    def line(self) -> str:
        return (
            f"inputs {self.inputs:,} · 5xx {self.server_errors:,} · "
            f"tracebacks {self.tracebacks:,} · broken states {self.broken_states:,}"
        )

    def add(self, other: "Totals") -> None:
        self.inputs += other.inputs
        self.server_errors += other.server_errors
        self.tracebacks += other.tracebacks
        self.broken_states += other.broken_states
        self.statuses += other.statuses
        self.problems = other.problems | self.problems

    @property
    def is_clean(self) -> bool:
        return not (self.server_errors or self.tracebacks or self.broken_states)


@contextmanager
def captured_log() -> Iterator[io.StringIO]:
    """Collect the log from WARNING, as JSON lines."""
    output, root = io.StringIO(), logging.getLogger()
    before = (root.handlers, root.level)
    configure("WARNING")
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(output)
    try:
        yield output
    finally:
        root.handlers, root.level = before
        structlog.reset_defaults()
        vars(log).pop("bind", None)  # it caches its configuration


@dataclass
class Fuzzer:
    """Fuzzes one bot. The same seed gives the same inputs, as far as ids and times are the same."""

    target: Target
    samples: Sequence[Sample]
    log: io.StringIO
    seed: str = "1"
    totals: Totals = field(default_factory=Totals)

    async def run(self, inputs: int, *, show_progress: bool = False) -> Totals:
        ids = sorted(set().union(*(ids_in(one.payload) for one in self.samples)))
        async with ClientSession(timeout=ClientTimeout(total=REQUEST_SECONDS)) as session:
            for number in count():
                if self.totals.inputs >= inputs:
                    break
                size = min(BATCH, inputs - self.totals.inputs)
                await self._batch(session, number, size, ids)
                if show_progress and number % 80 == 79:
                    print(self.totals.line, flush=True)
        return self.totals

    async def _batch(
        self, session: ClientSession, number: int, size: int, ids: Sequence[str]
    ) -> None:
        rng = random.Random(f"{self.seed}:{number}")
        order = random.Random(f"{self.seed}:{number // len(self.samples)}")
        main = order.sample(self.samples, len(self.samples))[number % len(self.samples)]
        await self.target.restore(main.state)
        mutator = Mutator(rng, [one for one in self.samples if one.name not in LAST_WORDS], ids)
        queue = [self._input(mutator, main) for _ in range(size)]
        self.log.seek(0)
        self.log.truncate()
        turns = iter(queue)
        await asyncio.gather(*(self._send_all(session, turns, rng) for _ in range(SENDERS)))
        self.totals.inputs += len(queue)
        self._count_errors(f"batch {number}, {main.name}")
        await self._check(number, main)

    def _input(self, mutator: Mutator, main: Sample) -> Input:
        rng = mutator.rng
        sample = main if rng.random() < OWN else rng.choice(mutator.samples)
        return mutator.mutated(sample, fresh(self.target.harness.slack.core, sample.payload))

    # ------------------------------------------------------------ sending

    async def _send_all(
        self, session: ClientSession, turns: Iterator[Input], rng: random.Random
    ) -> None:
        for one in turns:
            times = 2 if rng.random() < TWICE else 1
            await asyncio.gather(*(self._send(session, one) for _ in range(times)))

    async def _send(self, session: ClientSession, one: Input) -> None:
        headers = {"Content-Type": one.content_type, **signed(one.body)}
        url = str(self.target.harness.slack.request_url)
        try:
            async with session.post(url, data=io.BytesIO(one.body), headers=headers) as response:
                status, text = response.status, await response.text()
        except (ClientError, TimeoutError) as error:
            status, text = NO_RESPONSE, repr(error)
        self.totals.statuses[status] += 1
        if status >= 500:
            self.totals.server_errors += 1
            shown = one.body[:MAX_BODY_SHOWN]
            changes = ", ".join(one.changes)
            self._add_problem(f"{status} {one.name}", f"{changes}\n{text[:500]}\n{shown!r}")

    # ------------------------------------------------------------ checking

    async def _check(self, number: int, main: Sample) -> None:
        when = f"batch {number}, {main.name}"
        try:
            broken = await broken_states(
                self.target,
                show=not number % SHOW_EVERY,
                look_ahead=not number % LOOK_AHEAD_EVERY,
            )
        except Exception as error:
            broken = [f"{type(error).__name__}: {error}"]
        self.totals.broken_states += len(broken)
        for one in broken:
            self._add_problem(f"broken: {one[:120]}", f"{when}\n{one}")
        self._count_errors(f"after {when}")

    def _count_errors(self, when: str) -> None:
        """Count tracebacks and other errors in the log since the last time."""
        for line in self.log.getvalue().splitlines():
            written = json.loads(line)
            if "exception" in written or written["level"] in ("error", "critical"):
                self.totals.tracebacks += 1
                traceback = str(written.pop("exception", ""))
                last = [row for row in traceback.splitlines() if row.strip()][-3:]
                kind = f"traceback: {written['event']} {' | '.join(map(str.strip, last))}"
                self._add_problem(kind, f"{when}\n{written}\n{traceback}")
        self.log.seek(0)
        self.log.truncate()

    def _add_problem(self, kind: str, example: str) -> None:
        if kind not in self.totals.problems:
            self.totals.problems[kind] = example
            print(f"{kind}\n{example}", file=sys.stderr, flush=True)
