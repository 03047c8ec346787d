"""Acknowledgement while there is a lot to do: a fan-out, and pictures being drawn."""

import asyncio
from typing import Any

from bot.clock import new_sortable_id
from bot.db import schema
from bot.db.writing import insert_if_new
from bot.results.chart import ChartFacts, Line
from tests.bench.bench import Bench, Slack, now
from tests.bench.clients import Timed, at_a_rate
from tests.bench.doings import clicks
from tests.bench.measures.fanout import CALL_SECONDS, PATIENCE_SECONDS, POST
from tests.bench.outside import opened
from tests.bench.processes import Child
from tests.bench.sink import TEAM
from tests.bench.table import GOALS, Row, quantile
from tests.bench.world import asked_teams, insert_all, to_send

TEAMS = 100
EACH_SECOND = 20
MS = 1000
REPORTS = 20


async def while_busy(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            everyone = await asked_teams(db, TEAMS, now())
        with bench.bot(slack.api_url, url, "tests.bench.ours", "unpaced") as child:
            await child.ready()
            await slack.latency(CALL_SECONDS)
            load = clicks(everyone, slack.url, now())
            await _during(child, load, asyncio.sleep(2))
            rest = await _during(child, load, asyncio.sleep(bench.size(12, 3)))
            busy = await _during(child, load, _work(bench, slack, child, url))
            profile = await bench.sampled(
                child, lambda: _during(child, load, _work(bench, slack, child, url, "R"))
            )
    return [_row(bench, rest, busy, profile)]


def _row(bench: Bench, rest: Timed, busy: Timed, profile: str) -> Row:
    before, during = (quantile(one.seconds, 0.99) * MS for one in (rest, busy))
    return Row(
        name="acknowledgement while busy, p99",
        goal=GOALS["busy"],
        value=during,
        unit=" ms",
        shown=f"at rest {before:.1f} ms; longest while busy {max(busy.seconds) * MS:.0f} ms; "
        f"{EACH_SECOND} answers a second during {_dms(bench)} DMs and {_reports(bench)} charts",
        limit=profile,
        samples={
            "rest_ms": [one * MS for one in rest.seconds],
            "busy_ms": [one * MS for one in busy.seconds],
            "wrong": [rest.wrong, busy.wrong],
        },
    )


def _dms(bench: Bench) -> int:
    return bench.size(1_000, 200)


def _reports(bench: Bench) -> int:
    return bench.size(REPORTS, 3)


async def _during(child: Child, load: Any, work: Any) -> Timed:
    """Answers at their own rate while the work goes on."""
    done = asyncio.Event()
    answers = asyncio.create_task(at_a_rate(child.port, load, EACH_SECOND, done))
    try:
        await work
    finally:
        done.set()
    return await answers


async def _work(bench: Bench, slack: Slack, child: Child, url: str, series: str = "B") -> None:
    """Everything is written at once, as on a Tuesday at ten."""
    await slack.clear()
    async with opened(url) as db, db.transaction() as tx:
        messages = to_send(_dms(bench), bench.business, series)
        await insert_all(tx, schema.messages, messages)
        await insert_all(tx, schema.messages, _with_pictures(bench, series))
        await insert_if_new(tx, schema.lanes, workspace_id=TEAM)
    child.tell("wake")
    await slack.wait_for(POST, _dms(bench) + _reports(bench), PATIENCE_SECONDS)


def _with_pictures(bench: Bench, series: str) -> Any:
    levels = (3.0, 3.5, 2.5, 4.0, 4.0, 3.5)
    lines = tuple(Line(label=label, levels=levels) for label in ("Clear?", "Trust?", "Mistakes?"))
    facts = ChartFacts(rounds=tuple(f"Week {one}" for one in range(1, 7)), lines=lines)
    picture = {"facts": facts.as_json(), "alt_text": "Levels", "title": "Results"}
    for number in range(_reports(bench)):
        yield {
            "workspace_id": TEAM,
            "message_id": new_sortable_id(),
            "key": f"report:{series}:{number}",
            "operation": "post",
            "conversation": f"C{series}{number:06d}",
            "payload": {"text": "Results", "blocks": []},
            "picture": picture,
            "state": "pending",
            "not_before": bench.business,
            "created_at": bench.business,
        }
