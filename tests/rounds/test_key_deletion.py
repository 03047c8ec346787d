"""Deletion of round keys: the night after their day, not before, and until it is done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from bot.agenda.key_deletion import schedule_key_deletion
from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.outbox.sealed_content import seal_content
from bot.round_keys import RoundKeys, seal_text
from bot.rounds import ballots
from bot.services import Services
from bot.slack.content import content
from tests.harness import ANA, KEY, WORKSPACE
from tests.rounds.evidence import agenda_of, carry_out
from tests.rounds.round_rows import NOW, PHASE, ROUND, a_phase, a_round

TODAY = NOW.date()
NIGHT = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
CLOSES = NOW + timedelta(hours=8)  # today


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "round-keys"


@pytest.fixture
def keyed(services: Services, folder: Path) -> Services:
    return replace(services, keys=RoundKeys(folder, KeyRing([KEY])))


@pytest.fixture
async def opened(db: Database, keyed: Services) -> Database:
    """An open round that closes today."""
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx, closes_at=CLOSES)
        await ballots.create_secret(tx, keyed.keys, WORKSPACE, ROUND, CLOSES)
        await schedule_key_deletion(tx, keyed.keys, WORKSPACE, CLOSES.date())
    return db


async def at(services: Services, instant: datetime) -> None:
    await carry_out(replace(services, clock=AdjustableClock(instant)), "delete_round_keys")


def names(folder: Path) -> list[str]:
    return sorted(file.name.rpartition("-")[0] for file in folder.iterdir())


async def close(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(schema.rounds).values(state="closed"))
        for table in ballots.TABLES:
            await tx.execute(delete(table))


async def test_key_is_deleted_the_night_after_its_day(
    opened: Database, keyed: Services, folder: Path
) -> None:
    await close(opened)
    assert await agenda_of(opened, "delete_round_keys") == {str(TODAY): NIGHT}

    await at(keyed, NIGHT - timedelta(minutes=1))
    assert names(folder) == [f"ballots-{TODAY}"]
    await at(keyed, NIGHT)

    assert names(folder) == []
    assert await agenda_of(opened, "delete_round_keys") == {}


async def test_key_of_a_round_that_is_still_open_is_kept_and_tried_again(
    opened: Database, keyed: Services, folder: Path
) -> None:
    await at(keyed, NIGHT)
    assert names(folder) == [f"ballots-{TODAY}"]
    assert await agenda_of(opened, "delete_round_keys") == {str(TODAY): NIGHT + timedelta(hours=1)}

    await close(opened)
    await at(keyed, NIGHT + timedelta(hours=1))

    assert names(folder) == []


async def test_round_that_never_closes_does_not_keep_its_key_for_ever(
    opened: Database, keyed: Services, folder: Path
) -> None:
    await at(keyed, NIGHT + timedelta(days=8))

    assert names(folder) == []


async def test_failed_deletion_stays_on_the_agenda(
    opened: Database, keyed: Services, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(opened)

    def read_only(_: Path, missing_ok: bool = False) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", read_only)
        with pytest.raises(PermissionError):
            await at(keyed, NIGHT)
    assert list(await agenda_of(opened, "delete_round_keys")) == [str(TODAY)]

    await at(keyed, NIGHT)
    assert names(folder) == []


async def test_key_left_by_a_rolled_back_opening_is_deleted_with_the_others(
    opened: Database, keyed: Services, folder: Path
) -> None:
    await close(opened)
    other_replica = folder / f"ballots-{TODAY}-0123456789abcdef"
    other_replica.write_bytes(bytes(32))

    await at(keyed, NIGHT)

    assert names(folder) == []


Needing = Callable[[Services], object]


async def comment(services: Services) -> None:
    columns = seal_text(services.keys, "Comment", f"{WORKSPACE}:{ROUND}:comment", TODAY)
    key = {"workspace_id": WORKSPACE, "round_id": ROUND, "position": 0}
    async with services.db.transaction() as tx:
        await tx.execute(schema.round_comments.insert().values(**key, **columns))


async def concern(services: Services) -> None:
    columns = seal_text(services.keys, "Concern", f"{WORKSPACE}:{PHASE}:concern", TODAY)
    key = {"workspace_id": WORKSPACE, "phase_id": PHASE, "concern_id": "c"}
    async with services.db.transaction() as tx:
        await tx.execute(schema.concerns.insert().values(**key, **columns))


async def message(services: Services) -> None:
    sealed = seal_content(services.keys, WORKSPACE, content("Comment"), NOW)
    async with services.db.transaction() as tx:
        await enqueue.post(
            tx, WORKSPACE, key=MessageKey(f"x:{ROUND}"), to=ANA, content=sealed, now=NOW
        )


async def failed_message(services: Services) -> None:
    await message(services)
    async with services.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(state="failed"))


@pytest.mark.parametrize("text", [comment, concern, message, failed_message])
async def test_key_of_an_undelivered_text_is_kept_without_that_of_the_ballots(
    opened: Database, keyed: Services, folder: Path, text: Needing
) -> None:
    await close(opened)
    await text(keyed)  # type: ignore[misc]

    await at(keyed, NIGHT)
    assert names(folder) == [f"texts-{TODAY}"]
    assert await agenda_of(opened, "delete_round_keys") == {str(TODAY): NIGHT + timedelta(days=1)}

    async with opened.transaction() as tx:
        for table in (schema.round_comments, schema.concerns):
            await tx.execute(delete(table))
        await tx.execute(update(schema.messages).values(state="sent", payload=None))
    await at(keyed, NIGHT + timedelta(days=1))

    assert names(folder) == []
    assert await agenda_of(opened, "delete_round_keys") == {}
