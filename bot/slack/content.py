"""Block Kit elements shared by every package, and the content of one message.

slack_sdk's models check Slack's limits when they are turned into dictionaries; the limit of a whole
message is checked here.
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

from bot.slack.command import installed
from bot.slack.mrkdwn import length, truncated

#: Characters that fit in a section
#: (https://docs.slack.dev/reference/block-kit/blocks/section-block).
MAX_SECTION_LENGTH = 3_000
#: Characters in all blocks of a message, each block counted as `BLOCK_COST` in addition to its
#: texts. Slack refuses more than about 13,200 (`msg_blocks_too_long`). The limit is not documented;
#: this one was measured (https://github.com/slackapi/bolt-js/issues/2509, .../issues/2867).
MESSAGE, BLOCK_COST, MOST_BLOCKS = 13_000, 125, 50
#: chat.update refuses a longer `text`.
MAX_NOTIFICATION_LENGTH = 4_000
#: Parts of mrkdwn that must not be cut in two: an entity, or a mention, link or date.
_INDIVISIBLE = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>")
#: Slack accepts 2,000 characters; we keep the alt text of a long chart to this.
MAX_ALT_TEXT_LENGTH = 1_000
#: Placeholder in a block for the id of a picture that delivery uploads first.
PICTURE_PLACEHOLDER = "picture"

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart to draw and upload before the message is posted; if that fails, it is left out."""

    facts: dict[str, Any]
    alt_text: str
    title: str


class MessageTooLong(ValueError):
    """Raised if Slack would refuse the message as too long. The error never holds its text."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """One message: `text` is the notification, and what a screen reader says first.

    Raises:
        MessageTooLong: Slack would refuse it as a whole, so it must not be enqueued.
    """

    text: str
    blocks: Blocks
    picture: Picture | None = None
    is_broadcast: bool = False  # a reply in a thread that also stands in the channel

    @property
    def payload(self) -> dict[str, Any]:
        """Return the message as the outbox keeps it."""
        payload = {"text": self.text, "blocks": self.blocks}
        return {**payload, "is_broadcast": True} if self.is_broadcast else payload

    def __post_init__(self) -> None:
        used, count = size(self.blocks), len(self.blocks)
        if used > MESSAGE or count > MOST_BLOCKS or len(self.text) > MAX_NOTIFICATION_LENGTH:
            raise MessageTooLong(f"{used:,} characters in {count} blocks")


def content(text: str, *blocks: Block | dict[str, Any], picture: Picture | None = None) -> Content:
    """Return a message of these blocks, checked against Slack's limits.

    If it is too long as a whole, its longest sections are cut, visibly. Builders split texts that
    must not be lost (see `pages`) and limit the rest, so only texts with many characters to escape
    get here.

    Raises:
        SlackObjectFormationError: a block breaks a limit.
        MessageTooLong: it has too many blocks, or too little that can be cut.
    """
    named = installed.in_blocks(as_dicts(blocks))
    return Content(text=installed.in_text(text), blocks=_shortened(named), picture=picture)


def size(blocks: Iterable[Block | dict[str, Any]]) -> int:
    """Return how much of `MESSAGE` these blocks use."""
    return sum(BLOCK_COST + _characters(block) for block in as_dicts([*blocks]))


def split_into_messages(
    groups: Iterable[Sequence[Block]], repeated: Sequence[Block]
) -> list[list[Block]]:
    """Divide the blocks, in order, among messages that each also hold the blocks `beside`.

    A group stays together if it fits in one message.
    """
    capacity, max_blocks = MESSAGE - size(repeated), MOST_BLOCKS - len(repeated)
    messages: list[list[Block]] = []
    remaining = 0
    for group in groups:
        fits = size(group) <= capacity and len(group) <= max_blocks
        for part in [group] if fits else [[block] for block in group]:
            used = size(part)
            if not messages or used > remaining or len(messages[-1]) + len(part) > max_blocks:
                messages.append([])
                remaining = capacity
            messages[-1] += part
            remaining -= used
    return messages


def _characters(value: Any) -> int:
    """Return the total length of all strings in a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _shortened(blocks: Blocks) -> Blocks:
    """Return the blocks; if too long in all, cut the longest sections to one length."""
    excess = size(blocks) - MESSAGE
    if excess <= 0:
        return blocks
    lengths = sorted((len(_mrkdwn(block)) for block in blocks), reverse=True)
    for count, limit in enumerate([*lengths[1:], 0], start=1):
        spare = sum(lengths[:count]) - excess
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
    for match in _INDIVISIBLE.finditer(text):
        if match.start() < end < match.end():
            end = match.start()
    return {**block, "text": {**block["text"], "text": f"{text[:end]}…"}}


def as_dicts(blocks: Sequence[Block | dict[str, Any]]) -> Blocks:
    return [block if isinstance(block, dict) else block.to_dict() for block in blocks]


def section(text: str, *, block_id: str | None = None, accessory: Any = None) -> SectionBlock:
    """Return a paragraph of mrkdwn. `verbatim` keeps Slack from linking what people wrote."""
    return SectionBlock(
        text=MarkdownTextObject(text=text, verbatim=True), block_id=block_id, accessory=accessory
    )


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Return the lines in as few sections as Slack's limit allows."""
    return [section(text) for text in join_within(lines, MAX_SECTION_LENGTH)]


def join_within(lines: Iterable[str], limit: int, separator: str = "\n") -> list[str]:
    """Join the lines into as few texts as possible of at most `limit` characters."""
    texts: list[str] = []
    for line in lines:
        if texts and length(texts[-1]) + len(separator) + length(line) <= limit:
            texts[-1] += f"{separator}{line}"
        else:
            texts.append(line)
    return texts


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=text, emoji=True))


def context(*texts: str) -> ContextBlock:
    """Return a line of small print."""
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
    """Return a button. Its value is one id, never a permission: the listener checks the user."""
    return ButtonElement(
        text=plain(text), action_id=action_id, value=value or None, style=style, confirm=confirm
    )


def actions(*elements: Any, block_id: str | None = None) -> ActionsBlock:
    return ActionsBlock(elements=list(elements), block_id=block_id)


def picture_block(alt_text: str) -> dict[str, Any]:
    """Return the block for the picture; slack_sdk has no model of an image by file id."""
    shown = truncated(alt_text, MAX_ALT_TEXT_LENGTH)
    return {"type": "image", "slack_file": {"id": PICTURE_PLACEHOLDER}, "alt_text": shown}


def with_picture(blocks: Blocks, file_id: str | None) -> Blocks:
    """Return the blocks with the picture filled in, or without its block if there is none."""
    filled = []
    for block in blocks:
        if block.get("slack_file", {}).get("id") != PICTURE_PLACEHOLDER:
            filled.append(block)
        elif file_id:
            filled.append({**block, "slack_file": {"id": file_id}})
    return filled
