"""From a slash command to views.open: the person sees a form. With Slack near, and as it is."""

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
from tests.bench.world import asked_teams

OPENED, CHANGED = "views.open", "views.update"
#: What a Web API call takes: nothing, so that only we are measured, and what Slack takes.
NEAR, AS_SLACK = 0.0, CALL_SECONDS

#: Milliseconds of each command: ours, and the do-nothing app's beside it.
Runs = list[tuple[list[float], list[float]]]
NEXT = "ask Slack nothing before the form is open, and fill in afterwards what it says"
DONE = "the draft, kept on disk before the form opens, could be written beside the call"


async def command_to_form(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            await asked_teams(db, 1, now())
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
    """Judged by the latency at which our medians are further behind.

    `before` are the calls that came before the form, `filled` the milliseconds after which it
    was changed for the last time; None: never.
    """
    more = {
        latency: [median(ours) - median(theirs) for ours, theirs in runs]
        for latency, runs in found.items()
    }
    worse = max(more, key=lambda latency: median(more[latency]))
    said = f", {', '.join(before)}" if before else ""
    limit = f"{len(before)} calls to Slack before the form{said}; {profile}"
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
    """Milliseconds from the command leaving us to views.open arriving there."""
    times = []
    connection = await Connection.to(side.port)
    for number in range(count):
        await slack.clear()
        request = signed(command(number))
        began = monotonic()
        await connection.ask(request)
        await slack.wait_for(OPENED, 1, 10, every=0.01)
        times.append(((await slack.seen(OPENED))[0].at - began) * MS)
        await asyncio.sleep(3 * latency)  # what follows the form is not the next one's burden
    connection.close()
    return times


async def _around(slack: Slack, side: Child) -> tuple[list[str], float | None]:
    """What is asked of Slack before the form is open; milliseconds until it was last changed."""
    await slack.latency(AS_SLACK)
    began = monotonic()
    await _times(slack, side, 1, AS_SLACK)
    seen = await slack.all_seen()
    await slack.latency(0)
    at = next(one.at for one in seen if one.method == OPENED)
    changed = [(one.at - began) * MS for one in seen if one.method == CHANGED]
    return [one.method for one in seen if one.at < at], max(changed, default=None)


async def _profile(bench: Bench, slack: Slack, url: str) -> str:
    """What the bot does while people type, in a run of its own that is not timed."""
    with bench.bot(slack.api_url, url, "tests.bench.bot_process") as child:
        await child.ready()
        return await bench.sampled(child, lambda: closed_loop(child.port, commands(), 1, 1.0))
