import asyncio
from datetime import timedelta

import pytest
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import insert, select, update

from bot.clock import AdjustableClock
from bot.db import schema
from bot.db.engine import Database
from bot.db.file_lock import sqlite_file
from bot.keys import KeyRing
from bot.workspaces.installation_store import (
    InstallationStore,
    TokenUnreadable,
    remove,
    remove_access,
    unreadable_tokens,
)
from bot.workspaces.lifecycle import uninstall
from bot.workspaces.oauth_state_store import LIFETIME, OAuthStateStore
from bot.workspaces.store import installed_workspaces
from bot.workspaces.token_health import token_refused
from tests.harness import WORKSPACE

OLD_KEY, NEW_KEY = b"o" * 32, b"n" * 32
ONE, OTHER, ORG = "T0ONE", "T0OTHER", "E0ORG"


def installation(workspace_id: str, token: str, scopes: str = "commands") -> Installation:
    return Installation(
        app_id="A1",
        team_id=workspace_id,
        team_name=f"Name of {workspace_id}",
        bot_token=token,
        bot_id="B1",
        bot_user_id="U1",
        bot_scopes=scopes,
        user_id="U0INSTALLER",
    )


@pytest.fixture
def installations(db: Database, clock: AdjustableClock) -> InstallationStore:
    return InstallationStore(db, clock, KeyRing([OLD_KEY]))


async def token_of(installations: InstallationStore, workspace_id: str) -> str | None:
    bot = await installations.async_find_bot(enterprise_id=None, team_id=workspace_id)
    return bot.bot_token if bot else None


async def test_reinstall_replaces_token_and_scopes(installations):
    await installations.async_save(installation(ONE, "xoxb-first"))
    await installations.async_save(installation(ONE, "xoxb-second", "commands,chat:write"))
    await installations.async_save(installation(OTHER, "xoxb-other"))
    found = await installations.async_find_installation(enterprise_id=None, team_id=ONE)
    assert (found.bot_token, found.bot_scopes) == ("xoxb-second", ["commands", "chat:write"])
    assert (found.bot_user_id, found.team_name) == ("U1", f"Name of {ONE}")
    assert await token_of(installations, OTHER) == "xoxb-other"


async def test_two_installs_at_once_leave_one_whole_installation(installations):
    tokens = [f"xoxb-{number}" for number in range(6)]
    await asyncio.gather(
        *(installations.async_save(installation(ONE, token, token)) for token in tokens)
    )
    found = await installations.async_find_installation(enterprise_id=None, team_id=ONE)
    assert found.bot_token in tokens
    assert found.bot_scopes == [found.bot_token]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_database_file_contains_no_token_or_state(installations, db, clock, database_url):
    await installations.async_save(installation(ONE, "xoxb-very-secret"))
    state = await OAuthStateStore(db, clock).async_issue()
    file = sqlite_file(database_url)
    assert file is not None
    stored = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    assert ONE.encode() in stored
    assert b"very-secret" not in stored
    assert state.encode() not in stored


async def test_token_moved_to_another_workspace_is_refused(installations, db):
    await installations.async_save(installation(ONE, "xoxb-one"))
    await installations.async_save(installation(OTHER, "xoxb-other"))
    table = schema.installations
    async with db.transaction() as tx:
        stolen = await tx.scalar(select(table.c.sealed_token).where(table.c.workspace_id == OTHER))
        await tx.execute(
            update(table).where(table.c.workspace_id == ONE).values(sealed_token=stolen)
        )
    assert await token_of(installations, ONE) is None
    assert await token_of(installations, OTHER) == "xoxb-other"
    async with db.reading() as reader:
        (sentence,) = await unreadable_tokens(reader, KeyRing([OLD_KEY]))
    assert ONE in sentence
    assert "belongs to another workspace" in sentence


async def test_missing_key_concerns_its_workspace_alone(installations, db, clock, written):
    await installations.async_save(installation(ONE, "xoxb-one"))
    newer = InstallationStore(db, clock, KeyRing([NEW_KEY]))
    await newer.async_save(installation(OTHER, "xoxb-other"))
    assert await token_of(newer, ONE) is None
    assert "is not in IMBALANCE_KEYS" in written.getvalue()
    assert await token_of(newer, OTHER) == "xoxb-other"
    async with db.reading() as reader:
        (sentence,) = await unreadable_tokens(reader, KeyRing([NEW_KEY]))
        assert await unreadable_tokens(reader, KeyRing([NEW_KEY, OLD_KEY])) == ()
    assert ONE in sentence
    assert "xoxb" not in sentence


@pytest.mark.parametrize(("reason", "is_kept"), [("token_revoked", False), ("invalid_auth", True)])
async def test_only_final_refusal_deletes_the_token(installations, db, clock, reason, is_kept):
    await installations.async_save(installation(ONE, "xoxb-one"))
    async with db.transaction() as tx:
        await token_refused(tx, ONE, reason, clock.now())
    assert (await token_of(installations, ONE) is not None) == is_kept


