"""Some inputs of `make fuzz`, and whether it reaches every handler and notices what is wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import BoltResponse

from bot.slack.payloads import bolt_request
from tests.fuzz.fuzzer import Fuzzer, Totals, captured_log
from tests.fuzz.samples import Sample
from tests.fuzz.story import record
from tests.fuzz.target import Target, running_target

INPUTS = 240


@pytest.fixture(scope="module")
def run(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The totals of a short run, and the handlers that no sample reaches."""
    folder = tmp_path_factory.mktemp("fuzz")

    async def fuzz() -> tuple[Totals, list[str]]:
        async with running_target(sqlite_template, folder) as target:
            samples = await record(target, to_the_end=False)
            missed = await _missed_handlers(target, samples)
            return await Fuzzer(target, samples, log).run(INPUTS), missed

    with captured_log() as log:
        yield asyncio.run(fuzz())


async def _missed_handlers(target: Target, samples: list[Sample]) -> list[str]:
    requests = [bolt_request(sample.payload, mode="http") for sample in samples]
    missed = []
    for listener in target.bolt._async_listeners:
        reached = [
            await listener.async_matches(req=request, resp=BoltResponse(status=200))
            for request in requests
        ]
        if not any(reached):
            missed.append(_handler_name(listener.ack_function))
    return missed


def _handler_name(listener: Any) -> str:
    """Return the handler's own name; most are wrapped in a listener."""
    wrapped = [cell.cell_contents for cell in listener.__closure__ or ()]
    return str(next((one for one in wrapped if hasattr(one, "__qualname__")), listener))


def test_every_handler_has_a_recorded_payload(run: Any) -> None:
    _, missed = run
    assert missed == []


def test_mutated_payloads_of_every_handler_break_nothing(run: Any) -> None:
    totals, _ = run
    assert totals.problems == {}
    assert totals.line == f"inputs {INPUTS} · 5xx 0 · tracebacks 0 · broken states 0"
    assert totals.statuses[200] > INPUTS / 3  # most mutations still reach a handler
