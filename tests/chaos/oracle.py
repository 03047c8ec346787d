"""What was decided, held against what Slack shows."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from sqlalchemy import func, select

from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import Operation, State
from bot.outbox.queue_heads import OPEN
from tests.chaos.sink import Sink

_messages = schema.messages
POSTS_OF_A_LINK = 3


@dataclass
class Count:
    """What must be zero, and what explains it. `messages` are those that people can see."""

    messages: int = 0
    others: dict[str, int] = field(default_factory=dict)  # done besides: edits, pins, bookmarks
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    impatient: int = 0  # calls during a silence that Slack asked for
    ends: dict[str, int] = field(default_factory=dict)  # held, failed, expired: explicit ends
    why: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.twice or self.out_of_order or self.impatient)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "why": []}

    def add(self, other: "Count") -> None:
        self.messages += other.messages
        self.lost += other.lost
        self.twice += other.twice
        self.out_of_order += other.out_of_order
        self.impatient += other.impatient
        self.others = dict(Counter(self.others) + Counter(other.others))
        self.ends = dict(Counter(self.ends) + Counter(other.ends))

    def lose(self, what: str) -> None:
        self.lost += 1
        self.why.append(f"lost: {what}")

    def double(self, what: str, times: int = 1) -> None:
        self.twice += times
        self.why.insert(0, f"twice: {what}")


async def left(db: Database) -> tuple[int, int]:
    """How much is due, and how many messages are on their way."""
    async with db.reading() as reader:
        due = await reader.scalar(select(func.count()).select_from(schema.agenda))
        way = select(func.count()).select_from(_messages).where(_messages.c.state.in_(OPEN))
        return due or 0, await reader.scalar(way) or 0


async def count(db: Database, sink: Sink, decided: int) -> Count:
    """Everything that `decided` links said, looked for at the far side."""
    async with db.reading() as reader:
        rows = (await reader.execute(select(_messages))).all()
    sink.show_late(inf)
    found = Count(messages=sum(map(len, sink.channels.values())))
    found.others = {
        "edits": len(sink.edits),
        "pins": len(sink.pins),
        "bookmarks": sum(map(len, sink.bookmarks.values())),
    }
    found.impatient = sink.faults.impatient
    found.ends = dict(Counter(row.state for row in rows if row.state not in (State.SENT, *OPEN)))
    posts = [row for row in rows if row.operation == Operation.POST]
    if len(posts) != decided * POSTS_OF_A_LINK:
        missing = decided * POSTS_OF_A_LINK - len(posts)
        (found.lose if missing > 0 else found.double)(f"{missing} messages of links")
    _count_posts(found, sink, {row.message_id for row in posts})
    _count_order(found, sink)
    _count_edits_and_marks(found, sink)
    return found


def _count_posts(found: Count, sink: Sink, idents: set[str]) -> None:
    seen = Counter(post.ident for channel in sink.channels.values() for post in channel)
    for ident in idents:
        if not seen[ident]:
            found.lose(f"message {ident}")
    for ident, times in seen.items():
        extra = times - (ident in idents)
        if extra:
            found.double(f"message {ident}, {times} times", extra)


def _count_order(found: Count, sink: Sink) -> None:
    for channel, posts in sink.channels.items():
        seen: set[str] = set()
        last = (0, 0)
        for post in posts:
            if post.ident in seen:
                continue  # counted as twice already
            seen.add(post.ident)
            _, number, part = post.text.removesuffix(" edited").split(":")
            if (int(number), int(part)) <= last:
                found.out_of_order += 1
                found.why.append(f"out of order: {post.text} in {channel}")
            last = (int(number), int(part))


def _count_edits_and_marks(found: Count, sink: Sink) -> None:
    marks: dict[str, Counter[str]] = defaultdict(Counter)
    for channel, listed in sink.bookmarks.items():
        marks[channel] = Counter(mark["link"].rsplit("/p", 1)[1] for mark in listed)
    for channel, posts in sink.channels.items():
        for post in posts:
            _, number, part = post.text.removesuffix(" edited").split(":")
            if part != "0":
                continue
            if int(number) % 3 == 0 and not post.text.endswith(" edited"):
                found.lose(f"the edit of {post.text}")
            if int(number) % 4 == 0 and (channel, post.ts) not in sink.pins:
                found.lose(f"the pin of {post.text}")
            if int(number) % 5 == 0 and not marks[channel][post.ts]:
                found.lose(f"the bookmark of {post.text}")
            if marks[channel][post.ts] > 1:
                found.double(f"the bookmark of {post.text}")
