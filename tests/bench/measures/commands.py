"""The time from a slash command to views.open, with a fast Slack and with a realistic one."""

import asyncio
from collections.abc import Mapping
from statistics import median

from bot.clock import monotonic
from tests.bench.actions import command, commands
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, Bench, Slack, now
from tests.bench.clients import Connection, closed_loop, signed
from tests.bench.processes import Child
from tests.bench.table import GOALS, MS, Row
from tests.bench.world import add_asked_teams

OPENED, CHANGED = "views.open", "views.update"
#: Durations of a Web API call: none, to measure the bot alone, and a realistic one.
NEAR, AS_SLACK = 0.0, CALL_SECONDS

#: Milliseconds of each command: ours, and those of the empty app.
Runs = list[tuple[list[float], list[float]]]
NEXT = "make no call before the form is open, and fill it in afterwards"
DONE = "write the draft, now saved before the form opens, concurrently with the call"


async def command_to_form(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            await add_asked_teams(db, 1, now())
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            found = {
                latency: await _in_turns(bench, slack, latency, ours, theirs)
                for latency in (NEAR, AS_SLACK)
            }
            before, filled = await _around(slack, ours)
        profile = await _profile(bench, slack, url)
    return [row(found, before, filled, profile)]


def row(found: Mapping[float, Runs], before: list[str], filled: float | None, profile: str) -> Row:
    """A row judged by the latency at which our medians are further behind.

    `before` are the calls before the form, `filled` the milliseconds after which it was last
    updated, or None if never.
    """
    more = {
        latency: [median(ours) - median(theirs) for ours, theirs in runs]
        for latency, runs in found.items()
    }
    worse = max(more, key=lambda latency: median(more[latency]))
    text = f", {', '.join(before)}" if before else ""
    limit = f"{len(before)} calls to Slack before the form{text}; {profile}"
    return Row(
        name="/imbalance start to views.open",
        goal=GOALS["command"],
        value=median(more[worse]),
        unit=" ms",
        shown="; ".join(_shown(latency, runs) for latency, runs in found.items())
        + ("" if filled is None else f", and filled in after {filled:.0f} ms")
        + " (judged: the worse)",
        limit=limit,
        next_step=NEXT if before else DONE,
        spread=(min(more[worse]), max(more[worse])),
        samples={f"runs_at_{latency * MS:.0f}_ms": runs for latency, runs in found.items()},
    )


def _shown(latency: float, runs: Runs) -> str:
    ours, theirs = (median(map(median, side)) for side in zip(*runs, strict=True))
    return (
        f"Slack at {latency * MS:.0f} ms a call: ours {ours:.1f} ms, do-nothing app {theirs:.1f} ms"
    )


async def _in_turns(bench: Bench, slack: Slack, latency: float, ours: Child, theirs: Child) -> Runs:
    await slack.latency(latency)
    each = bench.size(5, 1) if latency else bench.size(10, 4)
    for side in (ours, theirs):
        await _times(slack, side, 2, latency)  # to warm up
    runs = []
    for _ in range(bench.size(5, 2)):
        mine = await _times(slack, ours, each, latency)
        runs.append((mine, await _times(slack, theirs, each, latency)))
    await slack.latency(0)
    return runs


async def _times(slack: Slack, side: Child, count: int, latency: float) -> list[float]:
    """Milliseconds from sending the command to the arrival of views.open."""
    times = []
    connection = await Connection.to(side.port)
    for number in range(count):
        await slack.clear()
        request = signed(command(number))
        began = monotonic()
        await connection.ask(request)
        await slack.wait_for(OPENED, 1, 10, every=0.01)
        times.append(((await slack.seen(OPENED))[0].at - began) * MS)
        await asyncio.sleep(3 * latency)  # let the calls after the form finish
    connection.close()
    return times


async def _around(slack: Slack, side: Child) -> tuple[list[str], float | None]:
    """The calls before the form is open, and the milliseconds until its last update."""
    await slack.latency(AS_SLACK)
    began = monotonic()
    await _times(slack, side, 1, AS_SLACK)
    seen = await slack.all_seen()
    await slack.latency(0)
    at = next(one.at for one in seen if one.method == OPENED)
    changed = [(one.at - began) * MS for one in seen if one.method == CHANGED]
    return [one.method for one in seen if one.at < at], max(changed, default=None)


async def _profile(bench: Bench, slack: Slack, url: str) -> str:
    """A profile of the bot during commands, in a separate run that is not timed."""
    with bench.bot(slack.api_url, url, "tests.bench.bot_process") as child:
        await child.ready()
        return await bench.sampled(child, lambda: closed_loop(child.port, commands(), 1, 1.0))
