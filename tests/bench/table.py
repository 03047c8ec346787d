"""The table of results: goals, statistics over repetitions, and formatting. No I/O."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil, inf, isinf
from statistics import median
from typing import Any

WIDTH = 108
MS = 1000


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound for a value, with its description."""

    words: str
    bound: float
    at_least: bool = False  # else: at most

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


GOALS: Mapping[str, Goal] = {
    "latency": Goal(words="median at most 0.3 of it", bound=0.3),
    "throughput sqlite": Goal(words="at least 0.35 of it", bound=0.35, at_least=True),
    "throughput postgresql": Goal(words="at least 0.25 of it", bound=0.25, at_least=True),
    "command": Goal(words="at most 25 ms more than its median", bound=25),
    "limits": Goal(words="at most 1.05 of the least the limits allow", bound=1.05),
    "limits lost": Goal(words="0 lost, 0 duplicated, 0 answered with 429 after minute 1", bound=0),
    "fan-out": Goal(words="at least 12 times faster", bound=12, at_least=True),
    "busy": Goal(words="p99 never over 150 ms", bound=150),
    "scheduler": Goal(words="at most 1.5 times", bound=1.5),
    "history": Goal(words="at most 2 times for the same page", bound=2),
    "start": Goal(words="at most 3 times", bound=3),
    "memory": Goal(words="at most 2.5 times the do-nothing app", bound=2.5),
    "growth": Goal(words="growth under 10%", bound=10),
    "replicas": Goal(words="3 replicas at least 1.3 times 1", bound=1.3, at_least=True),
    "statements start": Goal(words="at most 70", bound=70),
    "statements answer": Goal(words="at most 2", bound=2),
    "statements open round": Goal(words="at most 24", bound=24),
    "statements close round": Goal(words="at most 81", bound=81),
    "statements end": Goal(words="at most 45", bound=45),
    "statements home": Goal(words="at most 26", bound=26),
    "statements message": Goal(words="at most 15", bound=15),
    "deadline": Goal(words="each DM within 5 minutes of its slot", bound=300),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One result. The goal judges `value`; `shown` describes it with the baseline."""

    name: str
    goal: Goal
    value: float
    unit: str  # of `value`: "x", " ms", "%"
    shown: str
    limit: str  # what limits the value now
    next_step: str  # the next improvement
    errors: str = ""  # why the goal is missed whatever the value
    spread: tuple[float, float] | None = None  # the smallest and largest repetition
    samples: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        return not self.errors and self.goal.is_met_by(self.value)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed."""
    if not values:
        raise ValueError("nothing was measured")
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)]


def ratios(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """Ours over theirs, for each repetition.

    Raises:
        ValueError: there are no repetitions, or theirs is 0 in one of them.
    """
    if not pairs or not all(theirs for _, theirs in pairs):
        raise ValueError("nothing was measured")
    return [ours / theirs for ours, theirs in pairs]


def comparison_row(
    name: str,
    goal: str,
    pairs: Sequence[tuple[float, float]],
    *,
    text: str,
    limit: str,
    next_step: str,
    samples: Mapping[str, Any] | None = None,
) -> Row:
    """A row judged by the median of ours over theirs. `text` is a format with both of them."""
    each = ratios(pairs)
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    return Row(
        name=name,
        goal=GOALS[goal],
        value=median(each),
        unit="x",
        shown=text.format(ours=ours, theirs=theirs),
        limit=limit,
        next_step=next_step,
        spread=(min(each), max(each)),
        samples={"pairs": [list(pair) for pair in pairs], **(samples or {})},
    )


def failed(name: str, error: Exception) -> Row:
    """The row of a measure that failed; it misses its goal."""
    goal = Goal(words="to be measured", bound=0)
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    limit, step = "not known", "see the error above"
    return Row(name=name, goal=goal, value=inf, unit="", shown=text, limit=limit, next_step=step)


def formatted(value: float, unit: str) -> str:
    """Three significant digits; integers in full."""
    if isinf(value):
        return "failed"
    if isinstance(value, int):
        return f"{value}{unit}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}{unit}"


def lines(rows: Sequence[Row]) -> list[str]:
    """The printed lines of the table."""
    out = [f"{'measure':<38} {'result':>9}  {'spread':<15} {'':<7} goal"]
    out.append("-" * WIDTH)
    for row in rows:
        verdict = "met" if row.is_met else "MISSED"
        result = formatted(row.value, row.unit)
        out.append(f"{row.name:<38} {result:>9}  {_spread(row):<15} {verdict:<7} {row.goal.words}")
        out.append(f"    {row.shown}")
        out += [f"    FAILED: {row.errors}"] if row.errors else []
        out.append(f"    limit: {row.limit}")
        out.append(f"    next: {row.next_step}")
    missed = sum(not row.is_met for row in rows)
    out.append("-" * WIDTH)
    out.append(f"{len(rows) - missed} of {len(rows)} goals met")
    return out


def as_json(rows: Sequence[Row], machine: Mapping[str, Any]) -> str:
    """All rows with their raw samples, for later comparison."""
    kept = [{**asdict(row), "met": row.is_met} for row in rows]
    return json.dumps({"machine": dict(machine), "rows": kept}, indent=1)


def exit_code(rows: Sequence[Row], *, strict: bool) -> int:
    """A missed goal fails the run only if `strict`."""
    return int(strict and not all(row.is_met for row in rows))


def _spread(row: Row) -> str:
    if row.spread is None:
        return ""
    low, high = row.spread
    return f"{formatted(low, '')} to {formatted(high, '')}"
