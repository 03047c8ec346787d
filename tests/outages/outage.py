"""One outage of PostgreSQL under load: the responses people got against what was saved."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bot.clock import Clock, real_now
from bot.db.engine import Database
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.playground.server import FakeSlack
from bot.slack.content import content, section
from tests.conftest import running_fake_slack
from tests.harness import BEN, KEY_RING, LAUNCH, WORKSPACE
from tests.outages.bot_process import BotProcess, environment, open_round, started_bot
from tests.outages.load import NO_ANSWER, Crowd, Member
from tests.outages.tcp_proxy import TcpProxy, tcp_proxy
from tests.postgres import PORT, OwnServer

BEFORE_SECONDS = 1.0
RECOVERY_SECONDS = 40.0
#: How long people wait here, beside other tests. Slack waits for 3 s; `make chaos` holds an outage
#: of a minute to that.
ACK_SECONDS_UNDER_LOAD = 7.0


class OutageKind(StrEnum):
    """The way the database goes away."""

    CRASH = "crash"  # it ends at once, connections are closed, and it recovers after a restart
    CUT = "cut"  # the network swallows everything; afterwards old connections are reset
    HANG = "hang"  # the same, but everything held back arrives late


@dataclass(frozen=True, kw_only=True)
class OutageResult:
    """The outcome of one outage."""

    kind: OutageKind
    seconds: float
    outcomes: Counter[str]  # responses to people
    slowest: float  # response to a person, in seconds
    misled: tuple[str, ...]
    unanswered: int  # attempts that got no answer
    messages: Counter[str]  # copies of each of our texts in Slack
    expected: int
    alive: bool
    log_lines: int  # at least warnings

    @property
    def lost(self) -> int:
        return self.expected - len(self.messages)

    @property
    def duplicates(self) -> int:
        return sum(count - 1 for count in self.messages.values())

    def summary(self) -> str:
        outcomes = ", ".join(
            f"{count} {meaning}" for meaning, count in sorted(self.outcomes.items())
        )
        return (
            f"{self.kind} {self.seconds:g} s: answers {outcomes}; slowest {self.slowest:.2f} s; "
            f"misled {len(self.misled)}; messages {self.expected}, lost {self.lost}, "
            f"duplicated {self.duplicates}; log lines {self.log_lines}"
        )


async def outage(
    server: OwnServer, folder: Path, kind: OutageKind, *, seconds: float, people: int = 24
) -> OutageResult:
    """Take the database away for some seconds, while people answer and messages go out."""
    url = server.create(await asyncio.to_thread(server.migrated_template))
    db = Database(url, KEY_RING)
    try:
        async with (
            running_fake_slack(Clock()) as slack,
            tcp_proxy(server.home / f".s.PGSQL.{PORT}") as proxy,
        ):
            members = tuple(f"U1M{number:03}" for number in range(people))
            await open_round(db, members)
            add_members(slack, members)
            crowd = Crowd(slack=slack, members=[Member(user_id=one) for one in members])
            async with started_bot(folder, environment(proxy.url(url), slack)) as bot:
                return await _run_outage(server, proxy, bot, crowd, db, kind, seconds)
    finally:
        await db.close()


async def _run_outage(
    server: OwnServer,
    proxy: TcpProxy,
    bot: BotProcess,
    crowd: Crowd,
    db: Database,
    kind: OutageKind,
    seconds: float,
) -> OutageResult:
    answering = asyncio.create_task(crowd.answer_until_stopped())
    await asyncio.sleep(BEFORE_SECONDS)
    expected = await queue_messages(db, tuple(one.user_id for one in crowd.members))
    async with _database_away(server, proxy, kind):
        await asyncio.sleep(seconds)
        crowd.stop_half()
    await bot.wait_for_event("database_recovered", RECOVERY_SECONDS)
    await asyncio.sleep(BEFORE_SECONDS)
    crowd.stop()
    await answering
    await _until(lambda: len(messages_in(crowd.slack)) == expected, RECOVERY_SECONDS)
    return OutageResult(
        kind=kind,
        seconds=seconds,
        outcomes=crowd.counts(),
        slowest=crowd.slowest(),
        misled=tuple(await crowd.misled(db)),
        unanswered=crowd.counts()[NO_ANSWER],
        messages=messages_in(crowd.slack),
        expected=expected,
        alive=bot.is_alive,
        log_lines=sum('"level": "info"' not in line for line in bot.lines()),
    )


@asynccontextmanager
async def _database_away(
    server: OwnServer, proxy: TcpProxy, kind: OutageKind
) -> AsyncIterator[None]:
    if kind is OutageKind.CRASH:
        await asyncio.to_thread(server.die)
        yield
        await asyncio.to_thread(server.start)
        return
    proxy.cut()
    yield
    proxy.restore(reset=kind is OutageKind.CUT)


async def queue_messages(db: Database, members: tuple[str, ...]) -> int:
    """Queue a message to each member, just before the database goes. Returns their number."""
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
    """The copies of each queued message in Slack."""
    texts = [
        message["text"]
        for conversation in slack.workspace.conversations.values()
        for message in conversation.messages.values()
    ]
    return Counter(text for text in texts if text.startswith("Message for "))


def add_members(slack: FakeSlack, members: tuple[str, ...]) -> None:
    """Add people to the fake Slack's workspace and to the phase's channel."""
    ben = slack.workspace.users[BEN]
    for member in members:
        slack.workspace.users[member] = replace(ben, id=member, name=member.lower())
        slack.workspace.conversations[LAUNCH].members.append(member)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition. After a timeout, the counts of the result show what is missing."""
    for _ in range(int(seconds * 10)):
        if condition():
            return
        await asyncio.sleep(0.1)
