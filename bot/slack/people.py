"""People: read from Slack, remembered in the database.

Slack is not asked here about people who are remembered: `bot.workspaces.profile_refresh` refreshes
them one by one, so that a weekly round waits for no answer about somebody it already knows.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import padded, put_all
from bot.log import log
from bot.slack.errors import ErrorKind, reason_of, verdict
from bot.slack.throttled_reads import ThrottledReads

#: For so long we believe what Slack said of a person, if it tells of no change.
FRESH = timedelta(days=30)
#: A closed account is looked at again sooner: we may only have been refused for a while. Looked
#: for once a day, so within a week.
FRESH_CLOSED = timedelta(days=6)
#: So many people are asked about at the same time: somebody may wait for a form.
AT_ONCE = 8
#: Slack's own helper is not marked as a bot in its profile.
SLACKBOT = "USLACKBOT"


_REMEMBERED = select(schema.people).where(
    schema.people.c.workspace_id == bindparam("workspace_id"),
    schema.people.c.user_id.in_(bindparam("user_ids", expanding=True)),
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """What Slack says of one person."""

    user_id: str
    name: str
    zone: str | None  # IANA name; None: Slack gave none
    is_bot: bool
    is_guest: bool
    is_external: bool
    is_deleted: bool
    is_admin: bool

    @property
    def is_full_member(self) -> bool:
        """A colleague who may act: no bot, guest, outsider or deactivated account."""
        return not (self.is_bot or self.is_guest or self.is_external or self.is_deleted)


def _person(row: RowMapping | Mapping[str, Any], workspace_id: str) -> Person:
    return Person(
        user_id=row["user_id"],
        name=row["name"],
        zone=row["zone"],
        is_bot=row["is_bot"] or row["user_id"] == SLACKBOT,
        is_guest=row["is_guest"],
        is_external=row["team_id"] not in (None, workspace_id),
        is_deleted=row["is_deleted"],
        is_admin=row["is_admin"],
    )


def _columns(user: Mapping[str, Any]) -> dict[str, Any]:
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"))
    return {
        "name": next((name for name in names if name), user.get("name") or user["id"]),
        "zone": user.get("tz"),
        "team_id": user.get("team_id"),
        "is_bot": bool(user.get("is_bot")),
        "is_guest": bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        "is_deleted": bool(user.get("deleted")),
        "is_admin": bool(user.get("is_admin") or user.get("is_owner")),
    }


async def remember(
    tx: AsyncConnection, workspace_id: str, user: Mapping[str, Any], now: datetime
) -> None:
    """Keep what Slack says of a person: a users.info answer or a user_change event's user."""
    await remember_all(tx, workspace_id, [user], now)


async def remember_all(
    tx: AsyncConnection, workspace_id: str, users: Iterable[Mapping[str, Any]], now: datetime
) -> None:
    """The same for several people, in one statement."""
    key = {"workspace_id": workspace_id, "refreshed_at": now}
    rows = [{**key, "user_id": user["id"], **_columns(user)} for user in users]
    await put_all(tx, schema.people, rows)


async def known(
    tx: AsyncConnection, workspace_id: str, user_ids: Iterable[str]
) -> dict[str, Person]:
    """The people among these that are remembered, however old."""
    rows = await _remembered(tx, workspace_id, set(user_ids))
    return {user_id: _person(row, workspace_id) for user_id, row in rows.items()}


async def _remembered(
    tx: AsyncConnection, workspace_id: str, user_ids: Collection[str]
) -> dict[str, RowMapping]:
    if not user_ids:
        return {}
    key = {"workspace_id": workspace_id, "user_ids": padded(user_ids)}
    rows = await tx.execute(_REMEMBERED, key)
    return {row["user_id"]: row for row in rows.mappings()}


def person_from(workspace_id: str, user: Mapping[str, Any]) -> Person:
    """The person that a users.info answer or a user_change event speaks of."""
    columns = _columns(user)
    return _person({"user_id": user["id"], **columns}, workspace_id)


async def ids_known(tx: AsyncConnection, workspace_id: str) -> tuple[str, ...]:
    """Everybody who is remembered."""
    return await _ids(tx, workspace_id)


async def ids_to_refresh(tx: AsyncConnection, workspace_id: str, now: datetime) -> tuple[str, ...]:
    """Of whom Slack has said nothing for so long that it should be asked."""
    people = schema.people
    closed = and_(people.c.is_deleted, people.c.refreshed_at <= now - FRESH_CLOSED)
    return await _ids(tx, workspace_id, or_(people.c.refreshed_at <= now - FRESH, closed))


