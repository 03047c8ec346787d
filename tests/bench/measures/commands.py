"""From a slash command to views.open: the person sees a form."""

from bot.clock import monotonic
from tests.bench.bench import Bench, Slack, now
from tests.bench.clients import Connection, signed
from tests.bench.doings import command
from tests.bench.outside import opened
from tests.bench.processes import Child
from tests.bench.table import Row, more_than, quantile
from tests.bench.world import asked_teams

MS = 1000
OPENED = "views.open"
#: What is asked of Slack when the form is open; the last of it.
LAST = "conversations.members"
NOTHING = "nothing is asked of Slack before it"


async def command_to_form(bench: Bench) -> list[Row]:
    async with bench.slack() as slack, bench.database("sqlite") as url:
        async with opened(url) as db:
            await asked_teams(db, 1, now())
        with bench.bot(slack.api_url, url) as ours, bench.nothing(slack.api_url) as theirs:
            await ours.ready()
            await theirs.ready()
            for side in (ours, theirs):
                await _times(slack, side, 3)
            pairs, raw = [], []
            for _ in range(bench.size(10, 4)):
                mine = await _times(slack, ours, bench.size(10, 5))
                yours = await _times(slack, theirs, bench.size(10, 5))
                pairs.append((quantile(mine, 0.5), quantile(yours, 0.5)))
                raw += mine
            calls = await _calls(slack, ours)
    said = "ours {ours:.1f} ms, do-nothing app {theirs:.1f} ms (static form); Slack at 0 ms a call"
    asked = f"{', '.join(calls)} come before it, in Slack each about 120 ms" if calls else NOTHING
    limit = f"{asked}; the draft is kept first"
    return [
        more_than(
            "/imbalance start to views.open", "command", pairs, said=said, limit=limit,
            samples={"ours_ms": raw},
        )
    ]  # fmt: skip


async def _times(slack: Slack, side: Child, count: int) -> list[float]:
    """Milliseconds from the command leaving us to views.open arriving there."""
    times = []
    connection = await Connection.to(side.port)
    for number in range(count):
        await slack.clear()
        request = signed(command(number))
        began = monotonic()
        await connection.ask(request)
        await slack.wait_for(OPENED, 1, 10)
        times.append(((await slack.seen(OPENED))[0][1] - began) * MS)
    connection.close()
    return times


async def _calls(slack: Slack, side: Child) -> list[str]:
    """What is asked of Slack before the form is opened."""
    await slack.wait_for(LAST, 1, 10)  # of the command before
    await _times(slack, side, 1)
    seen = [method for method, _, _ in await slack.all_seen()]
    return seen[: seen.index(OPENED)]
