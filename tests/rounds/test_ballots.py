"""Ballots: what can be read in the tables while a round is open, and what is left after it."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.engine import make_url

from bot.clock import random_bytes
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyMissing, KeyRing
from bot.rounds import ballots, secure_delete
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import Cast
from tests.harness import BEN, CHIARA, DEV, EMI, FINN, WORKSPACE
from tests.rounds.round_rows import PHASE, ROUND, a_phase, a_round

COMMENT = "Nobody told us what must not slip"
KEYS = KeyRing([bytes(range(32))])
SAID = Ballot(answers={"clarity": 2, "trust": None, "ego": 5}, comment=COMMENT)


@pytest.fixture
async def ballot_db(db: Database) -> Database:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, KEYS, WORKSPACE, ROUND)
    return db


async def cast(db: Database, user_id: str, ballot: Ballot = SAID, keys: KeyRing = KEYS) -> None:
    async with db.transaction() as tx:
        secret = await ballots.secret_of(tx, WORKSPACE, ROUND)
        one = Cast(
            workspace_id=WORKSPACE, round_id=ROUND, user_id=user_id, secret=secret, ballot=ballot
        )
        (wrong,) = await ballots.cast_all(tx, keys, [one])
    if wrong is not None:
        raise wrong


async def rows_left(db: Database) -> int:
    async with db.reading() as reader:
        counts = [
            await reader.scalar(select(func.count()).select_from(table)) for table in ballots.TABLES
        ]
    return sum(count or 0 for count in counts)


async def everything_in(db: Database) -> str:
    """Every value of the ballots' tables, as somebody with a copy of the database sees them."""
    async with db.reading() as reader:
        rows = [row for table in ballots.TABLES for row in await reader.execute(select(table))]
    return repr(rows)


async def test_what_was_said_can_be_read_again_by_who_said_it(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.reading() as reader:
        mine = await ballots.of_voter(reader, KEYS, WORKSPACE, ROUND, BEN)
        theirs = await ballots.of_voter(reader, KEYS, WORKSPACE, ROUND, CHIARA)

    assert mine == SAID
    assert theirs is None


async def test_nothing_readable_is_stored(ballot_db: Database) -> None:
    for user_id in (BEN, CHIARA):
        await cast(ballot_db, user_id)

    seen = await everything_in(ballot_db)

    for secret in (BEN, CHIARA, COMMENT, "clarity", "answers"):
        assert secret not in seen
    assert "voter_token" not in schema.metadata.tables["round_secrets"].c


async def test_same_answers_look_different_and_an_answer_looks_like_a_skip(
    ballot_db: Database,
) -> None:
    await cast(ballot_db, BEN)
    await cast(ballot_db, CHIARA)
    await cast(ballot_db, DEV, Ballot())

    async with ballot_db.reading() as reader:
        sealed = list(await reader.scalars(text("SELECT sealed FROM ballots")))

    assert len(set(sealed)) == 3
    assert len({len(one) for one in sealed}) == 1


async def test_rows_hold_no_time_and_no_order(ballot_db: Database) -> None:
    names = set(schema.metadata.tables["ballots"].c.keys())

    assert names == {"workspace_id", "round_id", "voter_token", "sealed"}
    if ballot_db.is_sqlite:
        async with ballot_db.reading() as reader:
            with pytest.raises(Exception, match="rowid"):
                await reader.execute(text("SELECT rowid FROM ballots"))


async def test_a_later_answer_replaces_the_earlier_one(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    await cast(ballot_db, BEN, Ballot(answers={"clarity": 4}))

    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert tally.counts == {"clarity": (0, 0, 0, 1, 0)}
    assert tally.comments == ()


async def test_counting_leaves_no_ballot_and_no_secret(ballot_db: Database) -> None:
    for user_id, level in ((BEN, 1), (CHIARA, 4), (DEV, 4), (EMI, None)):
        await cast(ballot_db, user_id, Ballot(answers={"clarity": level}, comment=user_id))
    await cast(ballot_db, FINN, Ballot())

    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert tally.counts == {"clarity": (1, 0, 0, 2, 0)}
    assert tally.ballots == 3
    assert sorted(tally.comments) == sorted([BEN, CHIARA, DEV, EMI])
    assert tally.unreadable == 0
    assert await rows_left(ballot_db) == 0


async def test_a_closed_round_takes_no_ballot(ballot_db: Database) -> None:
    async with ballot_db.transaction() as tx:
        await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    with pytest.raises(KeyMissing):
        await cast(ballot_db, BEN)


async def test_a_retired_key_loses_the_ballots_and_says_so(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    other = KeyRing([random_bytes(32)])

    with pytest.raises(KeyMissing):
        await cast(ballot_db, BEN, keys=other)
    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, other, WORKSPACE, ROUND)

    assert tally.unreadable == 1
    assert tally.counts == {}
    assert await rows_left(ballot_db) == 0


async def test_a_ballot_moved_to_another_person_counts_for_nobody(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    table = schema.metadata.tables["ballots"]

    async with ballot_db.transaction() as tx:
        await tx.execute(update(table).values(voter_token="0" * 64))
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert (tally.unreadable, tally.counts) == (1, {})


async def test_a_secret_of_another_round_opens_nothing(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    secrets = schema.metadata.tables["round_secrets"]
    async with ballot_db.transaction() as tx:
        await a_round(tx, round_id="round2", number=2)
        row = (await tx.execute(select(secrets))).mappings().one()
        await tx.execute(insert(secrets).values({**row, "round_id": "round2"}))

        with pytest.raises(ValueError, match="another"):
            await ballots.of_voter(tx, KEYS, WORKSPACE, "round2", BEN)


async def test_two_workspaces_never_meet(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.transaction() as tx:
        with pytest.raises(KeyMissing):
            await ballots.of_voter(tx, KEYS, "T0OTHER", ROUND, BEN)
        tally = await ballots.count_and_destroy(tx, KEYS, "T0OTHER", ROUND)

    assert tally.ballots == 0
    assert await rows_left(ballot_db) == 2


async def test_deleting_a_phase_deletes_its_ballots(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.transaction() as tx:
        await tx.execute(delete(schema.phases).where(schema.phases.c.phase_id == PHASE))

    assert await rows_left(ballot_db) == 0


async def test_scrubbing_takes_it_out_of_the_files(ballot_db: Database) -> None:
    """On SQLite the file and its log are searched; PostgreSQL is asked for dead rows."""
    await cast(ballot_db, BEN)
    async with ballot_db.reading() as reader:
        sealed = await reader.scalar(text("SELECT sealed FROM ballots"))
        voter_token = await reader.scalar(text("SELECT voter_token FROM ballots"))
    async with ballot_db.transaction() as tx:
        await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    await secure_delete.vacuum(ballot_db)

    if ballot_db.is_sqlite:
        file = Path(make_url(str(ballot_db.engine.url)).database or "")
        found = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
        assert bytes(sealed)[:64] not in found
        assert voter_token.encode() not in found
        assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    else:
        async with ballot_db.transaction() as tx:
            await tx.execute(text("CREATE EXTENSION IF NOT EXISTS pageinspect"))
            page = await tx.scalar(text("SELECT pg_relation_size('ballots')"))
        assert page == 0  # an emptied table gives its pages back
