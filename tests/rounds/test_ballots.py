"""Ballots: data readable in the tables while a round is open, and data left after it."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.engine import make_url

from bot.checks.model import CHECK_KEY, CheckAnswer
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyMissing
from bot.round_keys import RoundKeys
from bot.rounds import ballots, secure_delete
from bot.rounds.ballot_crypto import Ballot
from bot.rounds.ballots import BallotChange
from tests.harness import BEN, CHIARA, DEV, EMI, FINN, GUSTAVO, KEYS, WORKSPACE, other_keys
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_phase, a_round

COMMENT = "Nobody told us what must not slip"
BALLOT = Ballot(answers={"clarity": 2, "trust": None, "ego": 5}, comment=COMMENT)


@pytest.fixture
async def ballot_db(db: Database) -> Database:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
        await ballots.create_secret(tx, KEYS, WORKSPACE, ROUND, NOW + timedelta(days=2))
    return db


async def cast(db: Database, user_id: str, ballot: Ballot = BALLOT, keys: RoundKeys = KEYS) -> None:
    async with db.transaction() as tx:
        secret = await ballots.secret_of(tx, WORKSPACE, ROUND)
        change = BallotChange(
            workspace_id=WORKSPACE,
            round_id=ROUND,
            user_id=user_id,
            secret=secret,
            apply=lambda _: ballot,
        )
        (stored,) = await ballots.change_all(tx, keys, [change])
    if isinstance(stored, Exception):
        raise stored


async def count_rows(db: Database) -> int:
    async with db.reading() as reader:
        counts = [
            await reader.scalar(select(func.count()).select_from(table)) for table in ballots.TABLES
        ]
    return sum(count or 0 for count in counts)


async def dump_tables(db: Database) -> str:
    """Return every value in the ballot tables, as seen by anyone with a copy of the database."""
    async with db.reading() as reader:
        rows = [row for table in ballots.TABLES for row in await reader.execute(select(table))]
    return repr(rows)


async def test_voter_can_read_back_only_their_own_ballot(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.reading() as reader:
        mine = await ballots.of_voter(reader, KEYS, WORKSPACE, ROUND, BEN)
        theirs = await ballots.of_voter(reader, KEYS, WORKSPACE, ROUND, CHIARA)

    assert mine == BALLOT
    assert theirs is None


async def test_stored_ballots_reveal_no_voter_answer_or_comment(ballot_db: Database) -> None:
    for user_id in (BEN, CHIARA):
        await cast(ballot_db, user_id)

    dump = await dump_tables(ballot_db)

    for secret in (BEN, CHIARA, COMMENT, "clarity", "answers"):
        assert secret not in dump
    assert "voter_token" not in schema.metadata.tables["round_secrets"].c


async def test_sealed_ballots_and_skips_are_distinct_and_of_equal_size(
    ballot_db: Database,
) -> None:
    await cast(ballot_db, BEN)
    await cast(ballot_db, CHIARA)
    await cast(ballot_db, DEV, Ballot())

    async with ballot_db.reading() as reader:
        sealed = list(await reader.scalars(text("SELECT sealed FROM ballots")))

    assert len(set(sealed)) == 3
    assert len({len(ballot) for ballot in sealed}) == 1


async def test_ballot_rows_hold_no_time_and_no_order(ballot_db: Database) -> None:
    names = set(schema.metadata.tables["ballots"].c.keys())

    assert names == {"workspace_id", "round_id", "voter_token", "sealed"}
    if ballot_db.is_sqlite:
        async with ballot_db.reading() as reader:
            with pytest.raises(Exception, match="rowid"):
                await reader.execute(text("SELECT rowid FROM ballots"))


async def test_later_ballot_replaces_the_earlier_one(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    await cast(ballot_db, BEN, Ballot(answers={"clarity": 4}))

    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert tally.counts == {"clarity": (0, 0, 0, 1, 0)}
    assert tally.comments == ()


async def test_counting_deletes_all_ballots_and_the_secret(ballot_db: Database) -> None:
    for user_id, level in ((BEN, 1), (CHIARA, 4), (DEV, 4), (EMI, None)):
        await cast(ballot_db, user_id, Ballot(answers={"clarity": level}, comment=user_id))
    await cast(ballot_db, FINN, Ballot())

    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert tally.counts == {"clarity": (1, 0, 0, 2, 0)}
    assert tally.ballots == 3
    assert sorted(tally.comments) == sorted([BEN, CHIARA, DEV, EMI])
    assert tally.unreadable == 0
    assert await count_rows(ballot_db) == 0


async def test_answers_to_the_check_are_counted_apart_and_make_no_ballot_count(
    ballot_db: Database,
) -> None:
    for user_id, level in ((BEN, 1), (CHIARA, 3), (DEV, 3), (EMI, None)):
        await cast(ballot_db, user_id, Ballot(answers={CHECK_KEY: level}))
    await cast(ballot_db, FINN, Ballot(answers={"clarity": 4}))
    await cast(ballot_db, GUSTAVO, Ballot(answers={"clarity": 4, CHECK_KEY: 2}))

    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    yes, partly, no = CheckAnswer.YES, CheckAnswer.PARTLY, CheckAnswer.NO
    assert tally.check == {yes: 1, partly: 1, no: 2}
    assert tally.counts == {"clarity": (0, 0, 0, 2, 0)}
    assert tally.ballots == 2
    assert await count_rows(ballot_db) == 0


async def test_closed_round_accepts_no_ballot(ballot_db: Database) -> None:
    async with ballot_db.transaction() as tx:
        await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    with pytest.raises(KeyMissing):
        await cast(ballot_db, BEN)


async def test_ballots_under_a_retired_key_count_as_unreadable_and_are_deleted(
    ballot_db: Database,
) -> None:
    await cast(ballot_db, BEN)
    other = other_keys()

    with pytest.raises(KeyMissing):
        await cast(ballot_db, BEN, keys=other)
    async with ballot_db.transaction() as tx:
        tally = await ballots.count_and_destroy(tx, other, WORKSPACE, ROUND)

    assert tally.unreadable == 1
    assert tally.counts == {}
    assert await count_rows(ballot_db) == 0


async def test_ballots_of_a_round_whose_secret_was_tampered_with_are_deleted_uncounted(
    ballot_db: Database,
) -> None:
    await cast(ballot_db, BEN)
    secrets = schema.metadata.tables["round_secrets"]

    async with ballot_db.transaction() as tx:
        await tx.execute(update(secrets).values(sealed=b"tampered with" * 9))
        assert not await ballots.is_key_missing(tx, KEYS, WORKSPACE, ROUND)
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert (tally.unreadable, tally.counts) == (1, {})
    assert await count_rows(ballot_db) == 0


async def test_ballot_moved_to_another_voter_token_is_not_counted(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    table = schema.metadata.tables["ballots"]

    async with ballot_db.transaction() as tx:
        await tx.execute(update(table).values(voter_token="0" * 64))
        tally = await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    assert (tally.unreadable, tally.counts) == (1, {})


async def test_secret_of_another_round_does_not_decrypt_a_ballot(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)
    secrets = schema.metadata.tables["round_secrets"]
    async with ballot_db.transaction() as tx:
        await a_round(tx, round_id="round2", number=2)
        row = (await tx.execute(select(secrets))).mappings().one()
        await tx.execute(insert(secrets).values({**row, "round_id": "round2"}))

        with pytest.raises(ValueError, match="another"):
            await ballots.of_voter(tx, KEYS, WORKSPACE, "round2", BEN)


async def test_ballots_are_not_reachable_from_another_workspace(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.transaction() as tx:
        with pytest.raises(KeyMissing):
            await ballots.of_voter(tx, KEYS, "T0OTHER", ROUND, BEN)
        tally = await ballots.count_and_destroy(tx, KEYS, "T0OTHER", ROUND)

    assert tally.ballots == 0
    assert await count_rows(ballot_db) == 2


async def test_deleting_a_phase_deletes_its_ballots(ballot_db: Database) -> None:
    await cast(ballot_db, BEN)

    async with ballot_db.transaction() as tx:
        await tx.execute(delete(schema.phases).where(schema.phases.c.phase_id == PHASE))

    assert await count_rows(ballot_db) == 0


async def test_vacuum_removes_deleted_ballots_from_the_database_files(ballot_db: Database) -> None:
    """SQLite's file and log are searched for the ballot; PostgreSQL must report an empty table."""
    await cast(ballot_db, BEN)
    async with ballot_db.reading() as reader:
        sealed = await reader.scalar(text("SELECT sealed FROM ballots"))
        voter_token = await reader.scalar(text("SELECT voter_token FROM ballots"))
    async with ballot_db.transaction() as tx:
        await ballots.count_and_destroy(tx, KEYS, WORKSPACE, ROUND)

    await secure_delete.vacuum(ballot_db)

    if ballot_db.is_sqlite:
        file = Path(make_url(str(ballot_db.engine.url)).database or "")
        found = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
        assert bytes(sealed)[:64] not in found
        assert voter_token.encode() not in found
        assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    else:
        async with ballot_db.transaction() as tx:
            await tx.execute(text("CREATE EXTENSION IF NOT EXISTS pageinspect"))
            size = await tx.scalar(text("SELECT pg_relation_size('ballots')"))
        assert size == 0  # VACUUM truncates an emptied table
