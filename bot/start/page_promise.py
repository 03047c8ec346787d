"""The start form, page 2 of 3, "The promise": what the announcement will say, and the options."""

from collections.abc import Iterator, Mapping, Sequence
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
from bot.dates import weeks
from bot.phases.rules import PhaseKind
from bot.slack.content import actions, button, context, plain
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean
from bot.start import page_options, wording
from bot.start.draft import Draft, Row
from bot.start.page_moment import TEXT, justification_blocks
from bot.start.promise_texts import (
    CAN_WAIT,
    REQUIRED,
    RICHER,
    Field,
    fields_of,
    milestone_of,
)
from bot.workspaces.rules import TEXT_TOO_LONG

PAGE = "phase.start.promise"
DAY, OWNER = "phase.start.day", "phase.start.owner"
BACK, ADD = "phase.start.back", "phase.start.add"
RICH, MORE = "phase.start.richer", "phase.start.more"
ROWS_BLOCK = "start.rows"
BUTTONS_BLOCK = "start.buttons"
#: The name of the day on which the leads decide about `stop_if`.
STOP_IF_ON = "stop_if_on"


@dataclass(frozen=True, kw_only=True)
class PromiseFacts:
    """The contents of the page beside the draft."""

    draft_id: str
    channel_id: str
    max_weeks: int
    #: Sentences to show above a field, by its name, where the page did not show it before.
    notices: Mapping[str, str] = field(default_factory=dict)


def build(promise: PromiseFacts, draft: Draft, kind: PhaseKind) -> View:
    """Return the page, filled with the draft."""
    about = wording.PROMISE_ABOUT.format(channel=channel(promise.channel_id))
    blocks: list[Block] = [context(about)]
    if "justification" in promise.notices and draft.justification_request:
        blocks += justification_blocks(draft)
    is_sprint = kind is PhaseKind.RESULTS_SPRINT
    if is_sprint or _has_room(draft):
        blocks.append(_text_input(milestone_of(kind), draft))
    first, *others = REQUIRED[kind]
    blocks.append(_text_input(first, draft))
    if is_sprint:
        blocks += _rows(draft, kind)
    blocks += [_text_input(text_field, draft) for text_field in others]
    blocks.append(_end_input(draft.ends_on, promise.max_weeks))
    if draft.is_richer:
        blocks += _richer(draft, kind)
    blocks += page_options.build(draft, promise.notices)
    blocks.append(_buttons(draft))
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=promise.draft_id,
        title=plain(wording.PROMISE_TITLE),
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
        stop_if_on=_parse_stop_if_on(values, draft),
        rows=tuple(_parse_row(values, number, row) for number, row in enumerate(draft.rows)),
    )
    return page_options.parse(values, filled)


def rows_shown(values: Mapping[str, Any]) -> int:
    """Return how many lines for what can wait the page has, from Slack's state."""
    return sum(block_id.startswith("start.row.") for block_id in values)


def shows_richer(values: Mapping[str, Any]) -> bool:
    """Return whether the optional texts are open on the page, from Slack's state."""
    names = {text_field.name for fields in RICHER.values() for text_field in fields}
    return any(field_block(name) in values for name in names)


def faults(draft: Draft, kind: PhaseKind) -> dict[str, str]:
    """Return what is blank or too long, by the field's name; the rules find the rest."""
    errors = {}
    for text_field in fields_of(kind):
        text = draft.text(text_field.name)
        if len(text) > SHORT:
            errors[text_field.name] = TEXT_TOO_LONG.format(length=len(text), limit=SHORT)
        elif not text and text_field.is_required and text_field.name in wording.BLANK:
            errors[text_field.name] = wording.BLANK[text_field.name]
    if any(len(row.text) > SHORT for row in draft.rows):
        longest = max(len(row.text) for row in draft.rows)
        errors["set_aside"] = TEXT_TOO_LONG.format(length=longest, limit=SHORT)
    return errors


def unfolded(draft: Draft, kind: PhaseKind, at: Mapping[str, str]) -> Draft:
    """Return the draft with those parts open that hold a field named in `at`."""
    names = {STOP_IF_ON, *(text_field.name for text_field in RICHER[kind])}
    if kind is PhaseKind.TRUST_BUILDING:
        names |= {"set_aside", *(name for name in at if name.startswith("owner."))}
    if not _has_room(draft):
        names |= {"milestone", "owner.0"}
    return replace(
        draft,
        is_richer=draft.is_richer or bool(names & set(at)),
        more_options=draft.more_options or bool(set(page_options.NAMES) & set(at)),
    )


