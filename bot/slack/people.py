"""People: read from Slack, stored in the database.

Slack is not asked here about people who are stored already: `bot.workspaces.profile_refresh`
refreshes them one by one, so that a weekly round waits for no lookup of somebody known.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import schema
from bot.db.engine import Database
from bot.db.upserts import padded, upsert_all
from bot.log import log
from bot.slack.errors import ErrorKind, classify, reason_of
from bot.slack.mrkdwn import clean, mentioned, plain_text, truncated, unescape
from bot.slack.throttled_reads import ThrottledReads

#: How long a stored profile is trusted if no event reports a change.
PROFILE_MAX_AGE = timedelta(days=30)
#: A deactivated account is refreshed sooner: we may only have been refused for a while. Checked
#: once a day, so it is refreshed within a week.
DEACTIVATED_PROFILE_MAX_AGE = timedelta(days=6)
#: People looked up at the same time: somebody may be waiting for a form.
MAX_CONCURRENT_LOOKUPS = 8
#: Slack's own helper is not marked as a bot in its profile.
SLACKBOT = "USLACKBOT"
#: Slack's own limit of a display name; longer ones come from other servers.
MAX_NAME_LENGTH = 80
MAX_ZONE_LENGTH = 64

_STORED_PEOPLE = select(schema.people).where(
    schema.people.c.workspace_id == bindparam("workspace_id"),
    schema.people.c.user_id.in_(bindparam("user_ids", expanding=True)),
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Slack's description of one person."""

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
        """Return whether this person may act: no bot, guest, outsider or deactivated account."""
        return not (self.is_bot or self.is_guest or self.is_external or self.is_deleted)


def person_of_row(row: RowMapping | Mapping[str, Any], workspace_id: str) -> Person:
    """Return the person in a row of `schema.people`."""
    return Person(
        user_id=row["user_id"],
        name=row["name"],
        zone=row["zone"],
        is_bot=row["is_bot"] or row["user_id"] == SLACKBOT,
        is_guest=row["is_guest"],
        is_external=row["team_id"] != workspace_id,
        is_deleted=row["is_deleted"],
        is_admin=row["is_admin"],
    )


def _columns(workspace_id: str, user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": _name(user),
        "zone": _zone(user.get("tz")),
        "team_id": _team_id(workspace_id, user),
        "is_bot": bool(user.get("is_bot")),
        "is_guest": bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        "is_deleted": _is_inactive(user),
        "is_admin": _is_admin(user),
    }


def _name(user: Mapping[str, Any]) -> str:
    """Return the first name that is shown, as plain text; Slack escapes names, and may hide them.

    People can type anything: line breaks, or characters that reverse the text around the name.
    """
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"))
    for name in (*names, user.get("name")):
        readable = " ".join(clean(unescape(name)).split()) if isinstance(name, str) else ""
        if readable:
            return truncated(readable, MAX_NAME_LENGTH)
    return str(user["id"])


def _zone(name: Any) -> str | None:
    return name if isinstance(name, str) and 0 < len(name) <= MAX_ZONE_LENGTH else None


def _team_id(workspace_id: str, user: Mapping[str, Any]) -> str | None:
    """Return our workspace for everybody who is in it, another's id or None for outsiders.

    On Enterprise Grid `team_id` may be another workspace's or the organisation's, or missing; the
    lists of their workspaces decide (https://github.com/slackapi/bolt-js/issues/1875).
    """
    organisation = user.get("enterprise_user") or {}
    listed = [*(user.get("teams") or ()), *(organisation.get("teams") or ())]
    if workspace_id in listed:
        return workspace_id
    team_id = listed[0] if listed else user.get("team_id")
    if team_id:
        return str(team_id)
    is_from_elsewhere = organisation or user.get("enterprise_id") or user.get("is_stranger")
    return None if is_from_elsewhere else workspace_id


def _is_inactive(user: Mapping[str, Any]) -> bool:
    """Return whether the account is deactivated, or its invitation not accepted yet."""
    return bool(user.get("deleted") or user.get("is_invited_user"))


