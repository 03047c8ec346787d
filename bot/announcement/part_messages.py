"""The *My Part*, *Raise a Concern* and *Details* modals, and the concerns message for leads."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement.concern_answer_form import answer_button
from bot.announcement.messages import SHORT, promise_lines, status_line
from bot.dates import day
from bot.phases.expectation import counted_on_line
from bot.phases.model import Phase
from bot.phases.wording import WEEKDAY_NAMES, lead_names, title
from bot.phases.working_agreement import LineChange
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
from bot.slack.mrkdwn import channel, clean, labelled, quote_lines, quote_within

PART_FORM, CONCERN_FORM = "phase.part.form", "phase.concern.form"
TEXT, PART_BLOCK, CONCERN_BLOCK = "phase.text", "phase.part.text", "phase.concern.text"
PART_LIMIT, CONCERN_LIMIT = SHORT, 3_000

PART_TITLE, PART_LABEL = "My Part", "What I bring to this"
PART_ABOUT = (
    "*{title}*\nEveryone in {channel} can read it under *Details*, with your name. Leave it blank "
    "if you like; blanks aren't shown."
)
PART_EXAMPLE = "I carry the importer, and pair on reviews in the mornings."
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
    "Anonymous. Please don't try to guess who wrote it. An answer in the channel reaches the "
    "writer without a name being needed."
)

DETAILS_TITLE = "Details"
TEAM, PARTS = "Who is asked", "Who does what"
LINES_CHANGED = "Who changed how we work"
LINE_ADDED = "• {day}, {name} added “{after}”"
LINE_CHANGED = "• {day}, {name} changed “{before}” to “{after}”"
LINE_REMOVED = "• {day}, {name} removed “{before}”"
MORE_PARTS = "And {count} more."
#: Maximum size of all contributions, in JSON: Slack accepts 250,000 bytes per view.
PARTS_ROOM = 120_000
WHEN = (
    "Every {weekday} at {time} in each person's own time zone, and first on the working morning "
    "after the announcement. Answers are anonymous after closing: totals from {minimum} answers "
    "on, then single answers are deleted. Everyone who can read this channel sees the totals; "
    "nobody sees answers. The leads also get private tips based on these totals."
)
WHEN_SIMILAR = (
    "Every {weekday}, the questions come to the channel, to talk about together. Another phase "
    "with the same lead has the same team but for one person, so comparing the two would show what "
    "that person answered. Nothing is stored."
)
WHEN_SMALL = (
    "Every {weekday}, the questions come to the channel, to talk about together: this team is too "
    "small for answers without names. Nothing is stored."
)
COMMENTS = {
    "leads": "Comments are read by the leads, without names.",
    "team": "Comments are read by the whole team, without names.",
}


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


def details(phase: Phase, today: date) -> View:
    """Build the modal with the full promise and the contributions."""
    blocks: list[Block] = [
        section(f"*{title(phase, MAX_SECTION_LENGTH - 800)}*\n{status_line(phase, today)}"),
        *paragraphs(promise_lines(phase, MAX_SECTION_LENGTH)),
        *paragraphs(_people(phase)),
        context(_about_questions(phase)),
    ]
    return View(type="modal", title=plain(DETAILS_TITLE), close=plain("Close"), blocks=blocks)


def _people(phase: Phase) -> list[str]:
    names = ", ".join(person.name for person in phase.roster if not person.has_left)
    lines = [f"*{TEAM}:* {quote_within(names, MAX_SECTION_LENGTH - 100)}"] if names else []
    parts = [person for person in phase.people if person.contribution and not person.has_left]
    if parts:
        lines.append(f"*{PARTS}:*")
    contributions = [_part(person.name, person.contribution or "") for person in parts]
    return [*lines, *_fitting(contributions), *_line_changes(phase)]


def _line_changes(phase: Phase) -> list[str]:
    """Return who changed how the team works, newest first."""
    changes = [_line_change(phase, change) for change in reversed(phase.how_we_work.changes)]
    return [f"*{LINES_CHANGED}:*", *changes] if changes else []


def _line_change(phase: Phase, change: LineChange) -> str:
    person = phase.participant(change.user_id)
    template = LINE_REMOVED if not change.after else LINE_CHANGED if change.before else LINE_ADDED
    return template.format(
        name=quote_within(person.name if person else change.user_id, 200),
        before=quote_within(change.before, 400),
        after=quote_within(change.after, 400),
        day=day(date.fromisoformat(change.on)),
    )


def _part(name: str, contribution: str) -> str:
    return labelled(f"• {quote_within(name, 200)}:", contribution, MAX_SECTION_LENGTH - 300)


def _fitting(parts: Sequence[str]) -> Iterator[str]:
    used = 0
    for number, part in enumerate(parts):
        used += len(json.dumps(part))
        if used > PARTS_ROOM:
            yield MORE_PARTS.format(count=len(parts) - number)
            return
        yield part


def _about_questions(phase: Phase) -> str:
    weekday = WEEKDAY_NAMES[phase.weekday]
    if phase.too_similar_to is not None:
        return WHEN_SIMILAR.format(weekday=weekday)
    if phase.minimum_answers is None:
        return WHEN_SMALL.format(weekday=weekday)
    at = f"{phase.time_of_day:%H:%M}"
    when = WHEN.format(weekday=weekday, time=at, minimum=phase.minimum_answers)
    return f"{when} {COMMENTS[phase.comments_to]}"


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