def field_block(name: str) -> str:
    """Return the block id of a field, by the name the rules give it."""
    if name in ("ends_on", STOP_IF_ON):
        return f"start.{name}"
    if name == "set_aside":
        return "start.row.0"
    if name.startswith("owner."):
        return f"start.{name}"
    if name in page_options.NAMES:
        return page_options.block_of(name)
    return f"start.text.{name}"


def _has_room(draft: Draft) -> bool:
    """Return whether one more input fits; the team of a large channel is an input of its own."""
    return draft.is_richer or draft.more_options or not draft.team_by_hand


def _richer(draft: Draft, kind: PhaseKind) -> Iterator[Block]:
    for text_field in RICHER[kind]:
        yield _text_input(text_field, draft)
    yield _stop_if_input(draft.stop_if_on)
    if kind is PhaseKind.TRUST_BUILDING:
        yield from _rows(draft, kind)


def _text_input(text_field: Field, draft: Draft) -> Block:
    return text_input(
        field_block(text_field.name),
        text_field.label,
        TEXT,
        limit=SHORT,
        value=draft.text(text_field.name),
        placeholder=text_field.example,
        multiline=text_field.name != "milestone",
        optional=not text_field.is_required,
    )


def _end_input(day: date, max_weeks: int) -> Block:
    return InputBlock(
        block_id=field_block("ends_on"),
        label=plain(wording.ENDS),
        hint=plain(wording.ENDS_HINT.format(weeks=weeks(max_weeks))),
        element=DatePickerElement(action_id=DAY, initial_date=day.isoformat()),
    )


def _stop_if_input(day: date | None) -> Block:
    return InputBlock(
        block_id=field_block(STOP_IF_ON),
        label=plain(wording.STOP_IF_ON),
        hint=plain(wording.STOP_IF_ON_HINT),
        element=DatePickerElement(action_id=DAY, initial_date=day.isoformat() if day else None),
        optional=True,
    )


def _rows(draft: Draft, kind: PhaseKind) -> Iterator[Block]:
    for number, row in enumerate(draft.rows):
        yield from _row(number, row, kind, with_owner=_has_room(draft) or bool(number))
    if draft.has_room_for_row:
        yield actions(button(wording.ADD_ANOTHER, ADD), block_id=ROWS_BLOCK)


def _row(number: int, row: Row, kind: PhaseKind, *, with_owner: bool) -> Sequence[Block]:
    is_required = kind is PhaseKind.RESULTS_SPRINT and number == 0
    label = wording.CAN_WAIT if kind is PhaseKind.RESULTS_SPRINT else wording.WAITS
    text = text_input(
        f"start.row.{number}",
        wording.ALSO_WAITS if number else label,
        TEXT,
        limit=SHORT,
        value=row.text,
        placeholder=CAN_WAIT[kind],
        multiline=False,
        optional=not is_required,
    )
    owner = InputBlock(
        block_id=f"start.owner.{number}",
        label=plain(wording.OWNER),
        element=UserSelectElement(
            action_id=OWNER, placeholder=plain(wording.OWNER_NOBODY), initial_user=row.owner_id
        ),
        optional=True,
    )
    return (text, owner) if with_owner else (text,)


def _buttons(draft: Draft) -> Block:
    richer = wording.HIDE_RICHER if draft.is_richer else wording.MAKE_RICHER
    options = wording.HIDE_OPTIONS if draft.more_options else wording.OPTIONS
    return actions(
        button(richer, RICH),
        button(options, MORE),
        button(wording.BACK, BACK),
        block_id=BUTTONS_BLOCK,
    )


def _parse_stop_if_on(values: Mapping[str, Any], draft: Draft) -> date | None:
    if field_block(STOP_IF_ON) not in values:  # folded
        return draft.stop_if_on
    day = _state(values, field_block(STOP_IF_ON), DAY, "selected_date")
    return date.fromisoformat(day) if day else None


def _parse_row(values: Mapping[str, Any], number: int, row: Row) -> Row:
    if f"start.row.{number}" not in values:  # folded
        return row
    text = clean(_state(values, f"start.row.{number}", TEXT, "value"))
    if f"start.owner.{number}" not in values:
        return replace(row, text=text)
    owner = _state(values, f"start.owner.{number}", OWNER, "selected_user")
    return Row(text=text, owner_id=owner or None)


def _state(values: Mapping[str, Any], block_id: str, action_id: str, key: str) -> str:
    return values.get(block_id, {}).get(action_id, {}).get(key) or ""
