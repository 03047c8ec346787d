"""Some inputs of `make fuzz`, and whether it reaches every handler and notices what is wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.fuzzer import Fuzzer, Totals, captured_log
from tests.fuzz.handlers import missed_handlers
from tests.fuzz.story import record
from tests.fuzz.target import running_target

INPUTS = 240


@pytest.fixture(scope="module")
def run(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The totals of a short run, and the handlers that no sample reaches."""
    folder = tmp_path_factory.mktemp("fuzz")

    async def fuzz() -> tuple[Totals, list[str]]:
        async with running_target(sqlite_template, folder) as target:
            samples = await record(target, to_the_end=False)
            missed = await missed_handlers(target.bolt, samples)
            return await Fuzzer(target, samples, log).run(INPUTS), missed

    with captured_log() as log:
        yield asyncio.run(fuzz())


def test_every_handler_has_a_recorded_payload(run: Any) -> None:
    _, missed = run
    assert missed == []


def test_mutated_payloads_of_every_handler_break_nothing(run: Any) -> None:
    totals, _ = run
    assert totals.problems == {}
    assert totals.line == f"inputs {INPUTS} · 5xx 0 · tracebacks 0 · broken states 0"
    assert totals.statuses[200] > INPUTS / 3  # most mutations still reach a handler
