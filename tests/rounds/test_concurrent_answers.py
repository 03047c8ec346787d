"""Group commit of answers: no submission breaks another, and acknowledged ones are stored."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.db import schema
from bot.db.engine import Database
from bot.db.group_commit import MAX_BATCH
from bot.db.request_deadline import DeadlineExceeded, RequestProgress, current, run_with_deadline
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_changes import AnswerInput, Tap
from bot.services import Services
from bot.slack.content import Content, content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, GUEST, KEY_RING, MEMBERS, WORKSPACE
from tests.rounds.answers import answer, skip
from tests.rounds.evidence import carry_out, delivered, said, the_round
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round
from tests.rounds.test_closing import CLOSES, at_closing_time

KEYS = ("clarity", "trust", "ego")


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """An open round whose questions were delivered to every member."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.about_leads(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND, CLOSES)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
        for user_id in MEMBERS:
            key = f"ask:{ROUND}:{user_id}"
            await enqueue.post(
                tx, WORKSPACE, key=MessageKey(key), to=user_id, content=content("?"), now=NOW
            )
    for user_id in MEMBERS:
        await delivered(db, f"ask:{ROUND}:{user_id}", (f"D0{user_id[2:]}", "1.1"))
    return db


def by(user_id: str, **changed: Any) -> Request:
    """Return a request from the person's own message."""
    place = (f"D0{user_id[2:]}", "1.1")
    request = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=ROUND, message=place)
    return replace(request, **changed)


def same_level(level: int, comment: str = "") -> AnswerInput:
    """Return answers that give every question this level."""
    return AnswerInput(answers=dict.fromkeys(KEYS, level), comment=comment)


async def run_together(*awaitables: Any) -> list[Any]:
    """Run these concurrently; return their results and exceptions."""
    return await asyncio.gather(*awaitables, return_exceptions=True)


async def stored_answers(services: Services, user_id: str) -> AnswerInput:
    return (await answering.questionnaire_to_change(services, by(user_id)))[1]


async def count_ballots(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


def record_statements(db: Database) -> list[str]:
    """Return a list that receives every statement sent to the database from now on."""
    sent: list[str] = []
    engine = db.engine.sync_engine

    def record(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    event.listen(engine, "commit", lambda _: sent.append("COMMIT"))
    return sent


async def test_simultaneous_answers_share_one_transaction(
    asked: Database, services: Services
) -> None:
    sent = record_statements(asked)
    await answer(services, by(BEN), same_level(3))
    alone = len(sent)
    await run_together(*(answer(services, by(user_id), same_level(4)) for user_id in MEMBERS))

    assert len(sent) == 2 * alone
    assert sent.count("COMMIT") == 2
    # authorization with the secret, the ballot read and written, the edits, COMMIT
    assert alone == (5 if asked.is_sqlite else 6)  # and the lock on the roster
    assert await count_ballots(asked) == len(MEMBERS)


async def test_refused_answers_do_not_affect_others_in_the_batch(
    asked: Database, services: Services
) -> None:
    refused = {
        "weren't asked": answer(services, by(GUEST), same_level(1)),
        "somebody else": answer(services, by(CHIARA, message=("D0BEN", "1.1")), same_level(1)),
        "characters": answer(services, by(DEV), same_level(1, "x" * 1_001)),
        "are closed": answer(services, by(EMI, target_id="nosuch"), same_level(1)),
    }
    results = await run_together(*refused.values(), answer(services, by(BEN), same_level(4)))

    assert isinstance(results[-1], Content)
    for reason, error in zip(refused, results, strict=False):
        assert isinstance(error, Refused)
        assert reason in str(error)
    assert await count_ballots(asked) == 1


async def test_departed_member_is_refused_without_affecting_others(
    asked: Database, services: Services
) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))

    ben, chiara = await run_together(
        *(answer(services, by(user_id), same_level(4)) for user_id in (BEN, CHIARA))
    )

    assert isinstance(ben, Refused)
    assert isinstance(chiara, Content)


async def test_last_submitted_answer_of_a_person_wins(asked: Database, services: Services) -> None:
    await run_together(*(answer(services, by(BEN), same_level(level)) for level in (1, 5, 2)))

    assert await stored_answers(services, BEN) == same_level(2)
    assert await count_ballots(asked) == 1


@pytest.mark.parametrize("skip_first", [True, False])
async def test_simultaneous_skip_keeps_the_answer(
    asked: Database, services: Services, skip_first: bool
) -> None:
    both = [answer(services, by(BEN), same_level(4)), skip(services, by(BEN))]
    await run_together(*(reversed(both) if skip_first else both))

    assert (await stored_answers(services, BEN)).answers == same_level(4).answers


async def test_simultaneous_taps_on_two_replicas_make_one_ballot(
    asked: Database, services: Services
) -> None:
    other = Database(asked.engine.url.render_as_string(hide_password=False), KEY_RING)
    async with other.reading() as reader:  # so that both are connected
        await reader.execute(select(1))
    processes = {"clarity": services, "trust": replace(services, db=other), "ego": services}
    for level in (2, 3, 4, 5):
        await asyncio.gather(
            *(
                answering.change(process, by(user_id), Tap(key=key, level=level))
                for user_id in MEMBERS
                for key, process in processes.items()
            )
        )
        for user_id in MEMBERS:
            stored = await stored_answers(services, user_id)
            assert stored.answers == dict.fromkeys(KEYS, level)
    await other.close()
    assert await count_ballots(asked) == len(MEMBERS)


