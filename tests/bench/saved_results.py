"""Checks that acknowledged answers are saved after the bot was killed."""

from collections.abc import Awaitable, Iterable, Mapping

from sqlalchemy import text

from bot.clock import monotonic
from bot.db.engine import Database
from bot.rounds.ballot_crypto import Ballot
from tests.bench.actions import key_of, level_of
from tests.bench.admin_database import opened
from tests.bench.bench import SinkCall, Slack
from tests.bench.clients import LoadResult
from tests.bench.processes import Child
from tests.bench.world import Person, ballots_of
from tests.harness import KEY_RING

RECEIPT = "response_url"
RECEIPT_SECONDS = 30.0

#: Settings that make commits durable on a connection of the bot, by engine.
DURABLE: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2"},  # 2: FULL
    "postgresql": {"SHOW fsync": "on", "SHOW synchronous_commit": "on"},
}


class Incomplete(Exception):
    """Something that was acknowledged was not saved, or may be lost."""


async def check_all_ok(running: Awaitable[LoadResult]) -> LoadResult:
    """Raises Incomplete if any response was not 200."""
    timed = await running
    if timed.errors:
        raise Incomplete(f"answered with {dict(timed.errors)}")
    return timed


async def wait_for_receipts(slack: Slack, answers: int) -> float:
    """Wait for this number of receipts in total, which the bot sends after its responses.

    Returns when the last one arrived (monotonic). Raises Incomplete if one of them says that the
    answer was refused.
    """
    await slack.wait_for(RECEIPT, answers, RECEIPT_SECONDS, every=0.01)
    receipts = await slack.seen(RECEIPT)
    if many := _refusals(receipts):
        raise Incomplete(f"{many} of {answers} acknowledged were refused")
    return max((one.at for one in receipts), default=monotonic())


async def refused(slack: Slack) -> int:
    """The number of receipts, since the sink was cleared, that say that nothing was saved."""
    return _refusals(await slack.seen(RECEIPT))


def _refusals(receipts: Iterable[SinkCall]) -> int:
    return sum(one.which != "replaced" for one in receipts)


async def check_answers_saved(
    child: Child, url: str, everyone: list[Person], acknowledged: Iterable[int]
) -> int:
    """Kill the bot and check that the last acknowledged answer of each person is saved.

    Returns the number of people who answered. Raises Incomplete.
    """
    child.kill()
    await check_durability(url)
    last = last_answers(acknowledged, len(everyone))
    people = [one for place, one in enumerate(everyone) if place in last]
    async with opened(url) as db:
        kept = await ballots_of(db, people)
    expected = {one.number: last[place] for place, one in enumerate(everyone) if place in last}
    errors = missing_answers(expected, kept)
    if errors:
        raise Incomplete(f"of {len(expected)} people's last answers {len(errors)} are not saved")
    return len(expected)


def last_answers(acknowledged: Iterable[int], people: int) -> dict[int, int]:
    """The last answer of each person, by their index."""
    return {number % people: number for number in sorted(acknowledged)}


def missing_answers(expected: Mapping[int, int], kept: Mapping[int, Ballot | None]) -> list[int]:
    """The people whose expected answer is not saved."""
    return [who for who, number in expected.items() if not _is(kept.get(who), number)]


def _is(ballot: Ballot | None, number: int) -> bool:
    return ballot is not None and ballot.answers.get(key_of(number)) == level_of(number)


async def check_durability(url: str) -> None:
    """Raises Incomplete if commits of the bot are not durable."""
    db = Database(url, KEY_RING)
    try:
        async with db.transaction() as tx:
            for asked, expected in DURABLE[db.engine.dialect.name].items():
                found = str((await tx.execute(text(asked))).scalar())
                if found != expected:
                    raise Incomplete(f"{asked} says {found}, not {expected}")
    finally:
        await db.close()
