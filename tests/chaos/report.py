"""The table: a line for each scenario, and what is behind it where something is wrong."""

from collections.abc import Iterator
from textwrap import indent

from tests.chaos.faults import Faults
from tests.chaos.oracle import Count
from tests.chaos.run import Result
from tests.chaos.whole_bot import Outcome

_NUMBERS = ("struck", "messages", "looks", "lost", "twice", "order")
HEADINGS = (
    f"    {'engine, n':<13}{'scenario':<50}{''.join(f'{name:>9}' for name in _NUMBERS)}{'s':>7}"
)
MOST_REASONS = 5


def lines(engine: str, result: Result | Outcome) -> str:
    """`struck`: deaths and other strikes; `looks`: pages of history that were read for proof."""
    scenario, found = result.scenario, result.count
    mark = "   " if result.good else "BAD"
    who = f"{engine} {scenario.processes}"
    cells = (result.struck, found.messages, result.lookup_attempts, found.lost, found.twice)
    numbers = "".join(f"{cell:>9}" for cell in (*cells, found.out_of_order))
    table = [f"{mark} {who:<13}{scenario.name:<50}{numbers}{result.seconds:>7.1f}"]
    table += [f"{hits:>25} x {step}" for step, hits in result.hits.items()]
    table += [f"      {why}" for why in found.why[:MOST_REASONS]]
    if isinstance(result, Result):
        table += _faults(result.faults)
    table += [indent(words, " " * 6) for words in result.crashes]
    if result.stuck:
        table.append("      never came to its end")
    if found.ends:
        table.append(f"      ended otherwise: {found.ends}")
    return "\n".join(table)


def _faults(faults: Faults) -> Iterator[str]:
    missing = [kind for kind in faults.shares if not faults.fired[kind]]
    for whose, fired in (("posts", faults.fired), ("other calls", faults.fired_elsewhere)):
        if fired:
            told = ", ".join(f"{kind} {times}" for kind, times in sorted(fired.items()))
            yield f"      faults of {whose}: {told}"
    if missing:
        yield f"      never happened: {', '.join(missing)}"


def others(found: Count) -> str:
    """What was done besides, and the calls that should have waited."""
    done = " · ".join(f"{name} {number}" for name, number in sorted(found.others.items()))
    return f"besides: {done} · calls while Slack had asked for silence {found.impatient}"


def verdict(found: Count) -> str:
    return (
        f"messages {found.messages} · lost {found.lost} · twice {found.twice} · "
        f"out of order {found.out_of_order}"
    )
