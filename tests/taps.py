"""Answering as people do: taps on the buttons under the questions, and the two forms."""

import json
from typing import Any

from tests.harness import BotHarness

KEYS = ("clarity", "trust", "ego")


async def tap(harness: BotHarness, user_id: str, **levels: int) -> None:
    """Tap these levels, by question, in the newest message that still has their buttons."""
    person = harness.slack.as_user(user_id)
    for key, level in levels.items():
        await person.click(f"rounds.tap.{key}.{level}")
    await harness.settle()


async def tap_all(harness: BotHarness, user_id: str, level: int, comment: str = "") -> None:
    """Give all three questions this level, after the comment if there is one."""
    if comment:
        await write_comment(harness, user_id, comment)
    await tap(harness, user_id, **dict.fromkeys(KEYS, level))


async def write_comment(harness: BotHarness, user_id: str, comment: str) -> None:
    """Write a comment with the button in the newest message that has it."""
    await _fill(harness, user_id, "rounds.comment", comment=comment)


async def share_answers(harness: BotHarness, lead_id: str, *, shared: bool = True) -> None:
    """Choose as a lead whether the team sees their answers."""
    await _fill(harness, lead_id, "rounds.comment", share=["yes"] if shared else [])


async def _fill(harness: BotHarness, user_id: str, action_id: str, **values: Any) -> None:
    person = harness.slack.as_user(user_id)
    await person.click(action_id)
    view = person.top_view
    assert view is not None
    await person.fill(view["id"], values_by_block(view["blocks"], **values))
    await person.submit()
    await harness.settle()


def values_by_block(blocks: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """Return the values by block id; the keywords are the last parts of the block ids."""
    inputs = [block["block_id"] for block in blocks if block["type"] == "input"]
    return {name: values[key] for name in inputs if (key := name.split(":")[-1]) in values}


def newest_message(harness: BotHarness, user_id: str) -> dict[str, Any]:
    """Return the newest direct message from the bot to this person."""
    return harness.slack.as_user(user_id).dm_with_bot()[-1]


def buttons_in(message: dict[str, Any]) -> set[str]:
    """Return the ids of the actions of a message's buttons."""
    return {
        element["action_id"]
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


def shown_text(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)
