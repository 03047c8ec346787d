"""Counts of SQL statements during a phase of a team of twelve."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from sqlalchemy import event, func, select

from bot.agenda.actions import ActionName
from bot.agenda.claims import due
from bot.agenda.schedule import AgendaItem
from bot.app import ACTIONS
from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from bot.outbox import enqueue, keys, workspace_sender
from bot.playground.fake_slack.workspace_changes import wait_for_delivery
from bot.slack.content import content
from tests.harness import BEN, LAUNCH, MEMBERS, WORKSPACE, BotHarness
from tests.scenarios.lead import CLEAR, SPRINT, Lead
from tests.scenarios.screen import dm_texts, phase
from tests.taps import KEYS

START = "start to announced"
ANSWER = "one tap"
OPEN_ROUND = "open a round for 12"
OPEN_NEXT = "open the next round, which asks a check"
CLOSE_ROUND = "close a round of 12"
END = "automatic end, no results"
END_WITH_CHART = "automatic end, with a chart"
APP_HOME = "open App Home"
MESSAGE = "one delivered message"

#: Five people added to the example workspace's #launch.
NEWCOMERS = tuple(f"U0NEW{number}" for number in range(5))
TEAM = (*MEMBERS, *NEWCOMERS)
LATEST = datetime(2027, 12, 31, tzinfo=UTC)
#: Tasks that query the database on a timer, whatever users do.
POLLING_TASKS = frozenset({"delivery", "event gap monitor"})
#: The sender records concurrent calls in one batch only if they finish within a few milliseconds
#: of each other. On a busy machine they may not, so the counts would vary: wait longer.
COLLECT_SECONDS = 2.0

#: Set in a task whose statements alone are counted, and inherited by those that it starts.
_is_own: ContextVar[bool] = ContextVar("is_own", default=False)


class StatementCounter:
    """Counts the statements sent to a database, except those of `POLLING_TASKS`.

    A multi-row statement counts once. BEGIN and COMMIT do not count.
    """

    def __init__(self, db: Database) -> None:
        self._engine = db.engine.sync_engine
        self._count = 0
        self._only_own = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        event.listen(self._engine, "before_cursor_execute", self._add)
        try:
            yield
        finally:
            event.remove(self._engine, "before_cursor_execute", self._add)

    async def own(self, work: Awaitable[object]) -> int:
        """Do some work; return the count of its own task and those that it starts.

        What other tasks do meanwhile, such as finishing a read, is left out.
        """
        self.take()
        self._only_own = True
        is_own = _is_own.set(True)
        try:
            await work
        finally:
            _is_own.reset(is_own)
            self._only_own = False
        return self.take()

    def take(self) -> int:
        """Return the count since the last call, and reset it."""
        count, self._count = self._count, 0
        return count

    def _add(self, *_: Any) -> None:
        task = asyncio.current_task()
        is_polling = task is not None and task.get_name() in POLLING_TASKS
        is_own = _is_own.get() or not self._only_own
        self._count += is_own and not is_polling


async def count_statements(harness: BotHarness) -> dict[str, int]:
    """Run a sprint in which everyone answers once; return the count of each scenario."""
    await _grow_team(harness)
    counts = {}
    counter = StatementCounter(harness.bot.db)
    with counter.counting(), _batch_concurrent_calls():
        await _start(harness)
        counts[START] = counter.take()

        counts[OPEN_ROUND] = await _carry_out(harness, ActionName.OPEN_ROUND, counter)
        assert await _people_asked(harness) == len(TEAM)
        await harness.settle()
        await harness.wait(days=1)

        counter.take()
        await _tap(harness, BEN, KEYS[0])
        counts[ANSWER] = counter.take()
        await _answer(harness, BEN, KEYS[1:])
        counter.take()

        await harness.slack.as_user(BEN).open_home()
        await _finish(harness)
        counts[APP_HOME] = counter.take()
        assert harness.slack.as_user(BEN).home is not None

        for user_id in TEAM:
            if user_id != BEN:
                await _answer(harness, user_id)
        counts[CLOSE_ROUND] = await _carry_out(harness, ActionName.CLOSE_ROUND, counter)
        await harness.settle()

        counter.take()
        await _deliver_message(harness)
        counts[MESSAGE] = counter.take()

        counts[OPEN_NEXT] = await _carry_out(harness, ActionName.OPEN_ROUND, counter)
        assert await _checks_asked(harness) == 1
        counts[END_WITH_CHART] = await _end(harness, counter)
    return counts


async def count_end_without_results(harness: BotHarness) -> dict[str, int]:
    """Run a sprint in which nobody answers; return the count of its automatic end."""
    await _grow_team(harness)
    counter = StatementCounter(harness.bot.db)
    with counter.counting(), _batch_concurrent_calls():
        await _start(harness)
        return {END: await _end(harness, counter)}


def _batch_concurrent_calls() -> Any:
    return mock.patch.object(workspace_sender, "COLLECT_SECONDS", COLLECT_SECONDS)


async def _grow_team(harness: BotHarness) -> None:
    slack = harness.slack
    for user_id in NEWCOMERS:
        await wait_for_delivery(
            slack.add_user(slack.copy_of(BEN, id=user_id, name=user_id.lower()))
        )
        await wait_for_delivery(slack.join(LAUNCH, user_id))
    await harness.settle()


async def _start(harness: BotHarness) -> None:
    """Start a phase: command, three form pages, and announcement with pin and bookmark."""
    lead = Lead(harness)
    assert await lead.types("results 2w") == ""
    promise = {name: text for name, text in SPRINT.items() if name != "start.owner.0"}
    for typed in (CLEAR, {**promise, "start.members": [*TEAM]}, {}):
        await harness.bot.services.background_tasks.wait_until_idle()
        await lead.me.fill(lead.view["id"], typed)
        submitted = await lead.me.submit()
        assert submitted.errors == {}
    await _finish(harness)
    methods = {call.method for call in harness.slack.calls}
    assert {"pins.add", "bookmarks.add"} <= methods


async def _tap(harness: BotHarness, user_id: str, key: str) -> None:
    """Answer a question, and wait until its message is replaced."""
    await harness.slack.as_user(user_id).click(f"rounds.tap.{key}.4")
    await harness.slack.settled()
    await harness.bot.services.background_tasks.wait_until_idle()


async def _answer(harness: BotHarness, user_id: str, keys: Sequence[str] = KEYS) -> None:
    """Answer the questions, all unless told which, and wait for the receipt."""
    for key in keys:
        await _tap(harness, user_id, key)
    assert dm_texts(harness, user_id)[-1].startswith("Thanks, that's it.")


async def _deliver_message(harness: BotHarness) -> None:
    key = keys.ask("a round", BEN)
    async with harness.bot.db.transaction() as tx:
        now, hello = harness.clock.now(), content("Hello.")
        await enqueue.post(tx, WORKSPACE, key=key, to=BEN, content=hello, now=now)
    await _finish(harness)
    assert dm_texts(harness, BEN)[-1] == "Hello."


async def _end(harness: BotHarness, counter: StatementCounter) -> int:
    """Let time pass until the phase ends automatically; return the count of the end alone."""
    await _travel_to(harness, ActionName.END_PHASE)
    counter.take()
    await harness.bot.ticker.tick()
    await _finish(harness)
    count = counter.take()
    assert (await phase(harness)).state == "ended"
    return count


async def _finish(harness: BotHarness) -> None:
    """Finish background tasks and deliver due messages, without another tick."""
    await harness.bot.services.background_tasks.wait_until_idle()
    await harness.bot.delivery.deliver_due()
    await harness.slack.settled()
    await harness.bot.services.background_tasks.wait_until_idle()


async def _travel_to(harness: BotHarness, action: str) -> AgendaItem:
    """Let time pass until the next action of this kind is due, but has not run."""
    async with harness.bot.db.reading() as reader:
        items = await due(reader, LATEST, real_now(), 1000)
    found = next(item for item in items if item.action == action)
    await harness.travel_to(found.due_at - timedelta(seconds=1))
    harness.clock.move_to(found.due_at)
    return found


async def _carry_out(harness: BotHarness, action: ActionName, counter: StatementCounter) -> int:
    """Run the next action of this kind; return its own count, without the surrounding tick."""
    item = await _travel_to(harness, action)
    return await counter.own(ACTIONS[action].run(harness.bot.services, item))


async def _checks_asked(harness: BotHarness) -> int | None:
    async with harness.bot.db.reading() as reader:
        asked: int | None = await reader.scalar(select(func.count(schema.rounds.c.check_kind)))
        return asked


async def _people_asked(harness: BotHarness) -> int | None:
    async with harness.bot.db.reading() as reader:
        asked: int | None = await reader.scalar(select(schema.rounds.c.asked))
        return asked
