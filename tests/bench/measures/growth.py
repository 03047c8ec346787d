"""What grows with what exists: one tick among many phases, and pages of teams with a long past."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

from bot.agenda import agenda
from bot.agenda.agenda import Item
from bot.app import Imbalance
from bot.clock import MovedClock, monotonic
from bot.home.lifecycle import show_home
from bot.phases.ending_messages import closing
from bot.phases.over import ended_of
from bot.results.lifecycle import SHOW, show_results
from bot.settings import Settings
from tests.bench.bench import ENGINES, Bench
from tests.bench.crowds import a_past, asks_due, last_phase, last_shown, many_phases
from tests.bench.outside import Outside, opened
from tests.bench.sink import CHANNEL, LEAD, TEAM
from tests.bench.table import GOALS, Row, beside
from tests.bench.world import KEY, MEMBERS, asked_teams

MS = 1000
DUE = 100
FEW_ROUNDS, MANY_ROUNDS = 10, 500
WARM_UP = 3

TICK_LIMIT = "the 100 transactions themselves: a claim reads the agenda's index, not the phases"

Page = Callable[[Imbalance, int], Awaitable[None]]


@asynccontextmanager
async def _idle_bot(bench: Bench, engine: str) -> AsyncIterator[tuple[Imbalance, Outside]]:
    """A bot that was not started: its parts are driven from here. And its database."""
    async with bench.database(engine) as url, opened(url) as db:
        settings = Settings(
            slack_bot_token="xoxb-playground",
            slack_api_url="http://127.0.0.1:9/api/",
            database_url=url,
            keys=(KEY,),
        )
        app = Imbalance(settings, MovedClock(bench.business))
        yield app, db
        await app.db.close()


async def scheduler(bench: Bench) -> list[Row]:
    return [await _scheduler(bench, engine) for engine in ENGINES]


async def _scheduler(bench: Bench, engine: str) -> Row:
    few, many = 1_000, bench.size(1_000_000, 100_000)
    times = bench.size(5, 2)
    teams = (times + 1) * DUE // MEMBERS
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(_idle_bot(bench, engine))
        large = await stack.enter_async_context(_idle_bot(bench, engine))
        for (_, db), count in ((small, few), (large, many)):
            people = await asked_teams(db, teams, bench.business, sent=False)
            began = monotonic()
            await many_phases(db, count, bench.business)
            bench.say(f"{count:,} phases on {engine} written in {monotonic() - began:.0f} s")
        pairs = []
        for number in range(times + 1):
            some = people[number * DUE : (number + 1) * DUE]
            took = []
            for app, db in (large, small):
                await asks_due(db, some, bench.business)
                began = monotonic()
                done = await app.ticker.tick()
                took.append((monotonic() - began) * MS)
                assert done == DUE, f"{done} of {DUE} things were done"
            pairs.append((took[0], took[1]))
    said = f"{{ours:.0f}} ms among {many:,} phases, {{theirs:.0f}} ms among {few:,}, {DUE} asks due"
    name = f"scheduler growth, {engine}"
    return beside(name, "scheduler", pairs[1:], said=said, limit=TICK_LIMIT, next_step="none")


# --- history --------------------------------------------------------------------------------


async def _results(app: Imbalance, rounds: int) -> None:
    item = Item(
        workspace_id=TEAM, action=SHOW, subject=last_shown(rounds), due_at=app.services.clock.now()
    )
    async with app.db.transaction() as tx:
        await agenda.put(tx, TEAM, action=SHOW, subject=item.subject, due_at=item.due_at)
    await show_results(app.services, item)


async def _home(app: Imbalance, _: int) -> None:
    await show_home(app.services, workspace_id=TEAM, user_id=LEAD, channel_ids=(CHANNEL,))


async def _report(app: Imbalance, rounds: int) -> None:
    async with app.db.reading() as reader:
        closing(await ended_of(reader, TEAM, last_phase(rounds)))


PAGES: Mapping[str, Page] = {"results": _results, "home": _home, "report": _report}


async def history(bench: Bench) -> list[Row]:
    return [await _history(bench, engine) for engine in ENGINES]


async def _history(bench: Bench, engine: str) -> Row:
    times = bench.size(25, 8)
    taken: dict[str, tuple[list[float], list[float]]] = {}
    async with AsyncExitStack() as stack:
        apps = []
        for rounds in (MANY_ROUNDS, FEW_ROUNDS):
            app, db = await stack.enter_async_context(_idle_bot(bench, engine))
            await a_past(db, rounds, bench.business)
            apps.append((app, rounds))
        for name, page in PAGES.items():
            sides: tuple[list[float], list[float]] = ([], [])
            for _ in range(WARM_UP + times):
                for (app, rounds), side in zip(apps, sides, strict=True):
                    began = monotonic()
                    await page(app, rounds)
                    side.append((monotonic() - began) * MS)
            taken[name] = (sides[0][WARM_UP:], sides[1][WARM_UP:])
    return _history_row(engine, taken)


def _history_row(engine: str, taken: Mapping[str, tuple[list[float], list[float]]]) -> Row:
    medians = {name: (median(many), median(few)) for name, (many, few) in taken.items()}
    grown = {name: many / few for name, (many, few) in medians.items()}
    worst = max(grown, key=lambda name: grown[name])
    each = ", ".join(f"{name} {few:.1f} to {many:.1f} ms" for name, (many, few) in medians.items())
    return Row(
        name=f"history growth, {engine}",
        goal=GOALS["history"],
        value=grown[worst],
        unit="x",
        shown=f"10 to 500 past rounds: {each}",
        limit=f"{worst} grows most; each page reads its own phase, not the past",
        next_step="none",
        spread=(min(grown.values()), max(grown.values())),
        samples={name: {"many_ms": many, "few_ms": few} for name, (many, few) in taken.items()},
    )
