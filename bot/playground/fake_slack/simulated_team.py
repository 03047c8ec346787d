"""The simulated team: people answer the open questions in their direct messages.

A question is a row of buttons with numbers, one that begins with "Yes", or an input with choices
that a button sends.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.playground.fake_slack import block_actions, example_workspace, forms
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json, Typed

SEED = 20261123
#: The answers to choose from, as positions on the scale, for each question in turn.
ANY_LEVEL = ((0, 1, 2, 3, 4),)
#: The same on a row that begins with "Yes": mostly that.
YES = "Yes"
_MOSTLY_YES = (0, 0, 1, 2)
_COMMENTS = (
    "Fewer meetings helped.",
    "I would like to know earlier what changes.",
    "Good week.",
    "The test environment costs us an hour a day.",
    "Thanks for saying what can wait.",
)
_CHOICES = {"radio_buttons", "static_select"}
_COMMENT_CHANCE = 0.3

Levels = Sequence[Sequence[int]]


async def answer_open_questions(
    core: Core, people: Sequence[str] = example_workspace.MEMBERS, levels: Levels = ANY_LEVEL
) -> int:
    """Let everyone with open questions answer them. Return the number of people who did."""
    dice = random.Random(SEED + core.ids.made)
    answered = 0
    for user_id in people:
        user = core.workspace.users.get(user_id)
        if user is not None and not user.deleted:
            answered += await _answer_all(core, user_id, _Mind(dice, levels))
    return answered


def open_questions(core: Core, user_id: str) -> list[Json]:
    """Return the messages of the app that ask this person something."""
    direct = core.workspace.direct_if_open(user_id, example_workspace.BOT_USER_ID)
    return [m for m in core.workspace.messages(direct.id) if _asks(m)] if direct else []


@dataclass(frozen=True)
class _Mind:
    """How somebody answers."""

    dice: random.Random
    levels: Levels

    def choose(self, options: Sequence[Json], question: int) -> Json:
        """Choose an option of a question, which are counted from 0."""
        positions = self.levels[question % len(self.levels)]
        if _label(options[0]) == YES:
            positions = _MOSTLY_YES
        return options[min(self.dice.choice(positions), len(options) - 1)]


async def _answer_all(core: Core, user_id: str, mind: _Mind) -> bool:
    waiting = open_questions(core, user_id)
    direct = core.workspace.direct_if_open(user_id, example_workspace.BOT_USER_ID)
    for message in waiting:
        person = _Answering(core, user_id, direct, message["ts"])
        if any(_scales(message["blocks"])):
            await person.tap(mind)
        else:
            await person.send(mind)
    return bool(waiting)


@dataclass(frozen=True)
class _Answering:
    """A person with one message that asks."""

    core: Core
    user_id: str
    direct: Conversation | None
    ts: str

    @property
    def _blocks(self) -> list[Json]:
        """The message as it is now: it changes with each tap."""
        message = self.direct.messages.get(self.ts) if self.direct else None
        blocks: list[Json] = (message or {}).get("blocks") or []
        return blocks

    async def tap(self, mind: _Mind) -> None:
        """Press one button of each question."""
        pressed: set[str] = set()
        for question, _ in enumerate(list(_scales(self._blocks))):
            left = [scale for scale in _scales(self._blocks) if scale["block_id"] not in pressed]
            if left:
                pressed.add(left[0]["block_id"])
                await self._press(mind.choose(left[0]["elements"], question), {})

    async def send(self, mind: _Mind) -> None:
        """Fill in the inputs, and press the button that sends them."""
        await self._press(_primary(self._blocks), _chosen(self._blocks, mind))

    async def _press(self, button: Json, typed: Typed) -> None:
        container = {
            "type": "message",
            "channel_id": self.direct.id if self.direct else "",
            "message_ts": self.ts,
        }
        action = block_actions.action_payload(self._blocks, button, None)
        await block_actions.act(self.core, self.user_id, container, action, typed)


def _asks(message: Json) -> bool:
    blocks: list[Json] = message.get("blocks") or []
    if any(_scales(blocks)):
        return True
    inputs = [e for b, e in forms.elements(blocks) if b["type"] == "input"]
    buttons = [e for _, e in forms.elements(blocks) if e["type"] == "button"]
    return bool(buttons) and any(element["type"] in _CHOICES for element in inputs)


def _scales(blocks: list[Json]) -> Iterator[Json]:
    """Yield the rows of buttons whose labels are numbers, or begin with "Yes"."""
    for block in blocks:
        if block["type"] == "actions":
            labels = [_label(part) for part in block["elements"] if "text" in part]
            is_scale = all(label.isdecimal() for label in labels) or labels[0] == YES
            if len(labels) > 1 and is_scale:
                yield block


def _label(option: Json) -> str:
    return str(option["text"]["text"])


def _primary(blocks: list[Json]) -> Json:
    buttons = [element for _, element in forms.elements(blocks) if element["type"] == "button"]
    marked = (button for button in buttons if button.get("style") == "primary")
    return next(marked, buttons[0])


def _chosen(blocks: list[Json], mind: _Mind) -> Typed:
    typed: Typed = {}
    questions = 0
    for block, element in forms.elements(blocks):
        if block["type"] != "input":
            continue
        value: str | Json | None = None
        if element["type"] in _CHOICES:
            value = mind.choose(forms.options_of(element), questions)
            questions += 1
        elif element["type"] == "plain_text_input" and mind.dice.random() < _COMMENT_CHANCE:
            value = mind.dice.choice(_COMMENTS)
        if value is not None:
            state = forms.plain_state(element, value)
            typed.setdefault(block["block_id"], {})[element["action_id"]] = state
    return typed
