"""Compares what was decided with what Slack shows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from sqlalchemy import func, select

from bot.db import schema
from bot.db.engine import Database
from bot.outbox.enqueue import Operation, State
from bot.outbox.queue_heads import OPEN
from tests.chaos.sink import Sink
from tests.stub_slack.workspace import StubWorkspace

_messages = schema.messages
POSTS_PER_LINK = 3


@dataclass
class Count:
    """The counters that must be zero, with reasons. `messages` are those that people can see."""

    messages: int = 0
    other_operations: dict[str, int] = field(default_factory=dict)  # edits, pins, bookmarks
    lost: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    calls_during_backoff: int = 0  # calls before Retry-After was over
    final_states: dict[str, int] = field(default_factory=dict)  # held, failed or expired messages
    reasons: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicates or self.out_of_order or self.calls_during_backoff)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "reasons": []}

    def add(self, other: "Count") -> None:
        self.messages += other.messages
        self.lost += other.lost
        self.duplicates += other.duplicates
        self.out_of_order += other.out_of_order
        self.calls_during_backoff += other.calls_during_backoff
        self.other_operations = dict(
            Counter(self.other_operations) + Counter(other.other_operations)
        )
        self.final_states = dict(Counter(self.final_states) + Counter(other.final_states))

    def add_lost(self, description: str) -> None:
        self.lost += 1
        self.reasons.append(f"lost: {description}")

    def add_duplicate(self, description: str, times: int = 1) -> None:
        self.duplicates += times
        self.reasons.insert(0, f"duplicate: {description}")


async def remaining_work(db: Database) -> tuple[int, int]:
    """The numbers of due agenda items and of open messages."""
    async with db.reading() as reader:
        due = await reader.scalar(select(func.count()).select_from(schema.agenda))
        open_messages = (
            select(func.count()).select_from(_messages).where(_messages.c.state.in_(OPEN))
        )
        return due or 0, await reader.scalar(open_messages) or 0


async def count(db: Database, sink: Sink, links: int) -> Count:
    """Look for all messages of this number of links in Slack."""
    async with db.reading() as reader:
        rows = (await reader.execute(select(_messages))).all()
    sink.show_late_posts(inf)
    slack = sink.workspace
    found = Count(messages=len(slack.posts))
    found.other_operations = {
        "edits": len(slack.edits),
        "pins": len(slack.pins),
        "bookmarks": sum(map(len, slack.bookmarks.values())),
    }
    found.calls_during_backoff = sink.faults.calls_during_backoff
    found.final_states = dict(
        Counter(row.state for row in rows if row.state not in (State.SENT, *OPEN))
    )
    posts = [row for row in rows if row.operation == Operation.POST]
    if len(posts) != links * POSTS_PER_LINK:
        missing = links * POSTS_PER_LINK - len(posts)
        (found.add_lost if missing > 0 else found.add_duplicate)(f"{missing} messages of links")
    count_posts(found, [post.message_id for post in slack.posts], {row.message_id for row in posts})
    _count_order(found, slack)
    _count_edits_and_marks(found, slack)
    return found


def counts_in_slack(sink: Sink) -> Count:
    """What is wrong by what Slack shows alone, while the processes still work."""
    found = Count(calls_during_backoff=sink.faults.calls_during_backoff)
    ids = [post.message_id for post in sink.workspace.posts]
    count_posts(found, ids, set(ids))
    _count_order(found, sink.workspace)
    return found


def count_posts(found: Count, in_slack: Iterable[str], message_ids: set[str]) -> None:
    """Compare the ids of the messages in Slack with those of the queued ones."""
    seen = Counter(in_slack)
    for message_id in message_ids - seen.keys():
        found.add_lost(f"message {message_id}")
    for message_id, times in seen.items():
        extra = times - (message_id in message_ids)
        if extra:
            found.add_duplicate(f"message {message_id}, {times} times", extra)


def _count_order(found: Count, slack: StubWorkspace) -> None:
    for channel, posts in slack.by_channel.items():
        seen: set[str] = set()
        last = (0, 0)
        for post in posts:
            if post.message_id in seen:
                continue  # already counted as a duplicate
            seen.add(post.message_id)
            _, number, part = post.text.split(":")
            if (int(number), int(part)) <= last:
                found.out_of_order += 1
                found.reasons.append(f"out of order: {post.text} in {channel}")
            last = (int(number), int(part))


def _count_edits_and_marks(found: Count, slack: StubWorkspace) -> None:
    for channel, posts in slack.by_channel.items():
        marks = Counter(mark["link"].rsplit("/p", 1)[1] for mark in slack.bookmarks[channel])
        for post in posts:
            _, number, part = post.text.split(":")
            if part != "0":
                continue
            edited = slack.edits.get((channel, post.ts), "")
            if int(number) % 3 == 0 and not edited.endswith(" edited"):
                found.add_lost(f"the edit of {post.text}")
            if int(number) % 4 == 0 and (channel, post.ts) not in slack.pins:
                found.add_lost(f"the pin of {post.text}")
            if int(number) % 5 == 0 and not marks[post.ts]:
                found.add_lost(f"the bookmark of {post.text}")
            if marks[post.ts] > 1:
                found.add_duplicate(f"the bookmark of {post.text}")
