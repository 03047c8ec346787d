"""Compares what the bot acknowledged and stored with what Slack shows."""

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
from tests.chaos.oracle import Count, count_posts
from tests.chaos.whole_bot_people import NUMBERED, People, phase_count
from tests.chaos.whole_bot_run import WholeBotRun

_messages = schema.messages


async def count(run: WholeBotRun, people: People) -> Count:
    """Count messages, phases and answers that are missing or duplicated."""
    async with run.db.reading() as reader:
        rows = (await reader.execute(select(_messages))).all()
    found = Count(messages=len(_bot_messages(run.slack)))
    conversations = run.slack.workspace.conversations.values()
    found.other_operations = {
        "edits": sum("edited" in message for _, message in _bot_messages(run.slack)),
        "pins": sum(len(one.pins) for one in conversations),
        "bookmarks": sum(len(one.bookmarks) for one in conversations),
    }
    not_sent = (row for row in rows if row.state not in (State.SENT, *OPEN))
    found.final_states = dict(
        Counter(f"{row.state} {row.operation}: {row.error}" for row in not_sent)
    )
    due = [row for row in rows if row.not_before <= real_now()]
    queued = {row.message_id for row in due if row.operation == Operation.POST}
    count_posts(found, ids_in_slack(run.slack), queued)
    _count_order(found, run.slack)
    for number in people.phases:
        times = await phase_count(run, number)
        if times != 1:
            (found.add_duplicate if times else found.add_lost)(
                f"phase {number}, started {times} times"
            )
    for sentence in await people.crowd.misled(run.db):
        found.add_lost(f"an answer: {sentence}")
    return found


def _bot_messages(slack: FakeSlack) -> list[tuple[str, dict[str, Any]]]:
    """Channel and content of every message that the bot posted, oldest first."""
    return [
        (conversation.id, message)
        for conversation in slack.workspace.conversations.values()
        for message in conversation.messages.values()
        if message.get("user") == example_workspace.BOT_USER_ID and "subtype" not in message
    ]


def ids_in_slack(slack: FakeSlack) -> list[str]:
    """The message ids in the metadata of the bot's messages."""
    return [
        message["metadata"]["event_payload"]["id"]
        for _, message in _bot_messages(slack)
        if message.get("metadata", {}).get("event_type") == METADATA_TYPE
    ]


def _count_order(found: Count, slack: FakeSlack) -> None:
    last: dict[str, int] = defaultdict(lambda: -1)
    for channel, message in _bot_messages(slack):
        if not message["text"].startswith(NUMBERED):
            continue
        number = int(message["text"].removeprefix(NUMBERED))
        if number <= last[channel]:
            found.out_of_order += 1
            found.reasons.append(f"out of order: {message['text']} in {channel}")
        last[channel] = max(last[channel], number)
