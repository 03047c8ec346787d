"""The start form, page 3 of 3, "Preview": what the team will see; and the confirmation after it."""

from dataclasses import dataclass
from datetime import date

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement import messages
from bot.announcement.expectation_forms import EXPECTATIONS
from bot.dates import day
from bot.phases.model import Phase
from bot.phases.wording import title
from bot.slack.content import MAX_SECTION_LENGTH, actions, button, context, divider, plain, section
from bot.slack.mrkdwn import channel, truncated
from bot.start import wording
from bot.start.page_promise import BACK

PAGE = "phase.start.preview"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The phase and messages to preview, with what the lead should know first."""

    draft_id: str
    phase: Phase  # as it will be
    today: date
    first_on: date  # when the first questions come
    warnings: tuple[str, ...]
    refusal: str | None = None  # why *Announce* did not work


def build(preview: Preview) -> View:
    """Return the announcement, and who can read the results; nothing in them can be pressed."""
    phase = preview.phase
    announced = messages.announcement(phase, preview.today).blocks[:-1]
    blocks: list[Block] = []
    if preview.refusal:
        blocks.append(section(f"*{truncated(preview.refusal, MAX_SECTION_LENGTH - 2)}*"))
    blocks += [section(warning) for warning in preview.warnings]
    blocks += [section(wording.IN_CHANNEL.format(channel=channel(phase.channel_id))), divider()]
    blocks += [section(block["text"]["text"]) for block in announced]
    blocks += [divider(), context(_who_reads(phase, preview.first_on))]
    blocks.append(actions(button(wording.BACK, BACK), block_id="start.preview.buttons"))
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=preview.draft_id,
        title=plain(wording.PREVIEW_TITLE),
        submit=plain("Announce"),
        close=plain("Cancel"),
        blocks=blocks,
    )


def done(phase: Phase, first_on: date) -> View:
    """Return the confirmation in the form, with the way to what the lead counts on people for."""
    announced = wording.ANNOUNCED.format(
        title=title(phase, 300), channel=channel(phase.channel_id), first=day(first_on)
    )
    blocks: list[Block] = [section(announced)]
    if phase.minimum_answers is not None:
        blocks.append(section(wording.ANNOUNCED_EXPECTATIONS))
        write = button(wording.WRITE_EXPECTATIONS, EXPECTATIONS, phase.phase_id)
        blocks.append(actions(write, block_id="start.done.buttons"))
    if not phase.is_sprint:
        blocks.append(section(wording.ANNOUNCED_GO_FIRST))
        share = button(messages.BUTTONS[messages.MISTAKE], messages.MISTAKE, phase.phase_id)
        blocks.append(actions(share, block_id="start.done.mistake"))
    blocks.append(context(wording.ANNOUNCED_NEXT))
    return View(
        type="modal",
        private_metadata=phase.phase_id,
        title=plain(wording.ANNOUNCED_TITLE),
        close=plain("Close"),
        clear_on_close=True,
        blocks=blocks,
    )


def _who_reads(phase: Phase, first_on: date) -> str:
    template = wording.WHO_READS_TALK if phase.minimum_answers is None else wording.WHO_READS
    return template.format(channel=channel(phase.channel_id), first=day(first_on))
