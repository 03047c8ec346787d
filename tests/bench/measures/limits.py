"""Fan-out under Slack's limits: as fast as they allow, without further refusals."""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import ClientSession

from bot.clock import monotonic, real_now
from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.playground.fake_slack.rate_limits import POSTS_PER_MINUTE
from tests.bench.admin_database import opened
from tests.bench.bench import CALL_SECONDS, POST, Bench
from tests.bench.fake_slack import person
from tests.bench.processes import free_port
from tests.bench.table import GOALS, Row
from tests.bench.world import direct_messages, insert_all
from tests.harness import WORKSPACE

LIMITED = "ratelimited"
LOOK_SECONDS, LIMITS_SETTLE_SECONDS = 1.0, 3.0


async def under_limits(bench: Bench) -> list[Row]:
    count, minute = bench.size(1_000, 440), bench.size(60, 30)
    least = least_seconds(count, minute)
    port, control = free_port(), free_port()
    app = free_port()
    app_url = f"http://127.0.0.1:{app}/slack/events"
    arguments = ["tests.bench.fake_slack", str(port), str(control), app_url, str(count)]
    with bench.child([*arguments, str(CALL_SECONDS), str(minute)], control) as slack:
        await slack.ready()
        async with bench.database("sqlite") as url:
            api = f"http://127.0.0.1:{port}/api/"
            ours = ("tests.bench.bot_process", f"minute={minute}")
            with bench.bot(api, url, *ours, port=app) as child:
                await child.ready()
                began = await _write(bench, url, count)
                child.send_line("wake")
                calls = await _wait_for_calls(control, count, least * 3 + 30)
    return rows(count, minute, began, calls)


def least_seconds(count: int, minute: float) -> float:
    """The minimum time of these posts, if all posts of a window may come at once."""
    return (count - 1) // POSTS_PER_MINUTE * minute + CALL_SECONDS


def rows(count: int, minute: float, began: float, calls: list[dict[str, Any]]) -> list[Row]:
    """Two rows. `minute` is the window of the limits; a 429 to any method counts."""
    least = least_seconds(count, minute)
    done = _taken(calls)
    people = Counter(one["to"] for one in done)
    refused = [one["at"] - began for one in calls if one["error"] == LIMITED]
    late = sum(after > minute for after in refused)
    lost, duplicates = count - len(people), sum(times > 1 for times in people.values())
    took = max(one["at"] for one in done) + CALL_SECONDS - began
    samples = {"sent_at": [one["at"] - began for one in done], "refused_at": refused}
    pace = Row(
        name=f"fan-out under limits, {count} DMs",
        goal=GOALS["limits"],
        value=took / least,
        unit="x",
        shown=f"{took:.1f} s; {POSTS_PER_MINUTE} in any {minute:.0f} s allow {least:.1f} s",
        limit="Slack's limit itself; what is kept back for channels, and some two seconds a "
        "window: half of one for safety, one between looks, and what the minute's first messages "
        "took (estimated: nearly all is waiting)",
        next_step="none: 20 posts a minute are kept back for channels on purpose",
        samples=samples,
    )
    exact = Row(
        name="fan-out under limits, exactness",
        goal=GOALS["limits lost"],
        value=lost + duplicates + late,
        unit="",
        shown=f"{lost} lost, {duplicates} duplicated, {late} answered with 429 after minute 1 "
        f"({len(refused) - late} in it)",
        limit="none, it is a count",
        next_step="none",
    )
    return [pace, exact]


async def _write(bench: Bench, url: str, count: int) -> float:
    """Queue the messages. Returns the start in Unix seconds."""
    began = real_now().timestamp()
    to = (person(number) for number in range(count))
    async with opened(url) as db, db.transaction() as tx:
        await insert_if_new(tx, schema.sender_leases, workspace_id=WORKSPACE)
        messages = direct_messages(to, bench.business_time, "limits", WORKSPACE)
        await insert_all(tx, schema.messages, messages)
    return began


async def _wait_for_calls(control: int, count: int, seconds: float) -> list[dict[str, Any]]:
    """All calls, a while after this number of posts was accepted or the time is over."""
    until = monotonic() + seconds
    async with ClientSession() as session:

        async def look() -> list[dict[str, Any]]:
            async with session.get(f"http://127.0.0.1:{control}/_calls") as answer:
                return list(await answer.json())

        while (  # noqa: ASYNC110 (in another process)
            monotonic() < until and len(_taken(await look())) < count
        ):
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(LIMITS_SETTLE_SECONDS)  # refused posts have come again by then
        return await look()


def _taken(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in calls if one["method"] == POST and not one["error"]]