async def test_old_uninstallation_leaves_a_new_installation(installations, db, clock):
    removed_at = clock.now()
    clock.advance(timedelta(seconds=5))
    await installations.async_save(installation(ONE, "xoxb-new"))
    async with db.transaction() as tx:
        assert not await uninstall(tx, ONE, "app_uninstalled", removed_at)
    assert await token_of(installations, ONE) == "xoxb-new"


async def test_deleted_installation_is_not_found(installations):
    await installations.async_save(installation(ONE, "xoxb-one"))
    await installations.async_delete_installation(
        enterprise_id=None, team_id=ONE, user_id="U0INSTALLER"
    )
    assert await token_of(installations, ONE) == "xoxb-one"
    await installations.async_delete_all(enterprise_id=None, team_id=ONE)
    assert await token_of(installations, ONE) is None


def org_installation(token: str) -> Installation:
    one = installation(ONE, token)
    one.team_id, one.enterprise_id, one.is_enterprise_install = None, ORG, True
    return one


async def test_installation_of_an_organisation_needs_to_say_which(installations):
    one = org_installation("xoxb-org")
    one.enterprise_id = None
    with pytest.raises(ValueError, match="not an installation"):
        await installations.async_save(one)


async def test_workspace_uses_its_own_token_before_its_organisations(installations):
    await installations.async_save(org_installation("xoxb-org"))
    await installations.cover(ORG, ONE)
    await installations.cover(ORG, OTHER)
    await installations.async_save(installation(ONE, "xoxb-one"))
    assert (await installations.bot_of(ONE)).bot_token == "xoxb-one"
    assert (await installations.bot_of(OTHER)).bot_token == "xoxb-org"
    assert await installations.bot_of("T0THIRD") is None

    assert await installations.give_up_own(ONE, "xoxb-older") is not None
    assert (await installations.bot_of(ONE)).bot_token == "xoxb-one"
    given = await asyncio.gather(*(installations.give_up_own(ONE, "xoxb-one") for _ in range(4)))
    assert {bot.bot_token for bot in given} == {"xoxb-org"}
    assert (await installations.bot_of(ONE)).bot_token == "xoxb-org"
    assert await installations.give_up_own(ONE, "xoxb-org") is None
    assert await installations.give_up_own("T0THIRD", "xoxb-org") is None


async def test_token_of_an_organisation_is_bound_to_it(installations, db):
    await installations.async_save(org_installation("xoxb-org"))
    await installations.async_save(installation(ONE, "xoxb-one"))
    table = schema.installations
    async with db.transaction() as tx:
        of_org = await tx.scalar(select(table.c.sealed_token).where(table.c.workspace_id == ORG))
        await tx.execute(
            update(table).where(table.c.workspace_id == ONE).values(sealed_token=of_org)
        )
    with pytest.raises(TokenUnreadable, match="belongs to another workspace"):
        await installations.bot_of(ONE)


async def test_late_removal_changes_nothing_in_a_newer_installation(installations, db, clock):
    removed_at = clock.now()
    clock.advance(timedelta(seconds=5))
    await installations.async_save(org_installation("xoxb-org"))
    await installations.cover(ORG, ONE)
    async with db.transaction() as tx:
        await remove(tx, ORG, "app_uninstalled", removed_at)
        await remove_access(tx, ONE, "team_access_revoked", removed_at)
    assert (await installations.bot_of(ONE)).bot_token == "xoxb-org"
    async with db.reading() as reader:
        assert await installed_workspaces(reader) == (ONE,)


async def test_uninstalled_event_deletes_the_stored_token(harness, db):
    table, workspace_id = schema.installations, WORKSPACE
    async with db.transaction() as tx:
        await tx.execute(
            insert(table).values(
                workspace_id=workspace_id,
                name="N",
                app_id="A1",
                bot_user_id="U1",
                installed_at=harness.clock.now(),
                scopes="",
                key_id="k",
                sealed_token=b"sealed",
            )
        )
    await harness.slack.uninstall()
    async with db.reading() as reader:
        assert await reader.scalar(select(table.c.workspace_id)) is None


async def test_state_is_used_once_even_by_two_at_once(db, clock):
    states = OAuthStateStore(db, clock)
    state = await states.async_issue()
    used = await asyncio.gather(*(states.async_consume(state) for _ in range(4)))
    assert sorted(used) == [False, False, False, True]
    assert not await states.async_consume("another")


async def test_expired_state_is_refused_and_deleted(db, clock):
    states = OAuthStateStore(db, clock)
    expired, forgotten = await states.async_issue(), await states.async_issue()
    clock.advance(LIFETIME)
    assert not await states.async_consume(expired)
    await states.async_issue()
    async with db.reading() as reader:
        rows = (await reader.scalars(select(schema.oauth_states.c.expires_at))).all()
    assert rows == [clock.now() + LIFETIME]
    assert not await states.async_consume(forgotten)
