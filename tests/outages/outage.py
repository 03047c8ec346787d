"""One outage of PostgreSQL under load, of any length: what people were told, and what is so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bot.clock import Clock, real_now
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.playground.server import FakeSlack
from bot.slack.content import content, section
from tests.conftest import MANIFEST
from tests.harness import BEN, LAUNCH, WORKSPACE
from tests.outages.bot_process import Running, environment, open_round, running
from tests.outages.load import SILENCE, Crowd, Member
from tests.outages.tcp_proxy import Wire, wire
from tests.postgres import PORT, OwnServer

BEFORE_SECONDS = 1.0
BACK_SECONDS = 40.0
#: How long people wait in the short form, beside other tests. Slack waits for 3 s; `make chaos`
#: holds an outage of a minute to that.
SHORT_FORM_WAITS = 7.0


class Kind(StrEnum):
    """How the database goes away."""

    CRASH = "crash"  # ends at once, connections are closed, comes back and recovers
    CUT = "cut"  # the network swallows everything; afterwards old connections are reset
    HANG = "hang"  # the same, but everything held back arrives late


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of it."""

    kind: Kind
    seconds: float
    told: Counter[str]  # what people were told, and how often
    slowest: float  # answer to a person, in seconds
    misled: tuple[str, ...]
    silent: int  # attempts that got no answer
    messages: Counter[str]  # how often each text of ours is in Slack
    expected: int
    alive: bool
    log_lines: int  # warnings and worse

    @property
    def lost(self) -> int:
        return self.expected - len(self.messages)

    @property
    def twice(self) -> int:
        return sum(count - 1 for count in self.messages.values())

    def line(self) -> str:
        told = ", ".join(f"{count} {meaning}" for meaning, count in sorted(self.told.items()))
        return (
            f"{self.kind} {self.seconds:g} s: answers {told}; slowest {self.slowest:.2f} s; "
            f"misled {len(self.misled)}; messages {self.expected}, lost {self.lost}, "
            f"twice {self.twice}; log lines {self.log_lines}"
        )


async def outage(
    server: OwnServer, folder: Path, kind: Kind, *, seconds: float, people: int = 24
) -> Seen:
    """Let people answer and messages go out while the database is away for so long."""
    url = server.create()
    await migrate(url)
    slack = FakeSlack(clock=Clock().now, manifest=MANIFEST)
    await slack.start()
    db = Database(url)
    try:
        async with wire(server.home / f".s.PGSQL.{PORT}") as line:
            members = tuple(f"U1M{number:03}" for number in range(people))
            await open_round(db, members)
            moved_in(slack, members)
            crowd = Crowd(slack=slack, members=[Member(user_id=one) for one in members])
            async with running(folder, environment(line.url(url), slack)) as bot:
                return await _suffer(server, line, bot, crowd, db, kind, seconds)
    finally:
        await db.close()
        await slack.stop()


async def _suffer(
    server: OwnServer,
    line: Wire,
    bot: Running,
    crowd: Crowd,
    db: Database,
    kind: Kind,
    seconds: float,
) -> Seen:
    answering = asyncio.create_task(crowd.answer_until_stopped())
    await asyncio.sleep(BEFORE_SECONDS)
    expected = await say_something(db, tuple(one.user_id for one in crowd.members))
    async with _away(server, line, kind):
        await asyncio.sleep(seconds)
        crowd.tire()
    await bot.until_said("database_back", BACK_SECONDS)
    await asyncio.sleep(BEFORE_SECONDS)
    crowd.stop()
    await answering
    await _until(lambda: len(messages_in(crowd.slack)) == expected, BACK_SECONDS)
    return Seen(
        kind=kind,
        seconds=seconds,
        told=crowd.counts(),
        slowest=crowd.slowest(),
        misled=tuple(await crowd.misled(db)),
        silent=crowd.counts()[SILENCE],
        messages=messages_in(crowd.slack),
        expected=expected,
        alive=bot.is_alive,
        log_lines=sum('"level": "info"' not in line for line in bot.lines()),
    )


@asynccontextmanager
async def _away(server: OwnServer, line: Wire, kind: Kind) -> AsyncIterator[None]:
    if kind is Kind.CRASH:
        await asyncio.to_thread(server.die)
        yield
        await asyncio.to_thread(server.start)
        return
    line.cut()
    yield
    line.mend(forgotten=kind is Kind.CUT)


async def say_something(db: Database, members: tuple[str, ...]) -> int:
    """A message to each, on its way when the database goes. Returns how many there are."""
    async with db.transaction() as tx:
        for member in members:
            text = f"Message for {member}"
            await enqueue.post(
                tx,
                WORKSPACE,
                key=MessageKey(f"outage:{member}"),
                to=member,
                content=content(text, section(text)),
                now=real_now(),
            )
    return len(members)


def messages_in(slack: FakeSlack) -> Counter[str]:
    """How often each of them is in Slack."""
    said = [
        message["text"]
        for conversation in slack.workspace.conversations.values()
        for message in conversation.messages.values()
    ]
    return Counter(text for text in said if text.startswith("Message for "))


def moved_in(slack: FakeSlack, members: tuple[str, ...]) -> None:
    """Let them be people of the fake Slack's workspace, and of the phase's channel."""
    ben = slack.workspace.users[BEN]
    for member in members:
        slack.workspace.users[member] = replace(ben, id=member, name=member.lower())
        slack.workspace.conversations[LAUNCH].members.append(member)


async def _until(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait for something of ours; after so many seconds the counts tell what is missing."""
    for _ in range(int(seconds * 10)):
        if is_so():
            return
        await asyncio.sleep(0.1)
