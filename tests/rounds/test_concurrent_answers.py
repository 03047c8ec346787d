"""Many answers in one transaction: nobody's spoils another's, and what is acknowledged is kept."""

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
from bot.db.group_commit import MOST
from bot.db.request_deadline import DeadlineExceeded, RequestProgress, answered_within, current
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.rounds import answering, ballots, questions, store
from bot.rounds.answer_form import AnswerInput
from bot.services import Services
from bot.slack.content import Content, content
from bot.slack.errors import Refused
from bot.slack.request import Request
from tests.harness import ANA, BEN, CHIARA, DEV, EMI, GUEST, MEMBERS, WORKSPACE
from tests.rounds.evidence import carry_out, delivered, said, the_round
from tests.rounds.round_rows import NOW, ROUND, a_person, a_phase, a_round
from tests.rounds.test_closing import CLOSES, at_the_close

KEYS = ("clarity", "trust", "ego")


@pytest.fixture
async def asked(db: Database, services: Services) -> Database:
    """An open round; everyone has their message in Slack."""
    async with db.transaction() as tx:
        for user_id in (ANA, *MEMBERS):
            await a_person(tx, user_id)
        await a_phase(tx)
        await a_round(tx, questions=store.as_json(questions.for_member(["Ana"])))
        await ballots.create_secret(tx, services.keys, WORKSPACE, ROUND)
        await schedule.add(tx, WORKSPACE, action="close_round", subject=ROUND, due_at=CLOSES)
        for user_id in MEMBERS:
            key = f"ask:{ROUND}:{user_id}"
            await enqueue.post(
                tx, WORKSPACE, key=MessageKey(key), to=user_id, content=content("?"), now=NOW
            )
    for user_id in MEMBERS:
        await delivered(db, f"ask:{ROUND}:{user_id}", (f"D0{user_id[2:]}", "1.1"))
    return db


def here(user_id: str, **changed: Any) -> Request:
    place = (f"D0{user_id[2:]}", "1.1")
    who = Request(workspace_id=WORKSPACE, user_id=user_id, target_id=ROUND, message=place)
    return replace(who, **changed)


def levels(level: int, comment: str = "") -> AnswerInput:
    return AnswerInput(answers=dict.fromkeys(KEYS, level), comment=comment)


async def at_once(*doing: Any) -> list[Any]:
    """All of it handed in before any of it is done."""
    return await asyncio.gather(*doing, return_exceptions=True)


async def given_by(services: Services, user_id: str) -> AnswerInput:
    return (await answering.to_change(services, here(user_id)))[1]


async def ballots_in(db: Database) -> int:
    async with db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(ballots.TABLES[0])) or 0


def heard(db: Database) -> list[str]:
    """What is sent to the database from now on."""
    sent: list[str] = []
    engine = db.engine.sync_engine

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", lambda _: sent.append("COMMIT"))
    return sent


async def test_what_comes_together_is_one_transaction(asked: Database, services: Services) -> None:
    sent = heard(asked)
    await answering.answer(services, here(BEN), levels(3))
    alone = len(sent)
    await at_once(*(answering.answer(services, here(one), levels(4)) for one in MEMBERS))

    assert len(sent) == 2 * alone
    assert sent.count("COMMIT") == 2
    assert alone == 3  # who may answer, with the key to it; the ballot; and COMMIT
    assert await ballots_in(asked) == len(MEMBERS)


async def test_a_refusal_spoils_nobody(asked: Database, services: Services) -> None:
    refused = {
        "not among": answering.answer(services, here(GUEST), levels(1)),
        "somebody else": answering.answer(
            services, here(CHIARA, message=("D0BEN", "1.1")), levels(1)
        ),
        "characters": answering.answer(services, here(DEV), levels(1, "x" * 1_001)),
        "are closed": answering.answer(services, here(EMI, target_id="nosuch"), levels(1)),
    }
    told = await at_once(*refused.values(), answering.answer(services, here(BEN), levels(4)))

    assert isinstance(told[-1], Content)
    for why, error in zip(refused, told, strict=False):
        assert isinstance(error, Refused)
        assert why in str(error)
    assert await ballots_in(asked) == 1


async def test_who_left_is_refused_beside_who_stayed(asked: Database, services: Services) -> None:
    people = schema.phase_people
    async with asked.transaction() as tx:
        await tx.execute(update(people).where(people.c.user_id == BEN).values(left_at=NOW))

    ben, chiara = await at_once(
        *(answering.answer(services, here(one), levels(4)) for one in (BEN, CHIARA))
    )

    assert isinstance(ben, Refused)
    assert isinstance(chiara, Content)


async def test_of_two_answers_the_last_handed_in_counts(
    asked: Database, services: Services
) -> None:
    await at_once(*(answering.answer(services, here(BEN), levels(one)) for one in (1, 5, 2)))

    assert await given_by(services, BEN) == levels(2)
    assert await ballots_in(asked) == 1


