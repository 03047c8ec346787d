"""One process's share of a fuzzing run, against a bot of its own."""

import asyncio
import tempfile
from pathlib import Path

from bot.clock import monotonic
from bot.db.migrate import migrate
from tests.fuzz.fuzzer import Fuzzer, Totals, captured_log
from tests.fuzz.story import record
from tests.fuzz.target import running_target


def fuzz(seed: int, inputs: int, jobs: int, job: int) -> Totals:
    """Send one process's share of the inputs to a bot of its own."""
    share = inputs // jobs + (job < inputs % jobs)
    with tempfile.TemporaryDirectory() as name, captured_log() as log:
        migrated = Path(name) / "migrated.db"
        asyncio.run(migrate(f"sqlite:///{migrated}"))

        async def run() -> Totals:
            async with running_target(migrated, Path(name)) as target:
                began = monotonic()
                samples = await record(target)
                print(f"{len(samples)} valid payloads recorded in {monotonic() - began:.0f} s")
                fuzzer = Fuzzer(target, samples, log, f"{seed}:{job}")
                return await fuzzer.run(share, show_progress=True)

        return asyncio.run(run())
