"""The table: a line for each scenario, and what is behind it where something is wrong."""

from tests.chaos.oracle import Count
from tests.chaos.run import Result
from tests.chaos.whole import Outcome

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
    cells = (result.struck, found.messages, result.looks, found.lost, found.twice)
    numbers = "".join(f"{cell:>9}" for cell in (*cells, found.out_of_order))
    table = [f"{mark} {who:<13}{scenario.name:<50}{numbers}{result.seconds:>7.1f}"]
    table += [f"{hits:>25} x {step}" for step, hits in result.hits.items()]
    table += [f"      {why}" for why in found.why[:MOST_REASONS]]
    if result.stuck:
        table.append("      never came to its end")
    if found.ends:
        table.append(f"      ended otherwise: {found.ends}")
    return "\n".join(table)


def verdict(found: Count) -> str:
    return (
        f"messages {found.messages} · lost {found.lost} · twice {found.twice} · "
        f"out of order {found.out_of_order}"
    )
