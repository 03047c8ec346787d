"""People who wait for the database: told the truth in time, and done together with others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest

from bot.db.db_errors import TooSlow
from bot.db.group_commit import MOST, GroupCommit
from bot.db.request_deadline import (
    MOST_TRIES,
    DeadlineExceeded,
    RequestAbandoned,
    RequestProgress,
    answered_within,
    committing,
    current,
    inside,
    on_behalf_of,
)
from tests.db.test_db_errors import of_server


@pytest.mark.parametrize(
    ("progress", "may"),
    [
        ({}, True),
        ({"tries": MOST_TRIES - 1}, True),
        ({"tries": MOST_TRIES}, False),  # none after the last
        ({"kept": True}, False),
        ({"given_up": True}, False),
    ],
)
def test_a_request_is_begun_three_times_unless_something_was_kept(
    progress: dict[str, Any], may: bool
) -> None:
    request = RequestProgress(**progress)
    tries = request.tries

    assert request.may_begin_again() is request.again is may
    assert request.tries == tries + may
    assert not current().may_begin_again()  # where no person waits
    assert MOST_TRIES == 3


@pytest.mark.parametrize(
    ("error", "before", "kept_after"),
    [
        (None, False, True),
        (of_server("40001"), False, False),
        (of_server("40001"), True, True),
        (of_server("57P01"), False, True),
        (OSError(), False, True),
    ],
)
def test_what_may_have_been_kept_is_known_of_everyone_it_was_for(
    error: Exception | None, before: bool, kept_after: bool
) -> None:
    one = RequestProgress(kept=before)
    progress = RequestProgress(kept=before, many=[one])
    with nullcontext() if error is None else pytest.raises(type(error)), committing(progress):
        assert progress.committing == one.committing == 1
        if error is not None:
            raise error

    assert (progress.kept, one.kept) == (kept_after, kept_after)
    assert progress.committing == one.committing == 0


def test_nothing_is_kept_for_who_was_told_that_nothing_was() -> None:
    gone = RequestProgress(given_up=True)
    with pytest.raises(asyncio.CancelledError), committing(gone):
        raise AssertionError
    with (
        pytest.raises(RequestAbandoned),
        committing(RequestProgress(many=[RequestProgress(), gone])),
    ):
        raise AssertionError

    assert not gone.kept


@pytest.mark.parametrize(
    ("where", "late", "unsure", "goes_on"),
    [
        ("inside", True, False, False),
        ("committing", True, True, True),
        ("elsewhere", False, False, True),
    ],
)
async def test_only_the_database_is_held_to_the_time(
    where: str, late: bool, unsure: bool, goes_on: bool
) -> None:
    ended = asyncio.Event()
    said: list[BaseException] = []
    progress = RequestProgress()

    async def work() -> str:
        nonlocal progress
        progress = current()
        try:
            if where == "elsewhere":
                await asyncio.sleep(0.05)
            else:
                with inside(said.append):
                    if where == "committing":
                        with committing(progress):
                            await asyncio.sleep(0.05)
                    else:
                        await asyncio.sleep(60)
        finally:
            ended.set()
        return "done"

    with pytest.raises(DeadlineExceeded) if late else nullcontext() as raised:
        assert await answered_within(0.01, work()) == "done"
    assert raised is None or raised.value.unsure is unsure
    await asyncio.wait_for(ended.wait(), 10)
    await asyncio.sleep(0)

    assert [str(one) for one in said] == ["a person waited 0.01 s in vain"] * late
    assert progress.given_up is not goes_on


class Worked:
    """Does what is handed in together, and remembers what shared a transaction."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.hold = asyncio.Event()
        self.errors: dict[str, Exception] = {}
        self.group_commit: GroupCommit[str, str] = GroupCommit(self.transaction, self.work)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        yield None

    async def work(self, _: Any, items: Sequence[str]) -> Sequence[str | Exception]:
        self.batches.append(list(items))
        if items == ["first"]:
            await self.hold.wait()
        for item in items:
            if item in self.errors:
                raise self.errors[item]
        return [item.upper() for item in items]

    async def hand_in(self, *items: str) -> list[Any]:
        """While the first is under way."""
        first = asyncio.create_task(self.group_commit.submit("first"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.create_task(self.group_commit.submit(item)) for item in items]
        await asyncio.sleep(0)
        self.hold.set()
        assert await first == "FIRST"
        return await asyncio.gather(*others, return_exceptions=True)


async def test_what_is_handed_in_meanwhile_is_done_together_in_its_order() -> None:
    worked = Worked()

    assert await worked.hand_in("c", "a", "b") == ["C", "A", "B"]
    assert worked.batches == [["first"], ["c", "a", "b"]]


async def test_so_many_share_one_transaction_at_most() -> None:
    worked = Worked()
    await worked.hand_in(*(str(number) for number in range(65)))

    assert [len(batch) for batch in worked.batches] == [1, 64, 1]
    assert MOST == 64


async def test_what_cannot_be_done_fails_alone_unless_it_is_the_databases_trouble() -> None:
    worked = Worked()
    worked.errors["bad"] = bad = KeyError("bad")
    assert await worked.hand_in("a", "bad", "b") == ["A", bad, "B"]
    assert worked.batches[1:] == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]

    worked = Worked()
    worked.errors["a"] = slow = TooSlow()
    assert await worked.hand_in("a", "b") == [slow, slow]
    assert worked.batches[1:] == [["a", "b"]]


async def test_nothing_is_done_for_who_waits_no_longer() -> None:
    worked = Worked()
    given_up = RequestProgress(given_up=True)

    async def leave() -> None:
        with on_behalf_of([]):
            current().given_up = given_up.given_up
            await worked.group_commit.submit("left")

    first = asyncio.create_task(worked.group_commit.submit("first"))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(leave())
    cancelled = asyncio.create_task(worked.group_commit.submit("cancelled"))
    stays = asyncio.create_task(worked.group_commit.submit("stays"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    worked.hold.set()
    assert (await first, await stays) == ("FIRST", "STAYS")
    leaving.cancel()
    await asyncio.gather(leaving, cancelled, return_exceptions=True)

    assert worked.batches == [["first"], ["stays"]]
