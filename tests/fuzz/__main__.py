"""`make fuzz`, second part: mutated payloads of every handler, over signed HTTP.

    SEED=1 INPUTS=100000 JOBS=2 python -m tests.fuzz

QUICK=1 sends 2,000. Ends in one line of totals; the exit code is 1 if anything is wrong.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from bot.clock import monotonic
from tests.fuzz.fuzzer import Totals
from tests.fuzz.job import fuzz

INPUTS, INPUTS_QUICK, JOBS = 100_000, 2_000, "2"
MAX_PROBLEMS_SHOWN = 25


def main() -> int:
    quick = os.environ.get("QUICK") == "1"
    inputs = int(os.environ.get("INPUTS") or (INPUTS_QUICK if quick else INPUTS))
    seed, jobs = int(os.environ.get("SEED") or 1), _jobs(os.environ.get("JOBS") or JOBS)
    began, totals = monotonic(), Totals()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for part in pool.map(partial(fuzz, seed, inputs, jobs), range(jobs)):
            totals.add(part)
    for kind, example in list(totals.problems.items())[:MAX_PROBLEMS_SHOWN]:
        print(f"\n{kind}\n{example}")
    rate = totals.inputs / (monotonic() - began)
    print(
        f"answers {dict(sorted(totals.statuses.items()))}, {rate:.0f} inputs a second, seed {seed}"
    )
    print(totals.line)
    return 0 if totals.is_clean else 1


def _jobs(wanted: str) -> int:
    """Return how many processes to use; pytest-xdist also takes the words auto and logical."""
    return int(wanted) if wanted.isdecimal() else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
