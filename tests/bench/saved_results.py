"""Whether what was acknowledged is kept: every last answer, word for word, after the bot died."""

from collections.abc import Awaitable, Iterable, Mapping

from sqlalchemy import text

from bot.clock import monotonic
from bot.db.engine import Database
from bot.rounds.ballot_crypto import Ballot
from tests.bench.actions import comment_of, level_of
from tests.bench.admin_database import opened
from tests.bench.bench import Seen, Slack
from tests.bench.clients import Timed
from tests.bench.processes import Child
from tests.bench.world import Person, ballots_of

RECEIPT = "response_url"
RECEIPT_SECONDS = 30.0

#: What each engine must say on a connection made as the bot makes its own.
DURABLE: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2"},  # 2: FULL
    "postgresql": {"SHOW fsync": "on", "SHOW synchronous_commit": "on"},
}


class Incomplete(Exception):
    """Something was acknowledged that was not kept, or may not be."""


async def checked(running: Awaitable[Timed]) -> Timed:
    """Raises Incomplete if anything was answered but with 200."""
    timed = await running
    if timed.wrong:
        raise Incomplete(f"answered with {dict(timed.wrong)}")
    return timed


async def drained(slack: Slack, answers: int) -> float:
    """Wait until so many receipts arrived in all: work that nobody waits for, but ours.

    Returns when the last one did (monotonic). Raises Incomplete if one of them says that the
    answer was refused.
    """
    await slack.wait_for(RECEIPT, answers, RECEIPT_SECONDS, every=0.01)
    receipts = await slack.seen(RECEIPT)
    if many := _refusals(receipts):
        raise Incomplete(f"{many} of {answers} acknowledged were refused")
    return max((one.at for one in receipts), default=monotonic())


async def refused(slack: Slack) -> int:
    """Of the receipts since the sink was cleared, those that say that nothing was saved."""
    return _refusals(await slack.seen(RECEIPT))


def _refusals(receipts: Iterable[Seen]) -> int:
    return sum(one.which != "replaced" for one in receipts)


async def all_kept(
    child: Child, url: str, everyone: list[Person], acknowledged: Iterable[int]
) -> int:
    """Kill the bot and look for each person's last answer that it acknowledged.

    Returns of how many people there was one. Raises Incomplete.
    """
    child.kill()
    await durable(url)
    last = last_of(acknowledged, len(everyone))
    people = [one for place, one in enumerate(everyone) if place in last]
    async with opened(url) as db:
        kept = await ballots_of(db, people)
    expected = {one.number: last[place] for place, one in enumerate(everyone) if place in last}
    wrong = not_kept(expected, kept)
    if wrong:
        raise Incomplete(f"of {len(expected)} people's last answers {len(wrong)} are not kept")
    return len(expected)


def last_of(acknowledged: Iterable[int], people: int) -> dict[int, int]:
    """Each person's last answer, by their place in the turn."""
    return {number % people: number for number in sorted(acknowledged)}


def not_kept(expected: Mapping[int, int], kept: Mapping[int, Ballot | None]) -> list[int]:
    """Of whom another answer is kept than the one expected, or none."""
    return [who for who, number in expected.items() if not _is(kept.get(who), number)]


def _is(ballot: Ballot | None, number: int) -> bool:
    if ballot is None or ballot.comment != comment_of(number):
        return False
    return set(ballot.answers.values()) == {level_of(number)}


async def durable(url: str) -> None:
    """Raises Incomplete if what the bot commits might not outlive the machine."""
    db = Database(url)
    try:
        async with db.transaction() as tx:
            for asked, expected in DURABLE[db.engine.dialect.name].items():
                found = str((await tx.execute(text(asked))).scalar())
                if found != expected:
                    raise Incomplete(f"{asked} says {found}, not {expected}")
    finally:
        await db.close()
