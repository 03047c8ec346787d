"""The actual state: the database's rows and the bot's messages in Slack."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.playground.fake_slack.model import Json
from bot.playground.server import FakeSlack
from tests.harness import BotHarness
from tests.model.world import World

Rows = list[RowMapping]
#: Counts of the ballots and secrets of each round.
BALLOTS = "SELECT round_id, count(*) FROM ballots GROUP BY round_id"
SECRETS = "SELECT round_id, count(*) FROM round_secrets GROUP BY round_id"


@dataclass(frozen=True, kw_only=True)
class BotMessage:
    """A message by the bot in Slack."""

    channel: str
    to: str | None  # the recipient of a direct message
    message_id: str
    at: datetime
    ts: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The whole state at one moment, with nothing in progress."""

    phases: Rows
    people: Rows
    rounds: Rows
    round_people: Rows
    figures: Rows
    items: Rows
    decisions: Rows
    promises: Rows
    agenda: Rows
    messages: Rows
    ballots: dict[str, int]
    secrets: dict[str, int]
    bot_messages: tuple[BotMessage, ...]

    def phase(self, phase_id: str) -> RowMapping:
        return next(row for row in self.phases if row["phase_id"] == phase_id)

    def rounds_of(self, phase_id: str) -> Rows:
        found = [row for row in self.rounds if row["phase_id"] == phase_id]
        return sorted(found, key=lambda row: row["number"])

    def with_key_prefix(self, prefix: str) -> dict[str, RowMapping]:
        """Return the messages whose keys start with the prefix, by the rest of the key."""
        return {
            row["key"].removeprefix(prefix): row
            for row in self.messages
            if row["key"].startswith(prefix)
        }


def collect(world: World) -> Evidence:
    return world.do(read_evidence(world.harness))


async def read_evidence(harness: BotHarness) -> Evidence:
    async with harness.bot.db.reading() as reader:
        return Evidence(
            phases=await _all(reader, schema.phases),
            people=await _all(reader, schema.phase_people),
            rounds=await _all(reader, schema.rounds),
            round_people=await _all(reader, schema.round_people),
            figures=await _all(reader, schema.question_levels),
            items=await _all(reader, schema.set_aside_items),
            decisions=await _all(reader, schema.decisions),
            promises=await _all(reader, schema.promises),
            agenda=await _all(reader, schema.agenda),
            messages=await _all(reader, schema.messages),
            ballots=await _counts(reader, BALLOTS),
            secrets=await _counts(reader, SECRETS),
            bot_messages=tuple(_bot_messages(harness.slack)),
        )


async def _all(reader: AsyncConnection, table: Table) -> Rows:
    return list((await reader.execute(select(table))).mappings())


async def _counts(reader: AsyncConnection, query: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await reader.execute(text(query))}


def _bot_messages(slack: FakeSlack) -> Iterator[BotMessage]:
    for conversation in slack.workspace.conversations.values():
        for message in conversation.messages.values():
            if message.get("bot_id"):
                yield BotMessage(
                    channel=conversation.id,
                    to=conversation.other_than(message["user"]) if conversation.is_im else None,
                    message_id=_id_of(message),
                    at=datetime.fromtimestamp(int(message["ts"].split(".")[0]), UTC),
                    ts=message["ts"],
                )


def _id_of(message: Json) -> str:
    metadata: dict[str, Any] = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("id", ""))


def duplicate_ids(bot_messages: tuple[BotMessage, ...]) -> list[str]:
    """Return the ids of messages that are in Slack more than once.

    Messages posted through a response_url have none.
    """
    ids = Counter(each.message_id for each in bot_messages if each.message_id)
    return [one for one, times in ids.items() if times > 1]
