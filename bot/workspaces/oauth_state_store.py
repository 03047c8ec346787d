"""Storage of OAuth states, as slack_sdk's state store: each is used once, before it expires.

Only their hashes are stored, so nobody who reads the database can complete an installation.
"""

from datetime import timedelta
from hashlib import sha256
from logging import Logger, getLogger
from typing import Any

from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from sqlalchemy import delete, insert

from bot.clock import Clock, random_bytes
from bot.db import schema
from bot.db.engine import Database

LIFETIME = timedelta(minutes=10)
STATE_BYTES = 32

_states = schema.oauth_states


class OAuthStateStore(AsyncOAuthStateStore):
    """The states of installations under way, shared by all processes."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:  # noqa: ARG002 - slack_sdk's interface
        """Return a new state, and delete those that have expired."""
        state, now = random_bytes(STATE_BYTES).hex(), self._clock.now()
        async with self._db.transaction() as tx:
            await tx.execute(delete(_states).where(_states.c.expires_at <= now))
            await tx.execute(
                insert(_states).values(state_hash=_hash(state), expires_at=now + LIFETIME)
            )
        return state

    async def async_consume(self, state: str) -> bool:
        """Use a state up. Return whether it was issued, and neither used before nor expired."""
        is_it = _states.c.state_hash == _hash(state)
        used = delete(_states).where(is_it).returning(_states.c.expires_at)
        async with self._db.transaction() as tx:
            expires_at = await tx.scalar(used)
        return expires_at is not None and expires_at > self._clock.now()


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "replace")).hexdigest()
