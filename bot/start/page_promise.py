"""The start form, page 2 of 3, "The promise": what the announcement will say, and More options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    DatePickerElement,
    InputBlock,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.announcement.messages import SHORT
from bot.phases.rules import TEXT_TOO_LONG, PhaseKind
from bot.slack.content import MAX_SECTION_LENGTH, actions, button, context, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean, truncated
from bot.start import page_options
from bot.start.draft import Draft, Row

PAGE = "phase.start.promise"
TEXT, DAY, OWNER = "phase.start.text", "phase.start.day", "phase.start.owner"
BACK, ADD, MORE = "phase.start.back", "phase.start.add", "phase.start.more"
ROWS_BLOCK = "start.rows"
BUTTONS_BLOCK = "start.buttons"

TITLE = "The promise"
ABOUT = "Everyone in {channel} will read this. A sentence each is enough."
TRUST_MILESTONE = "What it is for, in a few words"
ENDS, ENDS_HINT = "Ends on", "It ends by itself that day. At most {weeks} weeks from today."
SET_ASIDE_LABELS = {
    PhaseKind.RESULTS_SPRINT: "What can wait",
    PhaseKind.TRUST_BUILDING: "What waits",
}
WAITS_HINT = "At least one thing. A sprint in which nothing may wait is only a demand."
WAITS_EXAMPLE = {
    PhaseKind.RESULTS_SPRINT: "Dark mode",
    PhaseKind.TRUST_BUILDING: "The reporting rewrite",
}
ANOTHER_WAITS = "Something else that can wait"
OWNER_LABEL = "Who takes it back at the end"
OWNER_NOBODY = "You, if nobody is chosen"
WHY = "Why it is worth it"
WHY_EXAMPLE = "The customer moved the date; we close the export gap and stop."
EMPTY = "Nothing was started: this is empty, and the team would miss it. Write one sentence."


@dataclass(frozen=True, kw_only=True)
class Field:
    """One text of the promise."""

    name: str
    label: str
    example: str
    required: bool = True


MILESTONE = Field(
    name="milestone",
    label="Milestone that must not slip",
    example="Ship the beta to the two pilot customers",
)
GIVE_UP = "What I give up"
#: In reading order; the set-aside items come after the first.
FIELDS = {
    PhaseKind.RESULTS_SPRINT: (
        Field(
            name="stakes",
            label="Why now: what if we miss it?",
            example="Two customers decide on 21 Dec.",
        ),
        Field(name="ask", label="What I ask", example="Fast reviews, one late test night."),
        Field(
            name="protected",
            label="What stays protected",
            example="Weekends, 1:1s, booked leave.",
        ),
        Field(
            name="why_you",
            label="Why each of you counts",
            example="Each of you owns a piece nobody else can.",
        ),
        Field(name="give_up", label=GIVE_UP, example="My roadmap review, polish."),
    ),
    PhaseKind.TRUST_BUILDING: (
        Field(
            name="purpose",
            label="What should we be able to do together?",
            example="Decide together without waiting for me.",
        ),
        Field(
            name="mistakes_fine",
            label="Mistakes that are fine here",
            example="Internal tools, first drafts.",
        ),
        Field(name="mistakes_not", label="And where they are not", example="Customer data."),
        Field(
            name="listening",
            label="How I'll listen",
            example="Open hour Thursdays; you speak first.",
        ),
        Field(
            name="yours_to_shape",
            label="What is yours to shape",
            example="How we review and meet.",
        ),
        Field(name="give_up", label=GIVE_UP, example="Having the last word on design."),
    ),
}


@dataclass(frozen=True, kw_only=True)
class PromiseFacts:
    """The contents of the page beside the draft."""

    draft_id: str
    channel_id: str
    budget: str  # the sentence; empty for trust-building
    max_weeks: int
    #: Sentences to show above a field, by its name, where the page did not show it before.
    notices: Mapping[str, str] = field(default_factory=dict)


def build(promise: PromiseFacts, draft: Draft, kind: PhaseKind) -> View:
    """Return the page, filled with the draft."""
    about = [ABOUT.format(channel=channel(promise.channel_id)), promise.budget]
    blocks: list[Block] = [context(*filter(None, about))]
    if draft.justification_request:  # first, so that somebody who comes back to this page sees why
        blocks += [
            section(truncated(draft.justification_request, MAX_SECTION_LENGTH)),
            _justification(draft),
        ]
    blocks += [_milestone(draft, kind), _end_input(draft.ends_on, promise.max_weeks)]
    first, *others = FIELDS[kind]
    blocks += [_text_input(first, draft), *_rows(draft, kind)]
    blocks += [_text_input(text_field, draft) for text_field in others]
    blocks += page_options.build(draft, promise.notices)
    blocks.append(_buttons(draft))
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=promise.draft_id,
        title=plain(TITLE),
        submit=plain("Preview"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any], draft: Draft) -> Draft:
    """Return the draft with this page's input, from Slack's state; what it did not ask stays."""
    texts = {
        block_id.removeprefix("start.text."): clean(_state(values, block_id, TEXT, "value"))
        for block_id in values
        if block_id.startswith("start.text.")
    }
    day = _state(values, field_block("ends_on"), DAY, "selected_date")
    filled = replace(
        draft,
        texts={**draft.texts, **texts},
        ends_on=date.fromisoformat(day) if day else draft.ends_on,
        rows=tuple(_parse_row(values, number) for number in range(len(draft.rows))),
    )
    return page_options.parse(values, filled)


def rows_shown(values: Mapping[str, Any]) -> int:
    """Return how many lines for what can wait the page has, from Slack's state."""
    return sum(block_id.startswith("start.row.") for block_id in values)


