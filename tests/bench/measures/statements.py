"""The number of SQL statements for what people do."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.bench.bench import ENGINES, Bench
from tests.bench.table import GOALS, Row
from tests.conftest import running_harness
from tests.scenarios import statements
from tests.scenarios.statements import count_end_without_results, count_statements

DELIVERY = (
    "each turn of the sender renews its lease, records outcomes, finds the next messages and claims"
)
AFTER_SENDING = "Slack's own event on a post reports its location, which is recorded if it is new"


class Scenario(NamedTuple):
    """The goal and the texts of a scenario."""

    goal: str
    limit: str
    next_step: str


SCENARIOS: Mapping[str, Scenario] = {
    statements.START: Scenario(
        "statements start",
        f"a third for what the three pages read and keep, a third for the phase; {DELIVERY}",
        "read settings and people once for a page",
    ),
    statements.ANSWER: Scenario(
        "statements answer",
        "the round and the ballot are read, the ballot and the edit are written",
        "none",
    ),
    statements.OPEN_ROUND: Scenario(
        "statements open round",
        "the phase is read before Slack is asked about the channel, and again under its lock",
        "read what is fixed about a phase once",
    ),
    statements.OPEN_NEXT: Scenario(
        "statements open round",
        "one more for the promises, of which one may be due to be checked",
        "the same",
    ),
    statements.CLOSE_ROUND: Scenario(
        "statements close round",
        "two for each edit, two edits for each person: the questions and the reminder",
        "edit all of them with a few statements, as the questions are posted",
    ),
    statements.END: Scenario(
        "statements end", f"the end itself a half; {DELIVERY}", "renew and conclude at once"
    ),
    statements.END_WITH_CHART: Scenario(
        "statements end",
        "the same, and one more turn of the sender, since a chart is uploaded before it is shown",
        "the same",
    ),
    statements.APP_HOME: Scenario(
        "statements home",
        "the phase is read for its open round, and again among those of the person",
        "read the person's phases once",
    ),
    statements.MESSAGE: Scenario(
        "statements message", f"two turns of the sender; {AFTER_SENDING}", "none"
    ),
}


async def count(bench: Bench) -> list[Row]:
    counts = {engine: await _counts(bench, engine) for engine in ENGINES}
    return rows(counts)


async def _counts(bench: Bench, engine: str) -> dict[str, int]:
    async with bench.database(engine) as url, running_harness(url) as harness:
        found = await count_statements(harness)
    async with bench.database(engine) as url, running_harness(url) as harness:
        return {**found, **await count_end_without_results(harness)}


def rows(counts: Mapping[str, Mapping[str, int]]) -> list[Row]:
    """A row for each scenario, judged by the engine with more statements."""
    return [
        Row(
            name=f"SQL: {name}",
            goal=GOALS[scenario.goal],
            value=max(counts[engine][name] for engine in counts),
            unit="",
            shown=", ".join(f"{counts[engine][name]} statements on {engine}" for engine in counts),
            limit=scenario.limit,
            next_step=scenario.next_step,
            samples={engine: counts[engine][name] for engine in counts},
        )
        for name, scenario in SCENARIOS.items()
    ]
