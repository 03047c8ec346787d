"""Block Kit pieces that every room uses, and what one message is made of.

Slack's limits are checked by slack_sdk's models when they are turned into dictionaries.
"""

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

#: Characters that fit a section (https://docs.slack.dev/reference/block-kit/blocks/section-block).
SECTION = 3_000
#: Stands in a block for the id of a picture that delivery uploads first.
PICTURE = "picture"

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart to draw and upload before the message is posted; without it if that fails."""

    facts: dict[str, Any]
    alt_text: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """One message: `text` is the notification and what a screen reader says first."""

    text: str
    blocks: Blocks
    picture: Picture | None = None


def content(text: str, *blocks: Block | dict[str, Any], picture: Picture | None = None) -> Content:
    """A message of these blocks, checked against Slack's limits.

    Raises:
        SlackObjectFormationError: a block breaks a limit.
    """
    return Content(text=text, blocks=as_dicts(blocks), picture=picture)


def as_dicts(blocks: Sequence[Block | dict[str, Any]]) -> Blocks:
    return [block if isinstance(block, dict) else block.to_dict() for block in blocks]


def section(text: str, *, block_id: str | None = None, accessory: Any = None) -> SectionBlock:
    """A paragraph of mrkdwn. `verbatim` keeps Slack from linking what people wrote."""
    return SectionBlock(
        text=MarkdownTextObject(text=text, verbatim=True), block_id=block_id, accessory=accessory
    )


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """The lines in as few sections as Slack's limit allows."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= SECTION:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(text) for text in packed]


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
    return {"type": "image", "slack_file": {"id": PICTURE}, "alt_text": alt_text}


def with_picture(blocks: Blocks, file_id: str | None) -> Blocks:
    """The blocks with the picture in its place, or without the place where there is none."""
    filled = []
    for block in blocks:
        if block.get("slack_file", {}).get("id") != PICTURE:
            filled.append(block)
        elif file_id:
            filled.append({**block, "slack_file": {"id": file_id}})
    return filled