async def test_only_existing_messages_are_edited(asked: Database, services: Services) -> None:
    async with asked.transaction() as tx:
        key = f"remind:{ROUND}:{BEN}"
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey(key), to=BEN, content=content("!"), now=NOW
        )
    await run_together(*(answer(services, by(user_id), same_level(4)) for user_id in (BEN, CHIARA)))

    edits = [key for key in await said(asked) if key.startswith("edit:")]
    assert sorted(edits) == [
        f"edit:ask:{ROUND}:{BEN}",
        f"edit:ask:{ROUND}:{CHIARA}",
        f"edit:remind:{ROUND}:{BEN}",
    ]


# --- failures -------------------------------------------------------------------------------


async def _double_all(
    tx: AsyncConnection, on_batch: Callable[[], object], items: Sequence[int]
) -> list[int | Exception]:
    """Store even items as agenda rows and refuse odd ones; 13 makes the whole batch fail."""
    on_batch()
    if 13 in items:
        raise ZeroDivisionError
    for item in items:
        if item % 2 == 0:
            await schedule.add(tx, WORKSPACE, action="remind", subject=str(item), due_at=NOW)
    return [Refused("odd") if item % 2 else 2 * item for item in items]


def _do_nothing() -> None: ...


async def stored_items(db: Database) -> set[str]:
    async with db.reading() as reader:
        return set(await reader.scalars(select(schema.agenda.c.subject)))


async def test_failing_item_does_not_fail_the_rest_of_its_batch(db: Database) -> None:
    commits = db.group_commit(_double_all, _do_nothing)

    results = await run_together(*(commits.submit(item) for item in (2, 13, 3, 4)))

    assert [type(result) for result in results] == [int, ZeroDivisionError, Refused, int]
    assert await stored_items(db) == {"2", "4"}


async def test_batch_size_is_limited(db: Database) -> None:
    batches: list[int] = []
    commits = db.group_commit(_double_all, lambda: batches.append(1))

    await run_together(*(commits.submit(2 * item) for item in range(MAX_BATCH + 1)))

    assert len(batches) == 2


async def test_cancelled_request_does_not_affect_the_rest_of_its_batch(db: Database) -> None:
    commits = db.group_commit(_double_all, lambda: cancelled.cancel())  # noqa: PLW0108
    cancelled: asyncio.Future[int] = asyncio.ensure_future(commits.submit(2))
    other = asyncio.ensure_future(commits.submit(4))

    results = await run_together(cancelled, other)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == 8
    assert "4" in await stored_items(db)
    assert await commits.submit(6) == 12


async def test_batch_with_all_requests_cancelled_stores_nothing(db: Database) -> None:
    commits = db.group_commit(_double_all, lambda: cancelled.cancel())  # noqa: PLW0108
    cancelled: asyncio.Future[int] = asyncio.ensure_future(commits.submit(2))

    await run_together(cancelled)
    await commits.wait_until_idle()

    assert await stored_items(db) == set()
    assert await db.group_commit(_double_all, _do_nothing).submit(6) == 12


async def test_request_given_up_before_the_commit_is_not_stored(db: Database) -> None:
    """A request given up between the work and the commit is left out; the other is stored."""
    progress: dict[int, RequestProgress] = {}

    def give_up() -> None:
        progress[2].given_up = True
        cancelled.cancel()

    async def request(item: int) -> int:
        progress[item] = current()
        return await db.group_commit(_double_all, give_up).submit(item)

    cancelled = asyncio.ensure_future(run_with_deadline(5, request(2)))
    results = await run_together(cancelled, run_with_deadline(5, request(4)))

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == 8
    assert await stored_items(db) == {"4"}


async def test_request_that_times_out_waiting_reports_nothing_stored(db: Database) -> None:
    """The request waits behind another transaction, so none of its work has begun."""
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="2", due_at=NOW)
        with pytest.raises(DeadlineExceeded) as error:
            await run_with_deadline(0.2, db.group_commit(_double_all, _do_nothing).submit(2))
    assert not error.value.unsure


# --- racing the close -----------------------------------------------------------------------


async def test_counted_answers_equal_acknowledged_ones_when_racing_the_close(
    asked: Database, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers from two processes race the close; exactly the acknowledged ones are counted."""
    other = Database(asked.engine.url.render_as_string(hide_password=False), KEY_RING)
    acknowledged: set[str] = set()

    async def send(user_id: str, process: Services, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(Refused):
            await answer(process, by(user_id), same_level(4))
            acknowledged.add(user_id)

    counted = []
    count_and_destroy = ballots.count_and_destroy

    async def count(*of_round: Any) -> ballots.Tally:
        tally = await count_and_destroy(*of_round)
        counted.append(tally.ballots)
        return tally

    monkeypatch.setattr(ballots, "count_and_destroy", count)

    async def close() -> None:
        await asyncio.sleep(0.03)
        await carry_out(at_closing_time(services), "close_round")

    sends = [
        send(user_id, process, turn / 100)
        for turn, user_id in enumerate(MEMBERS)
        for process in (services, replace(services, db=other))
    ]
    await asyncio.gather(close(), *sends)
    await other.close()

    closed = await the_round(asked)
    assert closed.state == "closed"
    reached_minimum = len(acknowledged) >= closed.minimum
    assert closed.reached_minimum is reached_minimum
    assert counted == [len(acknowledged)]
    assert await count_ballots(asked) == 0