async def _ids(
    tx: AsyncConnection, workspace_id: str, *which: ColumnElement[bool]
) -> tuple[str, ...]:
    people = schema.people
    mine = select(people.c.user_id).where(people.c.workspace_id == workspace_id, *which)
    return tuple(await tx.scalars(mine.order_by(people.c.user_id)))


async def mark_refreshed(
    tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> None:
    """Slack says no more of them: what it last said holds, for as long again."""
    people = schema.people
    await tx.execute(
        update(people)
        .where(people.c.workspace_id == workspace_id, people.c.user_id == user_id)
        .values(refreshed_at=now)
    )


async def mark_unreachable(
    tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> None:
    """Slack would not let us write to them. Its next word of them counts again."""
    people = schema.people
    changed = await tx.execute(
        update(people)
        .where(people.c.workspace_id == workspace_id, people.c.user_id == user_id)
        .values(is_deleted=True, refreshed_at=now)
    )
    if not changed.rowcount:
        await remember(tx, workspace_id, {"id": user_id, "deleted": True}, now)


async def known_admins(tx: AsyncConnection, workspace_id: str) -> tuple[Person, ...]:
    """The workspace admins that are remembered and can be written to."""
    people = schema.people
    rows = await tx.execute(
        select(people)
        .where(
            people.c.workspace_id == workspace_id,
            people.c.is_admin.is_(True),
            people.c.is_deleted.is_(False),
        )
        .order_by(people.c.user_id)
    )
    found = (_person(row, workspace_id) for row in rows.mappings())
    return tuple(person for person in found if person.is_full_member)


def admins_among(users: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of Slack's users who are admins and whose account is open."""
    found = [(user, _columns(user)) for user in users]
    return [user for user, seen in found if seen["is_admin"] and not seen["is_deleted"]]


class People:
    """Reads about people. Never used inside a transaction."""

    def __init__(self, db: Database, clock: Clock, reads: ThrottledReads) -> None:
        self._db = db
        self._clock = clock
        self._reads = reads

    async def of(
        self, client: AsyncWebClient, workspace_id: str, user_ids: Iterable[str]
    ) -> dict[str, Person]:
        """The people with these ids; who Slack does not know is left out.

        Raises:
            SlackApiError: Slack could not be asked now about someone not remembered.
        """
        wanted = tuple(dict.fromkeys(user_ids))
        found = await self._read(workspace_id, wanted)
        if strangers := [one for one in wanted if one not in found]:
            found |= await self._meet(client, workspace_id, strangers)
        return {one: found[one] for one in wanted if one in found}

    async def one(self, client: AsyncWebClient, workspace_id: str, user_id: str) -> Person | None:
        return (await self.of(client, workspace_id, [user_id])).get(user_id)

    async def ask(
        self, client: AsyncWebClient, workspace_id: str, user_id: str
    ) -> Mapping[str, Any] | None:
        """What Slack says of a person now; None where it will not say.

        Raises:
            SlackApiError: Slack could not be asked now.
        """
        try:
            answer = await self._reads.read(workspace_id, client.users_info, user=user_id)
        except SlackApiError as error:
            if verdict(error).meaning is not ErrorKind.PERMANENT:
                raise
            log.info("person_not_read", workspace=workspace_id, reason=reason_of(error))
            return None
        user: Mapping[str, Any] = answer["user"]
        return user

    async def _read(self, workspace_id: str, wanted: Collection[str]) -> dict[str, Person]:
        async with self._db.reading() as reader:
            return await known(reader, workspace_id, wanted)

    async def _meet(
        self, client: AsyncWebClient, workspace_id: str, user_ids: Collection[str]
    ) -> dict[str, Person]:
        """Ask about people who are not remembered. Those read before a failure are remembered."""
        left, users = iter(user_ids), list[Mapping[str, Any]]()
        asking = (self._ask_each(client, workspace_id, left, users) for _ in range(AT_ONCE))
        failures = await asyncio.gather(*asking, return_exceptions=True)
        if users:
            async with self._db.transaction() as tx:
                await remember_all(tx, workspace_id, users, self._clock.now())
        for failure in failures:
            if failure is not None:
                raise failure
        return {user["id"]: person_from(workspace_id, user) for user in users}

    async def _ask_each(
        self,
        client: AsyncWebClient,
        workspace_id: str,
        left: Iterator[str],
        users: list[Mapping[str, Any]],
    ) -> None:
        for user_id in left:
            user = await self.ask(client, workspace_id, user_id)
            if user is not None:
                users.append(user)
