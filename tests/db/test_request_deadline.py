"""Deadlines of requests that wait for the database, and group commits of their writes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest

from bot.db.db_errors import TransactionTimeout
from bot.db.group_commit import MAX_BATCH, GroupCommit
from bot.db.request_deadline import (
    MAX_TRIES,
    DeadlineExceeded,
    RequestAbandoned,
    RequestProgress,
    committing,
    current,
    in_database,
    run_with_deadline,
    serving_requests,
)
from tests.db.test_db_errors import server_error


@pytest.mark.parametrize(
    ("progress", "may"),
    [
        ({}, True),
        ({"tries": MAX_TRIES - 1}, True),
        ({"tries": MAX_TRIES}, False),  # no attempt left
        ({"may_be_committed": True}, False),
        ({"given_up": True}, False),
    ],
)
def test_request_may_begin_three_times_unless_something_may_be_committed(
    progress: dict[str, Any], may: bool
) -> None:
    request = RequestProgress(**progress)
    tries = request.tries

    assert request.may_begin_again() is request.retry_requested is may
    assert request.tries == tries + may
    assert not current().may_begin_again()  # outside a request
    assert MAX_TRIES == 3


@pytest.mark.parametrize(
    ("error", "before", "kept_after"),
    [
        (None, False, True),
        (server_error("40001"), False, False),
        (server_error("40001"), True, True),
        (server_error("57P01"), False, True),
        (OSError(), False, True),
    ],
)
def test_possible_commit_is_recorded_for_every_request_of_the_group(
    error: Exception | None, before: bool, kept_after: bool
) -> None:
    one = RequestProgress(may_be_committed=before)
    progress = RequestProgress(may_be_committed=before, grouped_requests=[one])
    with nullcontext() if error is None else pytest.raises(type(error)), committing(progress):
        assert progress.committing == one.committing == 1
        if error is not None:
            raise error

    assert (progress.may_be_committed, one.may_be_committed) == (kept_after, kept_after)
    assert progress.committing == one.committing == 0


def test_abandoned_request_commits_nothing() -> None:
    gone = RequestProgress(given_up=True)
    with pytest.raises(asyncio.CancelledError), committing(gone):
        raise AssertionError
    with (
        pytest.raises(RequestAbandoned),
        committing(RequestProgress(grouped_requests=[RequestProgress(), gone])),
    ):
        raise AssertionError

    assert not gone.may_be_committed


@pytest.mark.parametrize(
    ("where", "late", "unsure", "goes_on"),
    [
        ("inside", True, False, False),
        ("committing", True, True, True),
        ("elsewhere", False, False, True),
    ],
)
async def test_deadline_applies_only_to_database_work_and_never_stops_a_commit(
    where: str, late: bool, unsure: bool, goes_on: bool
) -> None:
    ended = asyncio.Event()
    reported: list[BaseException] = []
    progress = RequestProgress()

    async def work() -> str:
        nonlocal progress
        progress = current()
        try:
            if where == "elsewhere":
                await asyncio.sleep(0.05)
            else:
                with in_database(reported.append):
                    if where == "committing":
                        with committing(progress):
                            await asyncio.sleep(0.05)
                    else:
                        await asyncio.sleep(60)
        finally:
            ended.set()
        return "done"

    with pytest.raises(DeadlineExceeded) if late else nullcontext() as raised:
        assert await run_with_deadline(0.01, work()) == "done"
    assert raised is None or raised.value.unsure is unsure
    await asyncio.wait_for(ended.wait(), 10)
    await asyncio.sleep(0)

    assert [str(one) for one in reported] == ["a request exceeded its deadline of 0.01 s"] * late
    assert progress.given_up is not goes_on


class RecordingGroupCommit:
    """A group commit that records which items shared a transaction."""

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

    async def submit_while_busy(self, *items: str) -> list[Any]:
        """Submit these items while the first one is in progress."""
        first = asyncio.create_task(self.group_commit.submit("first"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.create_task(self.group_commit.submit(item)) for item in items]
        await asyncio.sleep(0)
        self.hold.set()
        assert await first == "FIRST"
        return await asyncio.gather(*others, return_exceptions=True)


async def test_items_submitted_during_a_commit_share_the_next_one_in_order() -> None:
    recorder = RecordingGroupCommit()

    assert await recorder.submit_while_busy("c", "a", "b") == ["C", "A", "B"]
    assert recorder.batches == [["first"], ["c", "a", "b"]]


async def test_at_most_64_items_share_one_transaction() -> None:
    recorder = RecordingGroupCommit()
    await recorder.submit_while_busy(*(str(number) for number in range(65)))

    assert [len(batch) for batch in recorder.batches] == [1, 64, 1]
    assert MAX_BATCH == 64


async def test_item_error_fails_alone_but_a_database_error_fails_the_batch() -> None:
    recorder = RecordingGroupCommit()
    recorder.errors["bad"] = bad = KeyError("bad")
    assert await recorder.submit_while_busy("a", "bad", "b") == ["A", bad, "B"]
    assert recorder.batches[1:] == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]

    recorder = RecordingGroupCommit()
    recorder.errors["a"] = slow = TransactionTimeout()
    assert await recorder.submit_while_busy("a", "b") == [slow, slow]
    assert recorder.batches[1:] == [["a", "b"]]


async def test_abandoned_and_cancelled_items_are_skipped() -> None:
    recorder = RecordingGroupCommit()
    given_up = RequestProgress(given_up=True)

    async def leave() -> None:
        with serving_requests([]):
            current().given_up = given_up.given_up
            await recorder.group_commit.submit("left")

    first = asyncio.create_task(recorder.group_commit.submit("first"))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(leave())
    cancelled = asyncio.create_task(recorder.group_commit.submit("cancelled"))
    stays = asyncio.create_task(recorder.group_commit.submit("stays"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    recorder.hold.set()
    assert (await first, await stays) == ("FIRST", "STAYS")
    leaving.cancel()
    await asyncio.gather(leaving, cancelled, return_exceptions=True)

    assert recorder.batches == [["first"], ["stays"]]
