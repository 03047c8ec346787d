"""What the bot told its people and wrote down, held against what Slack shows."""

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import select

from bot.clock import real_now
from bot.db import schema
from bot.outbox.enqueue import Operation, State
from bot.outbox.queue_heads import OPEN
from bot.outbox.web_api import METADATA_TYPE
from bot.playground.fake_slack import example_workspace
from bot.playground.server import FakeSlack
from tests.chaos.oracle import Count
from tests.chaos.whole_bot_people import NUMBERED, People, begun
from tests.chaos.whole_bot_run import Play

_messages = schema.messages


async def count(play: Play, people: People) -> Count:
    """Messages, phases and answers: what is missing, and what is there twice."""
    async with play.db.reading() as reader:
        rows = (await reader.execute(select(_messages))).all()
    found = Count(messages=len(_ours(play.slack)))
    conversations = play.slack.workspace.conversations.values()
    found.others = {
        "edits": sum("edited" in message for _, message in _ours(play.slack)),
        "pins": sum(len(one.pins) for one in conversations),
        "bookmarks": sum(len(one.bookmarks) for one in conversations),
    }
    ends = (row for row in rows if row.state not in (State.SENT, *OPEN))
    found.ends = dict(Counter(f"{row.state} {row.operation}: {row.error}" for row in ends))
    due = [row for row in rows if row.not_before <= real_now()]
    _count_posts(
        found, play.slack, {row.message_id for row in due if row.operation == Operation.POST}
    )
    _count_order(found, play.slack)
    for number in people.phases:
        times = await begun(play, number)
        if times != 1:
            (found.double if times else found.lose)(f"phase {number}, begun {times} times")
    for sentence in await people.crowd.misled(play.db):
        found.lose(f"an answer: {sentence}")
    return found


def _ours(slack: FakeSlack) -> list[tuple[str, dict[str, Any]]]:
    """Channel and message of everything the bot posted, oldest first."""
    return [
        (conversation.id, message)
        for conversation in slack.workspace.conversations.values()
        for message in conversation.messages.values()
        if message.get("user") == example_workspace.BOT_USER_ID and "subtype" not in message
    ]


def _count_posts(found: Count, slack: FakeSlack, idents: set[str]) -> None:
    seen = Counter(
        message["metadata"]["event_payload"]["id"]
        for _, message in _ours(slack)
        if message.get("metadata", {}).get("event_type") == METADATA_TYPE
    )
    for ident in idents - seen.keys():
        found.lose(f"message {ident}")
    for ident, times in seen.items():
        extra = times - (ident in idents)
        if extra:
            found.double(f"message {ident}, {times} times", extra)


def _count_order(found: Count, slack: FakeSlack) -> None:
    last: dict[str, int] = defaultdict(lambda: -1)
    for channel, message in _ours(slack):
        if not message["text"].startswith(NUMBERED):
            continue
        number = int(message["text"].removeprefix(NUMBERED))
        if number <= last[channel]:
            found.out_of_order += 1
            found.why.append(f"out of order: {message['text']} in {channel}")
        last[channel] = max(last[channel], number)
