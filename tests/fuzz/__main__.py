"""`make fuzz`, second part: mutated payloads of every handler, over signed HTTP.

    SEED=1 INPUTS=100000 python -m tests.fuzz

QUICK=1 sends 2,000. Ends in one line of totals; the exit code is 1 if anything is wrong.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bot.clock import monotonic
from bot.db.migrate import migrate
from tests.fuzz.fuzzer import Fuzzer, Totals, captured_log
from tests.fuzz.story import record
from tests.fuzz.target import running_target

INPUTS, INPUTS_QUICK = 100_000, 2_000
MAX_PROBLEMS_SHOWN = 25


async def fuzz(migrated: Path, folder: Path, *, seed: int, inputs: int) -> Totals:
    """Record the samples, then send mutations of them."""
    with captured_log() as log:
        async with running_target(migrated, folder) as target:
            began = monotonic()
            samples = await record(target)
            print(f"{len(samples)} valid payloads recorded in {monotonic() - began:.0f} s")
            began = monotonic()
            fuzzer = Fuzzer(target, samples, log, seed)
            totals = await fuzzer.run(inputs, show_progress=True)
            seconds = monotonic() - began
            print(f"{totals.inputs / seconds:.0f} inputs a second, checks included")
            return totals


def main() -> int:
    quick = os.environ.get("QUICK") == "1"
    inputs = int(os.environ.get("INPUTS") or (INPUTS_QUICK if quick else INPUTS))
    seed = int(os.environ.get("SEED") or 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        migrated = folder / "migrated.db"
        asyncio.run(migrate(f"sqlite:///{migrated}"))
        totals = asyncio.run(fuzz(migrated, folder, seed=seed, inputs=inputs))
    for kind, example in list(totals.problems.items())[:MAX_PROBLEMS_SHOWN]:
        print(f"\n{kind}\n{example}")
    print(f"answers {dict(sorted(totals.statuses.items()))}, seed {seed}")
    print(totals.line)
    return 0 if totals.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
