"""Limits on the number of SQL statements per user action, to detect queries in a loop.

Counts are exact where nothing can vary. Where something is posted, the sender races with Slack's
event about the post: if the event is handled first, it stores the location of the message with one
more statement. Those limits allow one such statement per post.
"""

from collections.abc import Mapping

from tests.harness import BotHarness
from tests.scenarios.statements import (
    ANSWER,
    APP_HOME,
    CLOSE_ROUND,
    END,
    END_WITH_CHART,
    MESSAGE,
    OPEN_NEXT,
    OPEN_ROUND,
    START,
    count_end_without_results,
    count_statements,
)

EXACT = {
    "sqlite": {OPEN_ROUND: 26, OPEN_NEXT: 25, ANSWER: 4, APP_HOME: 22, CLOSE_ROUND: 81},
    "postgresql": {OPEN_ROUND: 26, OPEN_NEXT: 25, ANSWER: 5, APP_HOME: 25, CLOSE_ROUND: 81},
}
#: Higher on PostgreSQL, since the sender queries the database's clock in each turn.
AT_MOST = {
    "sqlite": {START: 64, MESSAGE: 12, END: 38, END_WITH_CHART: 44},
    "postgresql": {START: 70, MESSAGE: 15, END: 43, END_WITH_CHART: 49},
}


async def test_statement_counts_of_a_phase_with_answers(harness: BotHarness) -> None:
    check(harness, await count_statements(harness))


async def test_statement_count_of_an_end_without_results(harness: BotHarness) -> None:
    check(harness, await count_end_without_results(harness))


def check(harness: BotHarness, counts: Mapping[str, int]) -> None:
    engine = harness.bot.db.engine.dialect.name
    exact, at_most = EXACT[engine], AT_MOST[engine]
    assert {name: count for name, count in counts.items() if name in exact} == {
        name: count for name, count in exact.items() if name in counts
    }
    assert {
        name: count for name, count in counts.items() if name not in exact and count > at_most[name]
    } == {}
