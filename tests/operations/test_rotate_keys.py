"""`imbalance rotate-keys`: everything is re-encrypted with the first key, while the bot works."""

import asyncio
from typing import Any

import pytest
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import func, select

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.operations import rotate_keys_command
from bot.operations.rotate_keys_command import EVERYTHING, rotate
from bot.outbox.sealed_content import seal_content, unseal_payload
from bot.round_keys import RoundKeys
from bot.rounds import ballots
from bot.settings import encode_key
from bot.slack.content import content
from bot.workspaces.installation_store import InstallationStore
from tests.harness import KEY, KEYS, WORKSPACE
from tests.operations.stuck_messages import add_message, command
from tests.rounds.round_rows import NOW
from tests.two_workspaces import BOTH, OPEN_ROUND, OTHER_WORKSPACE, TwoWorkspaces

NEW, LOST = b"n" * 32, b"l" * 32
BOTH_KEYS, NEW_ALONE = KeyRing([NEW, KEY]), KeyRing([NEW])


async def save_token(db: Database, keys: KeyRing, workspace_id: str, token: str) -> None:
    store = InstallationStore(db, AdjustableClock(NOW), keys)
    installation = Installation(
        team_id=workspace_id, bot_token=token, bot_user_id="U0IMBAL", user_id="U0OWN"
    )
    await store.async_save(installation)


async def token_of(db: Database, keys: KeyRing, workspace_id: str) -> str | None:
    bot = await InstallationStore(db, AdjustableClock(NOW), keys).bot_of(workspace_id)
    return bot.bot_token if bot else None


async def encrypt_everything(db: Database, two_workspaces: TwoWorkspaces) -> None:
    """Have a value of each kind in both workspaces, all encrypted with the old key."""
    sealed = seal_content(KEYS, WORKSPACE, content("a comment"), NOW)
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
        await save_token(db, KeyRing([KEY]), workspace_id, f"xoxb-of-{workspace_id}")
        async with db.transaction() as tx:
            await ballots.create_secret(tx, KEYS, workspace_id, OPEN_ROUND, NOW)
    await add_message(db, "announcement:new", now=NOW, payload=sealed.payload)


async def key_ids(db: Database) -> set[str]:
    async with db.reading() as reader:
        found = [
            key_id
            for values in EVERYTHING
            for key_id in await reader.scalars(select(values.key_id))
            if key_id is not None
        ]
    return set(found)


async def test_everything_can_be_read_with_the_new_key_alone(
    db: Database, database_url: str, two_workspaces: TwoWorkspaces
) -> None:
    await encrypt_everything(db, two_workspaces)
    async with db.reading() as reader:
        before = await ballots.secret_of(reader, WORKSPACE, OPEN_ROUND)
    assert before is not None

    rotation = await rotate(db, BOTH_KEYS)

    assert not rotation.left
    assert {values.noun for values in EVERYTHING} == set(rotation.rotated)
    assert await key_ids(db) == {NEW_ALONE.first_id}
    assert await token_of(db, NEW_ALONE, WORKSPACE) == f"xoxb-of-{WORKSPACE}"
    keys, messages = RoundKeys(None, NEW_ALONE), schema.messages
    rotated = Database(database_url, NEW_ALONE)
    async with rotated.reading() as reader:
        after = await ballots.secret_of(reader, WORKSPACE, OPEN_ROUND)
        payload = await reader.scalar(
            select(messages.c.payload).where(messages.c.key == "announcement:new")
        )
    await rotated.close()
    assert after is not None
    assert payload is not None
    place = f"{WORKSPACE}:{OPEN_ROUND}"
    assert keys.unwrap(after, place) == KEYS.unwrap(before, place)
    assert unseal_payload(keys, WORKSPACE, payload)["text"] == "a comment"
    assert not (await rotate(db, BOTH_KEYS)).rotated


async def test_stopped_rotation_is_completed_by_the_next_one(
    db: Database, two_workspaces: TwoWorkspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    await encrypt_everything(db, two_workspaces)
    monkeypatch.setattr(rotate_keys_command, "BATCH", 1)
    rewrapped, started = rotate_keys_command._rewrapped, []

    def rotate_three(*arguments: Any) -> Any:
        started.append(arguments)
        if len(started) > 3:
            raise KeyboardInterrupt
        return rewrapped(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(rotate_keys_command, "_rewrapped", rotate_three)
        with pytest.raises(KeyboardInterrupt):
            await rotate(db, BOTH_KEYS)
    assert await key_ids(db) == {KeyRing([KEY]).first_id, NEW_ALONE.first_id}

    rotation = await rotate(db, BOTH_KEYS)

    assert await key_ids(db) == {NEW_ALONE.first_id}
    assert rotation.rotated["token"] == 0  # both, and a secret, were done before


async def test_missing_key_concerns_its_workspace_alone(db: Database, database_url: str) -> None:
    await save_token(db, KeyRing([LOST]), OTHER_WORKSPACE, "xoxb-lost")
    await save_token(db, KeyRing([KEY]), WORKSPACE, "xoxb-kept")
    keys = {"IMBALANCE_KEYS": f"{encode_key(NEW)},{encode_key(KEY)}"}

    result = await command(database_url, "rotate-keys", **keys)

    assert result.code == 1
    assert result.out == "Re-encrypted with the first key: 1 token.\n"
    lost = KeyRing([LOST]).first_id
    assert result.err == (
        f"1 token of workspace {OTHER_WORKSPACE} left as before: the key {lost} is not in "
        "IMBALANCE_KEYS. Put that key back and run this again.\n"
    )
    assert await token_of(db, NEW_ALONE, WORKSPACE) == "xoxb-kept"
    assert await token_of(db, KeyRing([LOST]), OTHER_WORKSPACE) == "xoxb-lost"

    keys = {"IMBALANCE_KEYS": ",".join(map(encode_key, (NEW, KEY, LOST)))}
    again = await command(database_url, "rotate-keys", **keys)

    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("The other keys in IMBALANCE_KEYS can be removed now.\n")


async def test_tokens_are_read_and_replaced_while_keys_are_rotated(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys_command, "BATCH", 2)
    workspaces = [f"T{number:04}" for number in range(20)]
    for workspace_id in workspaces:
        await save_token(db, KeyRing([KEY]), workspace_id, f"xoxb-{workspace_id}")
    rotation = asyncio.create_task(rotate(db, BOTH_KEYS))
    reads, old_first = 0, KeyRing([KEY, NEW])
    while not rotation.done() or reads < 20:
        workspace_id = workspaces[reads % 20]
        token = await token_of(db, old_first, workspace_id)
        assert token in (f"xoxb-{workspace_id}", "xoxb-newer")
        if (
            reads == 10
        ):  # a reinstallation, stored by a process whose first key is still the old one
            await save_token(db, old_first, workspaces[19], "xoxb-newer")
        reads += 1
    await rotation
    await rotate(db, BOTH_KEYS)

    table = schema.installations
    async with db.reading() as reader:
        with_new_key = select(func.count()).where(table.c.key_id == NEW_ALONE.first_id)
        assert await reader.scalar(with_new_key) == len(workspaces)
    tokens = [await token_of(db, NEW_ALONE, workspace_id) for workspace_id in workspaces]
    assert tokens == [*(f"xoxb-{one}" for one in workspaces[:19]), "xoxb-newer"]
