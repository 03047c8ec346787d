"""The table of results: a line for each scenario, with details for problems."""

from collections.abc import Iterator
from textwrap import indent

from tests.chaos.oracle import Count
from tests.chaos.run import Result
from tests.chaos.whole_bot import WholeBotResult
from tests.stub_slack.faults import Faults

_NUMBERS = ("hits", "messages", "lookups", "lost", "twice", "order")
HEADINGS = (
    f"    {'engine, n':<13}{'scenario':<50}{''.join(f'{name:>9}' for name in _NUMBERS)}{'s':>7}"
)
MAX_REASONS = 5


def lines(engine: str, result: Result | WholeBotResult) -> str:
    """Format a result: `hits` are kills and disruptions, `lookups` pages of history."""
    scenario, found = result.scenario, result.count
    mark = "   " if result.passed else "BAD"
    setup = f"{engine} {scenario.processes}"
    cells = (
        result.total_hits,
        found.messages,
        result.lookup_attempts,
        found.lost,
        found.duplicates,
    )
    numbers = "".join(f"{cell:>9}" for cell in (*cells, found.out_of_order))
    table = [f"{mark} {setup:<13}{scenario.name:<50}{numbers}{result.seconds:>7.1f}"]
    table += [f"{hits:>25} x {step}" for step, hits in result.hits.items()]
    table += [f"      {reason}" for reason in found.reasons[:MAX_REASONS]]
    if isinstance(result, Result):
        table += _faults(result.faults)
    table += [indent(traceback, " " * 6) for traceback in result.crashes]
    if result.stuck:
        table.append("      did not end in time")
    if found.final_states:
        table.append(f"      other final states: {found.final_states}")
    return "\n".join(table)


def _faults(faults: Faults) -> Iterator[str]:
    missing = [kind for kind in faults.shares if not faults.fired[kind]]
    for calls, fired in (("posts", faults.fired), ("other calls", faults.fired_in_other_calls)):
        if fired:
            counts = ", ".join(f"{kind} {times}" for kind, times in sorted(fired.items()))
            yield f"      faults in {calls}: {counts}"
    if missing:
        yield f"      faults that never happened: {', '.join(missing)}"


def other_operations_line(found: Count) -> str:
    """A line on edits, pins and bookmarks, and on calls that should have waited."""
    done = " · ".join(f"{name} {number}" for name, number in sorted(found.other_operations.items()))
    return f"also: {done} · calls before Retry-After {found.calls_during_backoff}"


def verdict(found: Count) -> str:
    return (
        f"messages {found.messages} · lost {found.lost} · duplicated {found.duplicates} · "
        f"out of order {found.out_of_order}"
    )
