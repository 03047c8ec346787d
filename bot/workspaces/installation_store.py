"""Storage of installations through OAuth, as slack_sdk's installation store.

A workspace has one installation; its bot token is encrypted with the newest key of IMBALANCE_KEYS,
and bound to its workspace and column. Organisation-wide installations are not supported.
"""

from datetime import datetime
from logging import Logger, getLogger
from typing import Any

from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import upsert
from bot.keys import KeyMissing, KeyRing, Wrapped
from bot.log import log
from bot.workspaces.lifecycle import store_installation

KEY_MISSING = (
    "The token of workspace {workspace_id} cannot be read: the key {key_id} is not in "
    "IMBALANCE_KEYS. Add that key again, or install the app there again."
)
NOT_ITS_OWN = (
    "The token of workspace {workspace_id} cannot be read: it was changed, or belongs to another "
    "workspace. Install the app there again."
)

_installations = schema.installations
_workspaces = schema.workspaces


class TokenUnreadable(Exception):
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
            ValueError: there is no workspace or no bot token, or it is for a whole organisation.
        """
        await self.async_save_bot(installation.to_bot())

    async def async_save_bot(self, bot: Bot) -> None:
        """Store an installation without its installer, whom nothing needs to know later.

        Raises:
            ValueError: there is no workspace or no bot token, or it is for a whole organisation.
        """
        if bot.is_enterprise_install or not (bot.team_id and bot.bot_token and bot.bot_user_id):
            raise ValueError("not an installation of a bot in one workspace")
        now = self._clock.now()
        identity = {
            "team_id": bot.team_id,
            "team": bot.team_name,
            "app_id": bot.app_id,
            "user_id": bot.bot_user_id,
        }
        wrapped = self._keys.wrap(bot.bot_token.encode(), _context(bot.team_id))
        async with self._db.transaction() as tx:
            # Before the token: it also makes two saves at once wait for each other.
            await store_installation(tx, identity, now)
            await upsert(
                tx,
                _installations,
                {"workspace_id": bot.team_id},
                enterprise_id=bot.enterprise_id,
                bot_id=bot.bot_id,
                scopes=",".join(bot.bot_scopes),
                key_id=wrapped.key_id,
                sealed_token=wrapped.sealed,
            )

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
        enterprise_id: str | None,  # noqa: ARG002 - slack_sdk's interface
        team_id: str | None,
        user_id: str | None = None,  # noqa: ARG002 - slack_sdk's interface
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Return a workspace's installation, whoever installed it, without the person's id.

        None: it has none, or its token cannot be read, which is logged.
        """
        if team_id is None or is_enterprise_install:
            return None
        async with self._db.reading() as reader:
            row = (await reader.execute(_query(team_id))).mappings().first()
        if row is None:
            return None
        try:
            token = _token(self._keys, row)
        except TokenUnreadable as error:
            log.error("token_unreadable", workspace=team_id, why=str(error))
            return None
        return _as_installation(row, token)

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


async def delete_token(tx: AsyncConnection, workspace_id: str) -> None:
    """Delete a workspace's installation, and its token with it."""
    await tx.execute(delete(_installations).where(_installations.c.workspace_id == workspace_id))


async def unreadable_tokens(reader: AsyncConnection, keys: KeyRing) -> tuple[str, ...]:
    """Return a sentence for each workspace whose token cannot be decrypted with these keys."""
    rows = await reader.execute(select(_installations).order_by(_installations.c.workspace_id))
    return tuple(sentence for row in rows.mappings() if (sentence := _fault(keys, row)))


def _fault(keys: KeyRing, row: RowMapping) -> str | None:
    try:
        _token(keys, row)
    except TokenUnreadable as error:
        return str(error)
    return None


def _query(workspace_id: str) -> Any:
    return (
        select(
            _installations,
            _workspaces.c.name,
            _workspaces.c.app_id,
            _workspaces.c.bot_user_id,
            _workspaces.c.installed_at,
        )
        .join(_workspaces, _workspaces.c.workspace_id == _installations.c.workspace_id)
        .where(_installations.c.workspace_id == workspace_id)
    )


def _context(workspace_id: str) -> str:
    return f"{workspace_id}:installations.sealed_token"


def _token(keys: KeyRing, row: RowMapping) -> str:
    workspace_id = row["workspace_id"]
    wrapped = Wrapped(key_id=row["key_id"], sealed=row["sealed_token"])
    try:
        return keys.unwrap(wrapped, _context(workspace_id)).decode()
    except KeyMissing:
        sentence = KEY_MISSING.format(workspace_id=workspace_id, key_id=wrapped.key_id)
    except ValueError:
        sentence = NOT_ITS_OWN.format(workspace_id=workspace_id)
    raise TokenUnreadable(sentence)


def _as_installation(row: RowMapping, token: str) -> Installation:
    installed_at: datetime = row["installed_at"]
    return Installation(
        app_id=row["app_id"],
        enterprise_id=row["enterprise_id"],
        team_id=row["workspace_id"],
        team_name=row["name"],
        bot_token=token,
        bot_id=row["bot_id"],
        bot_user_id=row["bot_user_id"],
        bot_scopes=row["scopes"],
        user_id="",  # not stored
        installed_at=installed_at.timestamp(),
    )
