"""The simulated team: members answer the open questions in their direct messages."""

import random

from bot.playground.fake_slack import block_actions, example_workspace, forms
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Json, Typed

SEED = 20261123
_COMMENTS = (
    "Fewer meetings helped.",
    "I would like to know earlier what changes.",
    "Good week.",
    "The test environment costs us an hour a day.",
    "Thanks for saying what can wait.",
)
_CHOICES = {"radio_buttons", "static_select"}
_COMMENT_CHANCE = 0.3


async def answer_open_questions(core: Core) -> int:
    """Let every member with open questions answer them. Return the number of people who did."""
    dice = random.Random(SEED + core.ids.made)
    answered = 0
    for user_id in example_workspace.MEMBERS:
        user = core.workspace.users.get(user_id)
        if user is not None and not user.deleted:
            answered += await _answer(core, user_id, dice)
    return answered


async def _answer(core: Core, user_id: str, dice: random.Random) -> bool:
    direct = core.workspace.direct_if_open(user_id, example_workspace.BOT_USER_ID)
    waiting = [m for m in core.workspace.messages(direct.id) if _asks(m)] if direct else []
    for message in waiting:
        container = {
            "type": "message",
            "channel_id": direct.id if direct else "",
            "message_ts": message["ts"],
        }
        action = block_actions.action_payload(message["blocks"], _primary(message["blocks"]), None)
        await block_actions.act(core, user_id, container, action, _chosen(message["blocks"], dice))
    return bool(waiting)


def _asks(message: Json) -> bool:
    blocks: list[Json] = message.get("blocks") or []
    inputs = [e for b, e in forms.elements(blocks) if b["type"] == "input"]
    buttons = [e for _, e in forms.elements(blocks) if e["type"] == "button"]
    return bool(buttons) and any(element["type"] in _CHOICES for element in inputs)


def _primary(blocks: list[Json]) -> Json:
    buttons = [element for _, element in forms.elements(blocks) if element["type"] == "button"]
    marked = (button for button in buttons if button.get("style") == "primary")
    return next(marked, buttons[0])


def _chosen(blocks: list[Json], dice: random.Random) -> Typed:
    typed: Typed = {}
    for block, element in forms.elements(blocks):
        value = _choice(block, element, dice)
        if value is not None:
            state = forms.plain_state(element, value)
            typed.setdefault(block["block_id"], {})[element["action_id"]] = state
    return typed


def _choice(block: Json, element: Json, dice: random.Random) -> str | Json | None:
    if block["type"] != "input":
        return None
    if element["type"] in _CHOICES:
        return dice.choice(forms.options_of(element))
    if element["type"] == "plain_text_input" and dice.random() < _COMMENT_CHANCE:
        return dice.choice(_COMMENTS)
    return None