def _is_admin(user: Mapping[str, Any]) -> bool:
    return bool(user.get("is_admin") or user.get("is_owner"))


async def store_person(
    tx: AsyncConnection, workspace_id: str, user: Mapping[str, Any], now: datetime
) -> None:
    """Store a person from a users.info answer or a user_change event."""
    await store_people(tx, workspace_id, [user], now)


async def store_people(
    tx: AsyncConnection, workspace_id: str, users: Iterable[Mapping[str, Any]], now: datetime
) -> None:
    """Store several people in one statement."""
    key = {"workspace_id": workspace_id, "refreshed_at": now}
    rows = [{**key, "user_id": user["id"], **_columns(workspace_id, user)} for user in users]
    await upsert_all(tx, schema.people, rows)


async def stored_people(
    tx: AsyncConnection, workspace_id: str, user_ids: Iterable[str]
) -> dict[str, Person]:
    """Return the people among these that are stored, however old."""
    rows = await _stored_rows(tx, workspace_id, set(user_ids))
    return {user_id: person_of_row(row, workspace_id) for user_id, row in rows.items()}


async def stored_name(tx: AsyncConnection, workspace_id: str, user_id: str) -> str:
    """Return the stored name of a person, who may be outside a phase's team, or their id."""
    people = await stored_people(tx, workspace_id, [user_id])
    return people[user_id].name if user_id in people else user_id


async def _stored_rows(
    tx: AsyncConnection, workspace_id: str, user_ids: Collection[str]
) -> dict[str, RowMapping]:
    if not user_ids:
        return {}
    key = {"workspace_id": workspace_id, "user_ids": padded(user_ids)}
    rows = await tx.execute(_STORED_PEOPLE, key)
    return {row["user_id"]: row for row in rows.mappings()}


def person_from(workspace_id: str, user: Mapping[str, Any]) -> Person:
    """Return the person described by a users.info answer or a user_change event."""
    columns = _columns(workspace_id, user)
    return person_of_row({"user_id": user["id"], **columns}, workspace_id)


async def stored_ids(tx: AsyncConnection, workspace_id: str) -> tuple[str, ...]:
    """Return the ids of all stored people."""
    return await _ids(tx, workspace_id)


async def ids_to_refresh(tx: AsyncConnection, workspace_id: str, now: datetime) -> tuple[str, ...]:
    """Return the ids of people whose stored profile is old enough to refresh."""
    return await _ids(tx, workspace_id, is_stale(now))