@pytest.mark.parametrize("skip_first", [True, False])
async def test_skip_takes_no_answer_back(
    asked: Database, services: Services, skip_first: bool
) -> None:
    both = [answering.answer(services, here(BEN), levels(4)), answering.skip(services, here(BEN))]
    await at_once(*(reversed(both) if skip_first else both))

    assert await given_by(services, BEN) == levels(4)


async def test_reminders_are_edited_where_there_are_any(
    asked: Database, services: Services
) -> None:
    async with asked.transaction() as tx:
        key = f"remind:{ROUND}:{BEN}"
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey(key), to=BEN, content=content("!"), now=NOW
        )
    await at_once(*(answering.answer(services, here(one), levels(4)) for one in (BEN, CHIARA)))

    edits = [key for key in await said(asked) if key.startswith("edit:")]
    assert edits == [f"edit:remind:{ROUND}:{BEN}"]


# --- what goes wrong ------------------------------------------------------------------------


async def _double_all(
    tx: AsyncConnection, told: Callable[[], object], items: Sequence[int]
) -> list[int | Exception]:
    """Something to be done together: each item a row, an odd one refused, 13 a mistake of ours."""
    told()
    if 13 in items:
        raise ZeroDivisionError
    for item in items:
        if item % 2 == 0:
            await schedule.add(tx, WORKSPACE, action="remind", subject=str(item), due_at=NOW)
    return [Refused("odd") if item % 2 else 2 * item for item in items]


def _nothing() -> None: ...


async def kept(db: Database) -> set[str]:
    async with db.reading() as reader:
        return set(await reader.scalars(select(schema.agenda.c.subject)))


async def test_what_cannot_be_done_fails_alone(db: Database) -> None:
    commits = db.group_commit(_double_all, _nothing)

    told = await at_once(*(commits.submit(item) for item in (2, 13, 3, 4)))

    assert [type(one) for one in told] == [int, ZeroDivisionError, Refused, int]
    assert await kept(db) == {"2", "4"}


async def test_no_transaction_is_too_large(db: Database) -> None:
    batches: list[int] = []
    commits = db.group_commit(_double_all, lambda: batches.append(1))

    await at_once(*(commits.submit(2 * item) for item in range(MOST + 1)))

    assert len(batches) == 2


async def test_who_goes_away_takes_nobody_along(db: Database) -> None:
    commits = db.group_commit(_double_all, lambda: going.cancel())
    going: asyncio.Future[int] = asyncio.ensure_future(commits.submit(2))
    stays = asyncio.ensure_future(commits.submit(4))

    told = await at_once(going, stays)

    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1] == 8
    assert "4" in await kept(db)
    assert await commits.submit(6) == 12


async def test_where_everybody_goes_away_nothing_is_kept(db: Database) -> None:
    commits = db.group_commit(_double_all, lambda: going.cancel())
    going: asyncio.Future[int] = asyncio.ensure_future(commits.submit(2))

    await at_once(going)
    await commits.ended()

    assert await kept(db) == set()
    assert await db.group_commit(_double_all, _nothing).submit(6) == 12


async def test_who_was_told_no_is_left_out(db: Database) -> None:
    """Given up between the work and the commit: the others' is kept, and theirs is not."""
    of: dict[int, RequestProgress] = {}

    def give_up() -> None:
        of[2].given_up = True
        going.cancel()

    async def request(item: int) -> int:
        of[item] = current()
        return await db.group_commit(_double_all, give_up).submit(item)

    going = asyncio.ensure_future(answered_within(5, request(2)))
    told = await at_once(going, answered_within(5, request(4)))

    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1] == 8
    assert await kept(db) == {"4"}


async def test_who_waits_in_vain_is_told_so(db: Database) -> None:
    """While another transaction is under way nothing of theirs is begun, and nothing is kept."""
    async with db.transaction() as tx:
        await schedule.add(tx, WORKSPACE, action="remind", subject="2", due_at=NOW)
        with pytest.raises(DeadlineExceeded) as late:
            await answered_within(0.2, db.group_commit(_double_all, _nothing).submit(2))
    assert not late.value.unsure


# --- while the round is closed --------------------------------------------------------------


async def test_no_answer_is_lost_or_counted_late(asked: Database, services: Services) -> None:
    """Many answers run into the closing, from two processes: counted is what was acknowledged."""
    other = Database(asked.engine.url.render_as_string(hide_password=False))
    acknowledged: set[str] = set()

    async def press(user_id: str, process: Services, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(Refused):
            await answering.answer(process, here(user_id), levels(4))
            acknowledged.add(user_id)

    async def close() -> None:
        await asyncio.sleep(0.03)
        await carry_out(at_the_close(services), "close_round")

    presses = [
        press(user_id, process, turn / 100)
        for turn, user_id in enumerate(MEMBERS)
        for process in (services, replace(services, db=other))
    ]
    await asyncio.gather(close(), *presses)
    await other.close()

    closed = await the_round(asked)
    assert closed.state == "closed"
    reached_minimum = len(acknowledged) >= closed.minimum
    assert (closed.reached_minimum, closed.answered) == (
        reached_minimum,
        len(acknowledged) if reached_minimum else None,
    )
    assert await ballots_in(asked) == 0
