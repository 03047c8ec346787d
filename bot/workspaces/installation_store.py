"""Storage of installations through OAuth, as slack_sdk's installation store.

A workspace has one installation of its own, or is covered by its organisation's, or both; then its
own is used. The bot token is encrypted with the first key of IMBALANCE_KEYS, and bound to its
workspace, or organisation, and column.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from logging import Logger, getLogger
from typing import Any

from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import RowMapping, Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import schema
from bot.db.engine import Database
from bot.db.tenancy import across_workspaces
from bot.db.upserts import upsert
from bot.keys import KeyMissing, KeyRing, Wrapped
from bot.log import log
from bot.slack.errors import CallNotMade
from bot.workspaces import store
from bot.workspaces.lifecycle import store_installation, uninstall
from bot.workspaces.store import covered_by, workspace_name

KEY_MISSING = (
    "The token of workspace {workspace_id} cannot be read: the key {key_id} is not in "
    "IMBALANCE_KEYS. Add that key again, or install the app there again."
)
NOT_ITS_OWN = (
    "The token of workspace {workspace_id} cannot be read: it was changed, or belongs to another "
    "workspace. Install the app there again."
)

#: Of an organisation: its name is not that of its workspaces, which keep theirs.
NAMELESS = {"team": None}

EVERY_TOKEN = "an operator looks at every token"
OWN_OR_OF_ORG = "a workspace's own installation, and that of its organisation"

_installations = schema.installations
_workspaces = schema.workspaces


class TokenUnreadable(CallNotMade):
    """Raised if a stored token cannot be decrypted; the message is for the operator."""


class InstallationStore(AsyncInstallationStore):
    """The installations in our database, for install pages and authorization."""

    def __init__(self, db: Database, clock: Clock, keys: KeyRing) -> None:
        self._db = db
        self._clock = clock
        self._keys = keys

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_save(self, installation: Installation) -> None:
        """Store the token, replacing an earlier one, and resume everything that waited.

        Raises:
            ValueError: there is no bot token, or neither a workspace nor an organisation.
        """
        await self.async_save_bot(installation.to_bot())

    async def async_save_bot(self, bot: Bot) -> None:
        """Store an installation without its installer, whom nothing needs to know later.

        That of an organisation covers no workspace by itself: Slack says which ones.

        Raises:
            ValueError: there is no bot token, or neither a workspace nor an organisation.
        """
        await self.save_and(bot)

    async def save_and(
        self, bot: Bot, then: Callable[[AsyncConnection], Awaitable[None]] | None = None
    ) -> None:
        """Store an installation, and do `then` in the same transaction.

        Raises:
            ValueError: there is no bot token, or neither a workspace nor an organisation.
        """
        owner_id = bot.enterprise_id if bot.is_enterprise_install else bot.team_id
        if not (owner_id and bot.bot_token and bot.bot_user_id):
            raise ValueError("not an installation of a bot")
        name = bot.enterprise_name if bot.is_enterprise_install else bot.team_name
        identity = {"team": name, "app_id": bot.app_id or "", "user_id": bot.bot_user_id}
        now = self._clock.now()
        wrapped = self._keys.wrap(bot.bot_token.encode(), token_context(owner_id))
        async with self._db.transaction() as tx:
            if bot.is_enterprise_install:
                await _install_in(tx, await covered_by(tx, owner_id), identity | NAMELESS, now)
            else:
                # Before the token: it also makes two saves at once wait for each other.
                await _install_in(tx, (owner_id,), identity, now)
            await upsert(
                tx,
                _installations,
                {"workspace_id": owner_id},
                enterprise_id=bot.enterprise_id,
                name=workspace_name(identity | {"team_id": owner_id}),
                app_id=identity["app_id"],
                bot_user_id=bot.bot_user_id,
                bot_id=bot.bot_id,
                installed_at=now,
                scopes=",".join(bot.bot_scopes),
                key_id=wrapped.key_id,
                sealed_token=wrapped.sealed,
            )
            if then is not None:
                await then(tx)

    async def cover(self, org_id: str, workspace_id: str) -> None:
        """Let an organisation's installation cover a workspace."""
        await cover(self._db, org_id, (workspace_id,), self._clock)

    async def async_find_bot(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        is_enterprise_install: bool | None = False,
    ) -> Bot | None:
        """Return a workspace's installation; None: it has none, or its token cannot be read."""
        found = await self.async_find_installation(
            enterprise_id=enterprise_id,
            team_id=team_id,
            is_enterprise_install=is_enterprise_install,
        )
        return found.to_bot() if found else None

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,  # noqa: ARG002 - slack_sdk's interface
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Return the installation of a workspace, or of an organisation, without its installer.

        None: there is none, or its token cannot be read, which is logged. A workspace that has
        moved into an organisation keeps its own.
        """
        owner_id = enterprise_id if is_enterprise_install else team_id
        if owner_id is None:
            return None
        try:
            return await self._installation_of(owner_id)
        except TokenUnreadable as error:
            log.error("token_unreadable", workspace=owner_id, why=str(error))
            return None

    async def bot_of(self, workspace_id: str) -> Bot | None:
        """Return the bot in a workspace: by its own installation, or by its organisation's.

        None: it is not installed there.

        Raises:
            TokenUnreadable: its token cannot be decrypted.
        """
        found = await self._installation_of(workspace_id)
        return found.to_bot() if found else None

    async def give_up_own(self, workspace_id: str, token: str) -> Bot | None:
        """Delete a workspace's own token, which Slack refused, if its organisation has one.

        Return the bot of the workspace from now on; None: it has no other token.
        """
        async with self._db.transaction() as tx:
            rows = (await tx.execute(_query(workspace_id))).mappings().all()
            bots = [_as_installation(row, _token(self._keys, row)).to_bot() for row in rows]
            others = [bot for bot in bots if bot.bot_token != token]
            if others and bots[0].bot_token == token:
                await delete_token(tx, workspace_id)
                log.info("own_token_given_up", workspace=workspace_id)
        return others[0] if others else None

    async def _installation_of(self, owner_id: str) -> Installation | None:
        async with self._db.reading() as reader:
            row = (await reader.execute(_query(owner_id))).mappings().first()
        return _as_installation(row, _token(self._keys, row)) if row else None

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:  # noqa: ARG002 - slack_sdk's interface
        """Delete a workspace's token."""
        if team_id is not None:
            async with self._db.transaction() as tx:
                await delete_token(tx, team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Delete a workspace's token. A person's own does not exist: nothing is done for one."""
        if user_id is None:
            await self.async_delete_bot(enterprise_id=enterprise_id, team_id=team_id)


async def delete_token(tx: AsyncConnection, owner_id: str, until: datetime | None = None) -> bool:
    """Delete the installation of a workspace or an organisation, and its token with it.

    Return whether there was one, stored no later than `until`.
    """
    found = delete(_installations).where(_installations.c.workspace_id == owner_id)
    if until is not None:
        found = found.where(_installations.c.installed_at <= until)
    return bool((await tx.execute(found)).rowcount)


async def cover(db: Database, org_id: str, workspace_ids: Collection[str], clock: Clock) -> None:
    """Let an organisation's installation cover these workspaces, which keep what they had."""
    async with db.transaction() as tx:
        row = (await tx.execute(_query(org_id))).mappings().first()
        if row is None:
            return
        identity = {"app_id": row["app_id"], "user_id": row["bot_user_id"]}
        await _install_in(tx, workspace_ids, identity, clock.now())
        for workspace_id in workspace_ids:
            await store.cover(tx, workspace_id, org_id)


async def remove(tx: AsyncConnection, owner_id: str, reason: str, at: datetime) -> None:
    """Handle the removal of the app from a workspace, or from an organisation.

    A workspace covered by its organisation's installation goes on with that. A removal older than
    the installation changes nothing.
    """
    was_stored = await delete_token(tx, owner_id, until=at)
    covered = await covered_by(tx, owner_id) if was_stored else ()
    for workspace_id in covered:
        await remove_access(tx, workspace_id, reason, at)
    if not covered and await store.org_of(tx, owner_id) is None:
        await uninstall(tx, owner_id, reason, at)


async def remove_access(tx: AsyncConnection, workspace_id: str, reason: str, at: datetime) -> None:
    """End what an organisation's installation covers; its own installation goes on."""
    own = select(_installations.c.workspace_id).where(_installations.c.workspace_id == workspace_id)
    if await store.uncover(tx, workspace_id, at) and await tx.scalar(own) is None:
        await uninstall(tx, workspace_id, reason, at)


async def _install_in(
    tx: AsyncConnection, workspace_ids: Collection[str], identity: Mapping[str, Any], now: datetime
) -> None:
    for workspace_id in sorted(workspace_ids):
        await store_installation(tx, {**identity, "team_id": workspace_id}, now)


async def unreadable_tokens(reader: AsyncConnection, keys: KeyRing) -> tuple[str, ...]:
    """Return a sentence for each workspace whose token cannot be decrypted with these keys."""
    every = select(_installations).order_by(_installations.c.workspace_id)
    rows = await reader.execute(across_workspaces(every, EVERY_TOKEN))
    return tuple(sentence for row in rows.mappings() if (sentence := _fault(keys, row)))


def _fault(keys: KeyRing, row: RowMapping) -> str | None:
    try:
        _token(keys, row)
    except TokenUnreadable as error:
        return str(error)
    return None


def _query(owner_id: str) -> Select[Any]:
    """Return the query of an installation: a workspace's own, else that of its organisation."""
    org_id = select(_workspaces.c.org_id).where(_workspaces.c.workspace_id == owner_id)
    is_own = _installations.c.workspace_id == owner_id
    is_of_org = _installations.c.workspace_id == org_id.scalar_subquery()
    query = select(_installations).where(or_(is_own, is_of_org)).order_by(is_own.desc())
    return across_workspaces(query, OWN_OR_OF_ORG)


def token_context(workspace_id: str) -> str:
    """Return what a workspace's encrypted token is bound to."""
    return f"{workspace_id}:installations.sealed_token"


def _token(keys: KeyRing, row: RowMapping) -> str:
    workspace_id = row["workspace_id"]
    wrapped = Wrapped(key_id=row["key_id"], sealed=row["sealed_token"])
    try:
        return keys.unwrap(wrapped, token_context(workspace_id)).decode()
    except KeyMissing:
        sentence = KEY_MISSING.format(workspace_id=workspace_id, key_id=wrapped.key_id)
    except ValueError:
        sentence = NOT_ITS_OWN.format(workspace_id=workspace_id)
    raise TokenUnreadable(sentence)


def _as_installation(row: RowMapping, token: str) -> Installation:
    installed_at: datetime = row["installed_at"]
    is_enterprise_install = row["workspace_id"] == row["enterprise_id"]
    return Installation(
        app_id=row["app_id"],
        enterprise_id=row["enterprise_id"],
        team_id=None if is_enterprise_install else row["workspace_id"],
        team_name=row["name"],
        bot_token=token,
        bot_id=row["bot_id"],
        bot_user_id=row["bot_user_id"],
        bot_scopes=row["scopes"],
        user_id="",  # not stored
        is_enterprise_install=is_enterprise_install,
        installed_at=installed_at.timestamp(),
    )