def is_stale(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a stored profile is old enough to refresh."""
    people = schema.people
    closed = and_(people.c.is_deleted, people.c.refreshed_at <= now - DEACTIVATED_PROFILE_MAX_AGE)
    return or_(people.c.refreshed_at <= now - PROFILE_MAX_AGE, closed)


async def _ids(
    tx: AsyncConnection, workspace_id: str, *conditions: ColumnElement[bool]
) -> tuple[str, ...]:
    people = schema.people
    query = select(people.c.user_id).where(people.c.workspace_id == workspace_id, *conditions)
    return tuple(await tx.scalars(query.order_by(people.c.user_id)))


async def mark_refreshed(
    tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> None:
    """Note that Slack had nothing new about a person.

    The stored profile counts as fresh for as long again.
    """
    people = schema.people
    await tx.execute(
        update(people)
        .where(people.c.workspace_id == workspace_id, people.c.user_id == user_id)
        .values(refreshed_at=now)
    )


async def mark_unreachable(
    tx: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> None:
    """Mark a person as deactivated, since Slack refused to message them.

    The next profile from Slack overrides this.
    """
    people = schema.people
    changed = await tx.execute(
        update(people)
        .where(people.c.workspace_id == workspace_id, people.c.user_id == user_id)
        .values(is_deleted=True, refreshed_at=now)
    )
    if not changed.rowcount:
        await store_person(tx, workspace_id, {"id": user_id, "deleted": True}, now)


async def stored_admins(tx: AsyncConnection, workspace_id: str) -> tuple[Person, ...]:
    """Return the workspace admins who are stored and can be messaged."""
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
    admins = (person_of_row(row, workspace_id) for row in rows.mappings())
    return tuple(person for person in admins if person.is_full_member)


def admins_among(users: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those of Slack's users who are admins and whose account is active."""
    return [user for user in users if _is_admin(user) and not _is_inactive(user)]


class People:
    """Reads of people. Never used inside a transaction."""

    def __init__(self, db: Database, clock: Clock, reads: ThrottledReads) -> None:
        self._db = db
        self._clock = clock
        self._reads = reads

    async def get_many(
        self, client: AsyncWebClient, workspace_id: str, user_ids: Iterable[str]
    ) -> dict[str, Person]:
        """Return the people with these ids; those Slack does not know are left out.

        Raises:
            SlackApiError: Slack could not be asked now about someone not stored.
        """
        wanted = tuple(dict.fromkeys(user_ids))
        people = await self._read_stored(workspace_id, wanted)
        if unknown := [user_id for user_id in wanted if user_id not in people]:
            people |= await self._read_from_slack(client, workspace_id, unknown)
        return {user_id: people[user_id] for user_id in wanted if user_id in people}

    async def get(self, client: AsyncWebClient, workspace_id: str, user_id: str) -> Person | None:
        return (await self.get_many(client, workspace_id, [user_id])).get(user_id)

    async def plain_text(self, client: AsyncWebClient, workspace_id: str, text: str) -> str:
        """Return text that Slack escaped, as its writer saw it, with the names of people.

        Somebody waits for the answer: if Slack cannot be asked about a stranger, no name is shown.
        """
        mentioned_ids = mentioned(text)
        try:
            people = await self.get_many(client, workspace_id, mentioned_ids)
        except (SlackApiError, ClientError, TimeoutError) as error:
            log.warning("mentioned_people_not_read", reason=classify(error).reason)
            people = await self._read_stored(workspace_id, mentioned_ids)
        return plain_text(text, {user_id: person.name for user_id, person in people.items()})

    async def fetch_profile(
        self, client: AsyncWebClient, workspace_id: str, user_id: str
    ) -> Mapping[str, Any] | None:
        """Return Slack's current profile of a person, or None if it gives none.

        Raises:
            SlackApiError: Slack could not be asked now.
        """
        try:
            answer = await self._reads.read(workspace_id, client.users_info, user=user_id)
        except SlackApiError as error:
            if classify(error).kind is not ErrorKind.PERMANENT:
                raise
            log.info("person_not_read", workspace=workspace_id, reason=reason_of(error))
            return None
        user: Mapping[str, Any] = answer["user"]
        return user

    async def _read_stored(self, workspace_id: str, wanted: Collection[str]) -> dict[str, Person]:
        async with self._db.reading() as reader:
            return await stored_people(reader, workspace_id, wanted)

    async def _read_from_slack(
        self, client: AsyncWebClient, workspace_id: str, user_ids: Collection[str]
    ) -> dict[str, Person]:
        """Read people who are not stored. Those read before a failure are stored."""
        remaining, users = iter(user_ids), list[Mapping[str, Any]]()
        lookups = (
            self._ask_each(client, workspace_id, remaining, users)
            for _ in range(MAX_CONCURRENT_LOOKUPS)
        )
        failures = await asyncio.gather(*lookups, return_exceptions=True)
        if users:
            async with self._db.transaction() as tx:
                await store_people(tx, workspace_id, users, self._clock.now())
        for failure in failures:
            if failure is not None:
                raise failure
        return {user["id"]: person_from(workspace_id, user) for user in users}

    async def _ask_each(
        self,
        client: AsyncWebClient,
        workspace_id: str,
        remaining: Iterator[str],
        users: list[Mapping[str, Any]],
    ) -> None:
        for user_id in remaining:
            user = await self.fetch_profile(client, workspace_id, user_id)
            if user is not None:
                users.append(user)
