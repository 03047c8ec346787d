"""Block Kit elements that every package uses, and the content of one message.

Slack's limits are checked by slack_sdk's models when they are turned into dictionaries; the limit
of a whole message is checked here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.slack.mrkdwn import length, truncated

#: Characters that fit a section (https://docs.slack.dev/reference/block-kit/blocks/section-block).
SECTION = 3_000
#: Characters over all blocks of a message, each block counted as `BLOCK_COST` besides its texts.
#: Slack refuses more than about 13,200 (`msg_blocks_too_long`). It documents no limit: this one was
#: measured (https://github.com/slackapi/bolt-js/issues/2509, .../issues/2867).
MESSAGE, BLOCK_COST, MOST_BLOCKS = 13_000, 125, 50
#: chat.update refuses a longer `text`.
NOTIFICATION = 4_000
#: What must not be cut in two in mrkdwn: an entity, or a mention, link or date.
_UNCUT = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>")
#: Slack takes 2,000 characters; so much is read of a picture of very many weeks.
ALT_TEXT = 1_000
#: Stands in a block for the id of a picture that delivery uploads first.
PICTURE = "picture"

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart to draw and upload before the message is posted; without it if that fails."""

    facts: dict[str, Any]
    alt_text: str
    title: str


class MessageTooLong(ValueError):
    """Slack would refuse this message for its length. Its text is never part of the error."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """One message: `text` is the notification and what a screen reader says first.

    Raises:
        MessageTooLong: Slack would refuse it as a whole, so it may not be decided.
    """

    text: str
    blocks: Blocks
    picture: Picture | None = None

    def __post_init__(self) -> None:
        used, count = size(self.blocks), len(self.blocks)
        if used > MESSAGE or count > MOST_BLOCKS or len(self.text) > NOTIFICATION:
            raise MessageTooLong(f"{used:,} characters in {count} blocks")


def content(text: str, *blocks: Block | dict[str, Any], picture: Picture | None = None) -> Content:
    """A message of these blocks, checked against Slack's limits.

    Where it is too long as a whole its longest sections are cut, visibly. Builders split what
    nobody may lose (see `pages`) and bound the rest, so that takes texts full of signs to escape.

    Raises:
        SlackObjectFormationError: a block breaks a limit.
        MessageTooLong: it has too many blocks, or too little that can be cut.
    """
    return Content(text=text, blocks=_shortened(as_dicts(blocks)), picture=picture)


def size(blocks: Iterable[Block | dict[str, Any]]) -> int:
    """What these blocks use of `MESSAGE`."""
    return sum(BLOCK_COST + _characters(block) for block in as_dicts([*blocks]))


def pages(groups: Iterable[Sequence[Block]], beside: Sequence[Block]) -> list[list[Block]]:
    """The blocks in their order, divided among messages that each hold the blocks `beside` too.

    A group stays together where one message can hold it.
    """
    capacity, most = MESSAGE - size(beside), MOST_BLOCKS - len(beside)
    found: list[list[Block]] = []
    left = 0
    for group in groups:
        fits = size(group) <= capacity and len(group) <= most
        for part in [group] if fits else [[block] for block in group]:
            used = size(part)
            if not found or used > left or len(found[-1]) + len(part) > most:
                found.append([])
                left = capacity
            found[-1] += part
            left -= used
    return found


def _characters(value: Any) -> int:
    """The length of every string in it."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _shortened(blocks: Blocks) -> Blocks:
    """The blocks, their longest sections cut to one length where all together are too long."""
    over = size(blocks) - MESSAGE
    if over <= 0:
        return blocks
    lengths = sorted((len(_mrkdwn(block)) for block in blocks), reverse=True)
    for count, limit in enumerate([*lengths[1:], 0], start=1):
        spare = sum(lengths[:count]) - over
        if spare >= count * limit:
            return [_cut(block, spare // count) for block in blocks]
    return blocks


def _mrkdwn(block: dict[str, Any]) -> str:
    return str(block["text"]["text"]) if block["type"] == "section" and block.get("text") else ""


def _cut(block: dict[str, Any], limit: int) -> dict[str, Any]:
    text = _mrkdwn(block)
    if len(text) <= limit:
        return block
    end = max(limit - 1, 0)
    for uncut in _UNCUT.finditer(text):
        if uncut.start() < end < uncut.end():
            end = uncut.start()
    return {**block, "text": {**block["text"], "text": f"{text[:end]}…"}}


def as_dicts(blocks: Sequence[Block | dict[str, Any]]) -> Blocks:
    return [block if isinstance(block, dict) else block.to_dict() for block in blocks]


def section(text: str, *, block_id: str | None = None, accessory: Any = None) -> SectionBlock:
    """A paragraph of mrkdwn. `verbatim` keeps Slack from linking what people wrote."""
    return SectionBlock(
        text=MarkdownTextObject(text=text, verbatim=True), block_id=block_id, accessory=accessory
    )


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """The lines in as few sections as Slack's limit allows."""
    return [section(text) for text in joined(lines, SECTION)]


def joined(lines: Iterable[str], limit: int, between: str = "\n") -> list[str]:
    """The lines joined into as few texts as possible of at most `limit` characters."""
    texts: list[str] = []
    for line in lines:
        if texts and length(texts[-1]) + len(between) + length(line) <= limit:
            texts[-1] += f"{between}{line}"
        else:
            texts.append(line)
    return texts


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=text, emoji=True))


def context(*texts: str) -> ContextBlock:
    """Small print."""
    return ContextBlock(elements=[MarkdownTextObject(text=text, verbatim=True) for text in texts])


def divider() -> DividerBlock:
    return DividerBlock()


def plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=True)


def button(
    text: str,
    action_id: str,
    value: str = "",
    *,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button. Its value is one id, never a permission: the listener checks who pressed it."""
    return ButtonElement(
        text=plain(text), action_id=action_id, value=value or None, style=style, confirm=confirm
    )


def actions(*elements: Any, block_id: str | None = None) -> ActionsBlock:
    return ActionsBlock(elements=list(elements), block_id=block_id)


def picture_block(alt_text: str) -> dict[str, Any]:
    """Where the picture goes; slack_sdk has no model of an image by file id."""
    shown = truncated(alt_text, ALT_TEXT)
    return {"type": "image", "slack_file": {"id": PICTURE}, "alt_text": shown}


def with_picture(blocks: Blocks, file_id: str | None) -> Blocks:
    """The blocks with the picture in its place, or without the place where there is none."""
    filled = []
    for block in blocks:
        if block.get("slack_file", {}).get("id") != PICTURE:
            filled.append(block)
        elif file_id:
            filled.append({**block, "slack_file": {"id": file_id}})
    return filled
