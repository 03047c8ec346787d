"""What people typed cannot be read from a dump, and each value only in its own column."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Table, select, text, update
from sqlalchemy.exc import StatementError

from bot.db import schema
from bot.db.encrypted_columns import EncryptedJson, EncryptedText
from bot.db.engine import Database
from bot.keys import KeyMissing, KeyRing
from bot.operations.database_command import KEY_MISSING
from bot.operations.rotate_keys_command import rotate
from bot.outbox.sealed_content import unseal_payload
from bot.round_keys import RoundKeys
from bot.settings import encode_key
from bot.slack.app import TEXT_UNREADABLE_TEXT
from bot.workspaces.store import add_audit_entry
from tests.harness import ANA, KEY, KEY_RING, LAUNCH, WORKSPACE, BotHarness
from tests.operations.stuck_messages import SECRET_TEXT, add_message, command
from tests.rounds.round_rows import NOW
from tests.scenarios.lead import SPRINT, Lead
from tests.two_workspaces import BOTH, TwoWorkspaces

NEW = b"n" * 32
TYPED = "Nobody else reads this."


def encrypted_columns() -> Iterator[tuple[Table, Column[Any]]]:
    for table in schema.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, EncryptedText | EncryptedJson):
                yield table, column


async def dump(db: Database) -> str:
    """Return every row of every table, as it is stored."""
    async with db.reading() as reader:
        rows = [
            row
            for table in schema.metadata.sorted_tables
            for row in await reader.execute(text(f'SELECT * FROM "{table.name}"'))
        ]
    return repr(rows)


async def fill_every_column(db: Database, two_workspaces: TwoWorkspaces) -> None:
    """Write the same words into every encrypted column of two workspaces."""
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
    async with db.transaction() as tx:
        for table, column in encrypted_columns():
            typed: Any = {"words": TYPED} if isinstance(column.type, EncryptedJson) else TYPED
            for workspace_id in BOTH:
                its = table.c.workspace_id == workspace_id
                await tx.execute(update(table).where(its).values({column: typed}))


async def values(db: Database) -> list[Any]:
    """Return every value of the encrypted columns."""
    async with db.reading() as reader:
        return [
            value
            for _, column in encrypted_columns()
            for value in await reader.scalars(select(column))
        ]


def opened(value: Any, keys: KeyRing) -> str:
    is_message = isinstance(value, dict)
    payload = unseal_payload(RoundKeys(None, keys), WORKSPACE, value) if is_message else value
    return str(payload["words"] if is_message else payload)


def test_every_encrypted_column_names_itself() -> None:
    for table, column in encrypted_columns():
        assert isinstance(column.type, EncryptedText | EncryptedJson)
        assert column.type.place == f"{table.name}.{column.name}"


async def test_dump_has_none_of_what_was_written(
    db: Database, two_workspaces: TwoWorkspaces
) -> None:
    await fill_every_column(db, two_workspaces)

    assert TYPED not in await dump(db)
    read = await values(db)
    assert {opened(value, KEY_RING) for value in read} == {TYPED}
    assert len(read) > len(list(encrypted_columns()))


async def test_dump_has_none_of_what_a_lead_typed(harness: BotHarness) -> None:
    await Lead(harness).starts()

    stored = await dump(harness.bot.db)

    sentences = [sentence for name, sentence in SPRINT.items() if "owner" not in name]
    assert [sentence for sentence in sentences if sentence in stored] == []
    shown = str([call.args for call in harness.slack.calls])
    assert [sentence for sentence in sentences if sentence not in shown] == []


async def test_rotated_texts_need_the_new_key_alone(
    db: Database, database_url: str, two_workspaces: TwoWorkspaces
) -> None:
    await fill_every_column(db, two_workspaces)
    count = len(await values(db))

    rotation = await rotate(db, KeyRing([NEW, KEY]))

    assert rotation.left == {}
    assert rotation.rotated["text"] + rotation.rotated["message"] == count
    with_new_key = Database(database_url, KeyRing([NEW]))
    read = await values(with_new_key)
    await with_new_key.close()
    assert [opened(value, KeyRing([NEW])) for value in read] == [TYPED] * count


async def test_value_of_another_column_is_refused(
    db: Database, two_workspaces: TwoWorkspaces
) -> None:
    await fill_every_column(db, two_workspaces)
    async with db.transaction() as tx:
        await tx.execute(text("UPDATE promises SET text = heard"))

    async with db.reading() as reader:
        with pytest.raises(ValueError, match="another place"):
            (await reader.scalars(select(schema.promises.c.text))).all()


async def test_nothing_is_read_or_written_without_keys(
    db: Database, database_url: str, two_workspaces: TwoWorkspaces
) -> None:
    await fill_every_column(db, two_workspaces)
    without_keys = Database(database_url)

    async with without_keys.reading() as reader:
        with pytest.raises(KeyMissing):
            (await reader.scalars(select(schema.phases.c.milestone))).all()
    async with without_keys.transaction() as tx:
        phases = schema.phases
        its = phases.c.workspace_id == WORKSPACE
        with pytest.raises(StatementError, match="KeyMissing"):
            await tx.execute(update(phases).where(its).values(milestone=TYPED))
    await without_keys.close()


async def test_message_that_no_key_opens_is_left_to_delivery(
    db: Database, database_url: str
) -> None:
    message_id = await add_message(db, now=NOW)
    other = Database(database_url, KeyRing([NEW]))
    payload = schema.messages.c.payload

    async with other.reading() as reader:
        sealed = await reader.scalar(select(payload))
    async with other.transaction() as tx:
        one = schema.messages.c.message_id == message_id
        workspace = schema.messages.c.workspace_id == WORKSPACE
        await tx.execute(update(schema.messages).where(workspace, one).values(payload=sealed))
    await other.close()

    assert sealed is not None
    with pytest.raises(KeyMissing):
        unseal_payload(RoundKeys(None, KeyRing([NEW])), WORKSPACE, sealed)
    async with db.reading() as reader:
        assert SECRET_TEXT in str(await reader.scalar(select(payload)))


async def test_command_says_which_key_is_missing(db: Database, database_url: str) -> None:
    async with db.transaction() as tx:
        await add_audit_entry(
            tx, WORKSPACE, actor=ANA, action="list", subject="x", before=None, after="y", now=NOW
        )

    result = await command(database_url, "audit", IMBALANCE_KEYS=encode_key(NEW))

    assert result.code == 1
    assert KEY_MISSING.format(key_id=KEY_RING.first_id) in result.err


async def test_person_is_told_that_the_key_is_missing(
    harness: BotHarness, database_url: str
) -> None:
    await Lead(harness).starts()
    other = Database(database_url, KeyRing([NEW]))
    async with other.transaction() as tx:
        phases = schema.phases
        its = phases.c.workspace_id == WORKSPACE
        await tx.execute(update(phases).where(its).values(milestone=TYPED))
    await other.close()

    answer = await harness.slack.as_user(ANA).command("/imbalance status", LAUNCH)

    assert answer.text == TEXT_UNREADABLE_TEXT
