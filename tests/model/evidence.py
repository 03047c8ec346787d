"""What is true: the database's rows and Slack's messages, as the machine compares them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.playground.fake_slack.model import Json
from tests.model.world import World

Rows = list[RowMapping]
#: How many ballots and secrets each round has.
BALLOTS = "SELECT round_id, count(*) FROM ballots GROUP BY round_id"
SECRETS = "SELECT round_id, count(*) FROM round_secrets GROUP BY round_id"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message of the bot in Slack."""

    channel: str
    to: str | None  # the person whose direct messages these are
    message_id: str
    at: datetime
    ts: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All of it, at one moment at which nothing is under way."""

    phases: Rows
    people: Rows
    rounds: Rows
    round_people: Rows
    figures: Rows
    items: Rows
    agenda: Rows
    messages: Rows
    ballots: dict[str, int]
    secrets: dict[str, int]
    said: tuple[Said, ...]

    def phase(self, phase_id: str) -> RowMapping:
        return next(row for row in self.phases if row["phase_id"] == phase_id)

    def rounds_of(self, phase_id: str) -> Rows:
        found = [row for row in self.rounds if row["phase_id"] == phase_id]
        return sorted(found, key=lambda row: row["number"])

    def keys(self, start: str) -> dict[str, RowMapping]:
        """The messages whose keys begin so, by what follows."""
        return {
            row["key"].removeprefix(start): row
            for row in self.messages
            if row["key"].startswith(start)
        }


def look(world: World) -> Evidence:
    return world.do(_look(world))


async def _look(world: World) -> Evidence:
    async with world.harness.bot.db.reading() as reader:
        return Evidence(
            phases=await _all(reader, schema.phases),
            people=await _all(reader, schema.phase_people),
            rounds=await _all(reader, schema.rounds),
            round_people=await _all(reader, schema.round_people),
            figures=await _all(reader, schema.question_levels),
            items=await _all(reader, schema.set_aside_items),
            agenda=await _all(reader, schema.agenda),
            messages=await _all(reader, schema.messages),
            ballots=await _counted(reader, BALLOTS),
            secrets=await _counted(reader, SECRETS),
            said=tuple(_said(world)),
        )


async def _all(reader: AsyncConnection, table: Table) -> Rows:
    return list((await reader.execute(select(table))).mappings())


async def _counted(reader: AsyncConnection, query: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await reader.execute(text(query))}


def _said(world: World) -> Iterator[Said]:
    for conversation in world.slack.workspace.conversations.values():
        for message in conversation.messages.values():
            if message.get("bot_id"):
                yield Said(
                    channel=conversation.id,
                    to=conversation.other_than(message["user"]) if conversation.is_im else None,
                    message_id=_id_of(message),
                    at=datetime.fromtimestamp(int(message["ts"].split(".")[0]), UTC),
                    ts=message["ts"],
                )


def _id_of(message: Json) -> str:
    metadata: dict[str, Any] = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("id", ""))


def twice(said: tuple[Said, ...]) -> list[str]:
    """The ids of messages that are in Slack more than once."""
    return [one for one, times in Counter(each.message_id for each in said).items() if times > 1]
