"""The *My Part* and *Raise a Concern* modals, and the concerns message for leads."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement.concern_answer_form import answer_button
from bot.announcement.messages import SHORT
from bot.phases.expectation import counted_on_line
from bot.phases.model import Phase
from bot.phases.wording import lead_names, title
from bot.slack.content import (
    MAX_SECTION_LENGTH,
    Content,
    content,
    context,
    divider,
    paragraphs,
    plain,
    section,
    split_into_messages,
)
from bot.slack.inputs import text_input
from bot.slack.mrkdwn import channel, clean, quotation, quote_lines
from bot.slack.views import notice_view

PART_FORM, CONCERN_FORM = "phase.part.form", "phase.concern.form"
TEXT, PART_BLOCK, CONCERN_BLOCK = "phase.text", "phase.part.text", "phase.concern.text"
PART_LIMIT, CONCERN_LIMIT = SHORT, 3_000

PART_TITLE, PART_LABEL = "My Part", "What I bring to this"
PART_ABOUT = (
    "*{title}*\nEveryone in {channel} can read it under *Details*, with your name. Leave it blank "
    "if you like; blanks aren't shown."
)
PART_EXAMPLE = "I carry the importer, and pair on reviews in the mornings."
PART_SAVED = "Saved. Everyone in {channel} can read this under *Details*, with your name:\n{words}"
PART_BLANK = "Left blank, so *Details* shows nothing from you. You can write it any time."
CONCERN_TITLE, CONCERN_LABEL = "Raise a Concern", "What worries you?"
CONCERN_ABOUT = (
    "*To {leads}, without your name.* We don't store who wrote it or when. Your writing style "
    "could still give you away. It's sent the next working morning, mixed with others if there "
    "are any, and then deleted here."
)
CONCERN_EXAMPLE = "We said weekends are protected, and two of us worked on Sunday."
RECEIVED = "Thanks. It reaches {leads} the next working morning, without your name."

ONE = "A concern from your team, without a name"
MANY = "{count} concerns from your team, without names"
FROM = "*{first}*, about {channel}."
FROM_PART = "*{first}*, about {channel}. Message {number} of {count}."
WHY = (
    "Anonymous. Please don't try to guess who wrote it. If you answer in the channel, the writer "
    "can read it there without being named."
)

#: Refusals, and other replies to who pressed or typed.
PHASE_OVER = "This phase has ended, so nothing was saved. What came of it is in the channel."
NOT_IN_TEAM = "You aren't on this phase's team. Ask {leads} if you should be."
NOT_IN_CHANNEL = "This phase belongs to a channel you aren't in. Join the channel first."
EMPTY_ANSWER = "This is still empty. Write a sentence, or close the form."
CONCERN_ANSWERED = (
    "This concern has already been answered in the announcement's thread in {channel}. Add what's "
    "missing there."
)
EMPTY_CONCERN = "This is still empty. Write what worries you, or close the form."
LINE_CHANGED = "Your leads have just changed this. Open *My Part* to see the new line."


def contribution_form(phase: Phase, user_id: str) -> View:
    """Build the form in which a member writes, changes or removes their contribution."""
    person = phase.participant(user_id)
    current = person.contribution if person else None
    counted_on = counted_on_line(phase, person) if person else None
    about = PART_ABOUT.format(title=title(phase), channel=channel(phase.channel_id))
    text = text_input(
        PART_BLOCK,
        PART_LABEL,
        TEXT,
        limit=PART_LIMIT,
        value=current,
        placeholder=PART_EXAMPLE,
        multiline=True,
        optional=True,
    )
    opening = [section(counted_on)] if counted_on else []
    return _form(PART_FORM, PART_TITLE, "Save", phase, [*opening, section(about), text])


def contribution_saved(phase: Phase, text: str) -> View:
    """Build the confirmation of what was saved; `text` empty: nothing is shown."""
    saved = PART_SAVED.format(
        channel=channel(phase.channel_id), words=quotation(text, 2 * PART_LIMIT)
    )
    return notice_view(PART_TITLE, saved if text else PART_BLANK)


def concern_form(phase: Phase) -> View:
    """Build the form for an anonymous note to the leads."""
    about = CONCERN_ABOUT.format(leads=lead_names(phase))
    text = text_input(
        CONCERN_BLOCK,
        CONCERN_LABEL,
        TEXT,
        limit=CONCERN_LIMIT,
        placeholder=CONCERN_EXAMPLE,
        multiline=True,
    )
    return _form(CONCERN_FORM, CONCERN_TITLE, "Send", phase, [section(about), text])


def concern_received(phase: Phase) -> View:
    """Build the confirmation, which does not repeat the note."""
    return View(
        type="modal",
        title=plain(CONCERN_TITLE),
        close=plain("Close"),
        blocks=[section(RECEIVED.format(leads=lead_names(phase)))],
    )


def submitted_text(values: Mapping[str, Any], block_id: str) -> str:
    """Return the text typed in one of these forms. `values` is Slack's `state.values`."""
    return clean(values.get(block_id, {}).get(TEXT, {}).get("value") or "")


def concerns_for_leads(phase: Phase, texts: Mapping[str, str]) -> list[Content]:
    """Build as many messages as the notes need, in the given order, divided by lines.

    `texts` are the notes by the ids of their answers.
    """
    channel_id = phase.channel_id
    first = ONE if len(texts) == 1 else MANY.format(count=len(texts))
    why = context(WHY)
    frame = [_from(first, channel_id, number=99, count=99), why]
    notes = [
        [
            divider(),
            *paragraphs(quote_lines(text, MAX_SECTION_LENGTH)),
            answer_button(phase.phase_id, answer_id),
        ]
        for answer_id, text in texts.items()
    ]
    note_pages = split_into_messages(notes, frame)
    return [
        content(first, _from(first, channel_id, number=number, count=len(note_pages)), *page, why)
        for number, page in enumerate(note_pages, start=1)
    ]


def _from(first: str, channel_id: str, *, number: int, count: int) -> Block:
    template = FROM if count == 1 else FROM_PART
    about = channel(channel_id)
    return section(template.format(first=first, channel=about, number=number, count=count))


def _form(
    callback_id: str, heading: str, submit_label: str, phase: Phase, blocks: list[Block]
) -> View:
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=phase.phase_id,
        title=plain(heading),
        submit=plain(submit_label),
        close=plain("Cancel"),
        blocks=blocks,
    )