def faults(draft: Draft, kind: PhaseKind) -> dict[str, str]:
    """Return what is empty or too long, by the field's name."""
    errors = {}
    for text_field in (MILESTONE, *FIELDS[kind]):
        text = draft.text(text_field.name)
        if len(text) > SHORT:
            errors[text_field.name] = TEXT_TOO_LONG.format(length=len(text), limit=SHORT)
        elif not text and text_field is not MILESTONE:
            errors[text_field.name] = EMPTY
    if any(len(row.text) > SHORT for row in draft.rows):
        longest = max(len(row.text) for row in draft.rows)
        errors["set_aside"] = TEXT_TOO_LONG.format(length=longest, limit=SHORT)
    return errors


def field_block(name: str) -> str:
    """Return the block id of a field, by the name the rules give it."""
    if name == "ends_on":
        return "start.ends_on"
    if name == "set_aside":
        return "start.row.0"
    if name.startswith("owner."):
        return f"start.{name}"
    if name in page_options.NAMES:
        return page_options.block_of(name)
    return f"start.text.{name}"


def _milestone(draft: Draft, kind: PhaseKind) -> Block:
    if kind is PhaseKind.RESULTS_SPRINT:
        return _text_input(MILESTONE, draft)
    text_field = Field(
        name=MILESTONE.name, label=TRUST_MILESTONE, example="New platform team", required=False
    )
    return _text_input(text_field, draft)


def _text_input(text_field: Field, draft: Draft) -> Block:
    return text_input(
        field_block(text_field.name),
        text_field.label,
        TEXT,
        limit=SHORT,
        value=draft.text(text_field.name),
        placeholder=text_field.example,
        multiline=text_field is not MILESTONE,
        optional=not text_field.required,
    )


def _end_input(day: date, weeks: int) -> Block:
    return InputBlock(
        block_id=field_block("ends_on"),
        label=plain(ENDS),
        hint=plain(ENDS_HINT.format(weeks=weeks)),
        element=DatePickerElement(action_id=DAY, initial_date=day.isoformat()),
    )


def _rows(draft: Draft, kind: PhaseKind) -> list[Block]:
    blocks: list[Block] = []
    for number, row in enumerate(draft.rows):
        blocks += _row(number, row, kind)
    if draft.has_room_for_row:
        blocks.append(actions(button("Add another", ADD), block_id=ROWS_BLOCK))
    return blocks


def _row(number: int, row: Row, kind: PhaseKind) -> Sequence[Block]:
    is_required = kind is PhaseKind.RESULTS_SPRINT and number == 0
    text = text_input(
        f"start.row.{number}",
        ANOTHER_WAITS if number else SET_ASIDE_LABELS[kind],
        TEXT,
        limit=SHORT,
        value=row.text,
        placeholder=WAITS_EXAMPLE[kind],
        hint=WAITS_HINT if is_required else None,
        multiline=False,
        optional=not is_required,
    )
    owner = InputBlock(
        block_id=f"start.owner.{number}",
        label=plain(OWNER_LABEL),
        element=UserSelectElement(
            action_id=OWNER, placeholder=plain(OWNER_NOBODY), initial_user=row.owner_id
        ),
        optional=True,
    )
    return text, owner


def _justification(draft: Draft) -> Block:
    return _text_input(Field(name="justification", label=WHY, example=WHY_EXAMPLE), draft)


def _buttons(draft: Draft) -> Block:
    back = button("Back", BACK)
    shown = [back] if draft.more_options else [button("More options", MORE), back]
    return actions(*shown, block_id=BUTTONS_BLOCK)


def _parse_row(values: Mapping[str, Any], number: int) -> Row:
    text = clean(_state(values, f"start.row.{number}", TEXT, "value"))
    owner = _state(values, f"start.owner.{number}", OWNER, "selected_user")
    return Row(text=text, owner_id=owner or None)


def _state(values: Mapping[str, Any], block_id: str, action_id: str, key: str) -> str:
    return values.get(block_id, {}).get(action_id, {}).get(key) or ""
