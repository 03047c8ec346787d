"""Costs that could grow with the data: a tick among many phases, and pages with a long history."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

from bot.agenda import schedule
from bot.agenda.actions import ActionName
from bot.agenda.schedule import AgendaItem
from bot.app import Imbalance
from bot.clock import AdjustableClock, monotonic
from bot.ending.messages import closing
from bot.ending.summary import summarize
from bot.home.lifecycle import show_home
from bot.phases.store import load
from bot.results.lifecycle import show_results
from bot.settings import Settings
from bot.slack.request import Request
from bot.status.store import channel_status
from tests.bench.admin_database import AdminDatabase, opened
from tests.bench.bench import ENGINES, Bench
from tests.bench.crowds import (
    DUE,
    DUE_IN,
    ROUNDS_EACH,
    ROUNDS_NOW,
    add_phases,
    add_team_with_history,
    add_teams_with_work,
    last_phase,
    last_shown,
    make_due,
)
from tests.bench.sampling import sampled_here
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.table import GOALS, MS, Row, comparison_row
from tests.bench.world import KEY

FEW_ROUNDS, MANY_ROUNDS = 10, 500
WARM_UP = 3

TICK_NEXT = "none: a claim reads the agenda's index, not the phases"

Page = Callable[[Imbalance, int], Awaitable[None]]


class NotDone(Exception):
    """A tick did not carry out everything that was due."""


@asynccontextmanager
async def _idle_bot(bench: Bench, engine: str) -> AsyncIterator[tuple[Imbalance, AdminDatabase]]:
    """A bot that is not started, so that its parts can be called here, and its database."""
    async with bench.database(engine) as url, opened(url) as db:
        settings = Settings(
            slack_bot_token="xoxb-playground",
            slack_api_url="http://127.0.0.1:9/api/",
            database_url=url,
            keys=(KEY,),
        )
        app = Imbalance(settings, AdjustableClock(bench.business_time))
        yield app, db
        await app.db.close()


async def scheduler(bench: Bench) -> list[Row]:
    return [await _scheduler(bench, engine) for engine in ENGINES]


async def _scheduler(bench: Bench, engine: str) -> Row:
    few, many = 1_000, bench.size(1_000_000, 30_000)
    times = bench.size(5, 2)
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(_idle_bot(bench, engine))
        large = await stack.enter_async_context(_idle_bot(bench, engine))
        for (_, db), count in ((small, few), (large, many)):
            await add_teams_with_work(db, times + 2, bench.business_time)
            began = monotonic()
            await add_phases(db, count, bench.business_time)
            bench.progress(f"{count:,} phases on {engine} written in {monotonic() - began:.0f} s")
        pairs = []
        for team in range(times + 1):
            pairs.append((await _tick(bench, *large, team), await _tick(bench, *small, team)))
        profile = await sampled_here(lambda: _tick(bench, *large, times + 1))
    text = (
        f"{{ours:.0f}} ms among {many:,} phases (each with a member, a round and a message), "
        f"{{theirs:.0f}} ms among {few:,}; {DUE} things due in {DUE_IN} workspaces: asks, results "
        "and announcements"
    )
    return comparison_row(
        f"scheduler growth, {engine}", "scheduler", pairs[1:],
        text=text, limit=f"the work that is due; one tick {profile}", next_step=TICK_NEXT,
    )  # fmt: skip


async def _tick(bench: Bench, app: Imbalance, db: AdminDatabase, team: int) -> float:
    """Milliseconds of one tick in which all items of these teams are due."""
    await make_due(db, team, bench.business_time)
    began = monotonic()
    done = await app.ticker.tick()
    took = (monotonic() - began) * MS
    if done != DUE:
        raise NotDone(f"{done} of {DUE} things were done")
    return took


# --- history --------------------------------------------------------------------------------


async def _results(app: Imbalance, rounds: int) -> None:
    due_at = app.services.clock.now()
    item = AgendaItem(
        workspace_id=TEAM, action=ActionName.SHOW_RESULTS, subject=last_shown(rounds), due_at=due_at
    )
    await show_results(app.services, item)


async def _results_due(app: Imbalance, rounds: int) -> None:
    """Make the results due, before each time that they are shown."""
    due_at = app.services.clock.now()
    async with app.db.transaction() as tx:
        await schedule.add(
            tx, TEAM, action=ActionName.SHOW_RESULTS, subject=last_shown(rounds), due_at=due_at
        )


async def _home(app: Imbalance, _: int) -> None:
    await show_home(app.services, Request(workspace_id=TEAM, user_id=LEAD), channel_ids=(CHANNEL,))


async def _report(app: Imbalance, rounds: int) -> None:
    async with app.db.reading() as reader:
        phase = await load(reader, TEAM, last_phase(rounds))
        assert phase is not None
        closing(await summarize(reader, TEAM, phase))


async def _status(app: Imbalance, _: int) -> None:
    await channel_status(app.services, Request(workspace_id=TEAM, channel_id=CHANNEL, user_id=LEAD))


#: The status includes the budget, which is read from the history of the channel.
PAGES: Mapping[str, Page] = {
    "results": _results,
    "home": _home,
    "report": _report,
    "status with budget": _status,
}


async def history(bench: Bench) -> list[Row]:
    return [await _history(bench, engine) for engine in ENGINES]


async def _history(bench: Bench, engine: str) -> Row:
    times = bench.size(25, 8)
    taken: dict[str, tuple[list[float], list[float]]] = {}
    async with AsyncExitStack() as stack:
        apps = []
        for rounds in (MANY_ROUNDS, FEW_ROUNDS):
            app, db = await stack.enter_async_context(_idle_bot(bench, engine))
            await add_team_with_history(db, rounds, bench.business_time)
            apps.append((app, rounds))
        for name, page in PAGES.items():
            sides: tuple[list[float], list[float]] = ([], [])
            for _ in range(WARM_UP + times):
                for (app, rounds), side in zip(apps, sides, strict=True):
                    await _results_due(app, rounds)
                    began = monotonic()
                    await page(app, rounds)
                    side.append((monotonic() - began) * MS)
            taken[name] = (sides[0][WARM_UP:], sides[1][WARM_UP:])
        profile = await sampled_here(lambda: _all_pages(*apps[0], times))
    return history_row(engine, taken, profile)


async def _all_pages(app: Imbalance, rounds: int, times: int) -> None:
    for _ in range(times):
        await _results_due(app, rounds)
        for page in PAGES.values():
            await page(app, rounds)


def history_row(
    engine: str, taken: Mapping[str, tuple[list[float], list[float]]], profile: str
) -> Row:
    """A row judged by the page that grows most; with many past rounds and with few."""
    medians = {name: (median(many), median(few)) for name, (many, few) in taken.items()}
    grown = {name: many / few for name, (many, few) in medians.items()}
    worst = max(grown, key=lambda name: grown[name])
    each = ", ".join(f"{name} {few:.1f} to {many:.1f} ms" for name, (many, few) in medians.items())
    return Row(
        name=f"history growth, {engine}",
        goal=GOALS["history"],
        value=grown[worst],
        unit="x",
        shown=f"{FEW_ROUNDS} to {MANY_ROUNDS} past rounds in the channel: {each}",
        limit=f"{worst} grows most. Results, home and report read the rounds of their own phase "
        f"alone, {ROUNDS_NOW} at most by default ({ROUNDS_EACH} and {ROUNDS_NOW} here, on both "
        "sides), and of the channel's past nothing; the budget reads 90 days of it. With many "
        f"{profile}",
        next_step="none; all rounds of a phase are read for its results",
        spread=(min(grown.values()), max(grown.values())),
        samples={name: {"many_ms": many, "few_ms": few} for name, (many, few) in taken.items()},
    )
