"""`python -m bot outbox`: messages that need a decision, and the decisions about them.

It can be used while the bot is running. It prints ids and reasons, never texts, people or keys.
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import real_now
from bot.db.engine import Database
from bot.operations import message_decisions, message_names
from bot.operations.database_command import open_database, print_table
from bot.operations.durations import humanize_duration
from bot.operations.message_decisions import Decision, decide
from bot.outbox import admin_queries
from bot.outbox.admin_queries import ListedMessage
from bot.outbox.enqueue import State
from bot.outbox.queued_message import SlackLocation
from bot.settings import load
from bot.slack.errors import Refused
from bot.slack.links import parse_message_link
from bot.workspaces.store import OPERATOR

MAY_BE_DUPLICATE = (
    "Nothing was changed: {id} may be in Slack already, and would then be seen twice. Look there "
    "first. To post it again all the same, repeat this with --yes."
)
DONE = {
    Decision.AGAIN: "{id} is posted again.",
    Decision.THERE: "{id} is in Slack; from now on it can be edited there.",
    Decision.DROP: "{id} is never said.",
}
HALTED = "Nothing is sent in {workspace} for now ({reason}): it waits for that."
NONE = "No message is in the state {states}."
MORE = "And {count} more: --limit shows them."
HEAD = ("ID", "STATE", "WORKSPACE", "AGE", "TRIES", "WHERE", "WHAT", "REASON")


async def run(options: argparse.Namespace) -> int:
    """Carry out a parsed subcommand. Return 0, or 1 if something was refused.

    Raises:
        NotStarted: there is no usable database.
    """
    async with open_database(load()) as db:
        if options.doing == "list":
            return await _list(db, options)
        return await _decide(db, options)


async def _list(db: Database, options: argparse.Namespace) -> int:
    states = tuple(State(state) for state in options.state)
    async with db.reading() as reader:
        messages = await admin_queries.list_messages(
            reader, states, limit=options.limit, workspace_id=options.workspace
        )
        count = await admin_queries.count(reader, states, options.workspace)
    now = real_now()
    if options.json:
        print(json.dumps([_as_json(message, now) for message in messages], indent=2))
        return 0
    if not messages:
        print(NONE.format(states=" or ".join(states)))
        return 0
    print_table([HEAD, *(_cells(message, now) for message in messages)])
    _print_explanations(messages)
    if count > len(messages):
        print(MORE.format(count=count - len(messages)))
    return 0


async def _decide(db: Database, options: argparse.Namespace) -> int:
    ids = [options.id] if options.doing == "there" else options.ids
    refused = 0
    for message_id in dict.fromkeys(ids):
        try:
            async with db.transaction() as tx:
                print(await _decide_one(tx, message_id, options))
        except Refused as refusal:
            print(
                f"{message_id}  {refusal.text}" if message_id not in refusal.text else refusal.text
            )
            refused += 1
    return 1 if refused else 0


async def _decide_one(tx: AsyncConnection, message_id: str, options: argparse.Namespace) -> str:
    message = (await admin_queries.find_messages(tx, [message_id])).get(message_id)
    if message is None:
        raise Refused(message_decisions.NOT_FOUND)
    decision, location = _decision_from(options)
    if decision is Decision.AGAIN and message.state is State.HELD and not options.yes:
        raise Refused(MAY_BE_DUPLICATE.format(id=message_id))
    await decide(tx, decision, message, actor=OPERATOR, now=real_now(), location=location)
    text = DONE[decision].format(id=message_id)
    halted = await admin_queries.halt_reason(tx, message.workspace_id)
    if decision is Decision.AGAIN and halted:
        return f"{text} {HALTED.format(workspace=message.workspace_id, reason=halted)}"
    return text


def _decision_from(options: argparse.Namespace) -> tuple[Decision, SlackLocation | None]:
    if options.doing == "retry":
        return Decision.AGAIN, None
    if options.doing == "drop":
        return Decision.DROP, None
    target = parse_message_link(options.link)
    if target is None:
        raise Refused(message_decisions.NO_LINK)
    return Decision.THERE, SlackLocation(channel=target[0], ts=target[1])


def _where(message: ListedMessage) -> str:
    return "a person" if message.to_person else message.conversation


def _age(message: ListedMessage, now: datetime) -> str:
    """Return the age of a message or, if it is due later, the time until then."""
    if message.state is State.PENDING and message.not_before > now:
        return f"in {humanize_duration(message.not_before - now)}"
    return humanize_duration(now - message.enqueued_at)


def _cells(message: ListedMessage, now: datetime) -> tuple[str, ...]:
    return (
        message.message_id,
        message.state,
        message.workspace_id,
        _age(message, now),
        str(message.attempts),
        _where(message),
        message_names.name_of(message),
        message.reason or "",
    )


def _as_json(message: ListedMessage, now: datetime) -> Mapping[str, Any]:
    return {
        "id": message.message_id,
        "workspace": message.workspace_id,
        "state": message.state,
        "operation": message.operation,
        "kind": message.kind,
        "what": message_names.name_of(message),
        "where": _where(message),
        "decided_at": message.enqueued_at.isoformat(),
        "due_at": message.not_before.isoformat(),
        "age_seconds": round((now - message.enqueued_at).total_seconds()),
        "tries": message.attempts,
        "reason": message.reason,
        "means": message_names.explanation_of(message),
    }


def _print_explanations(messages: Iterable[ListedMessage]) -> None:
    """Print the explanation of each state and reason, once."""
    explanations = message_names.STATE_EXPLANATIONS
    sentences = dict.fromkeys(
        f"{item.state}: {explanations[item.state]}. {message_names.explanation_of(item)}".rstrip()
        for item in messages
    )
    print("", *sentences, sep="\n")
