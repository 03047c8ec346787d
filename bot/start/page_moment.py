"""The start form, page 1 of 3, "Is this the moment?": kind, the lead's own view, the budget."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    RadioButtonsElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.announcement.messages import SHORT
from bot.dates import day
from bot.phases.rules import PhaseKind
from bot.phases.wording import EMOJI, NAMES
from bot.rounds.questions import Question
from bot.slack.content import MAX_SECTION_LENGTH, actions, button, context, plain, section
from bot.slack.inputs import MAX_LABEL_LENGTH, form_parser, option_with_value, text_input
from bot.slack.mrkdwn import channel, clean, labelled, quote_within, truncated
from bot.start import wording
from bot.start.command_args import Arguments
from bot.start.draft import TYPED_SHOWN, Draft
from bot.workspaces.rules import TEXT_TOO_LONG

PAGE = "phase.start.moment"
KIND, LEVEL, ANYWAY = "phase.start.kind", "phase.start.level", "phase.start.anyway"
COPY, EXAMPLE = "phase.start.copy", "phase.start.example"
TEXT = "phase.start.text"
KIND_BLOCK, ANYWAY_BLOCK, FILL_BLOCK = "start.kind", "start.anyway", "start.fill"
JUSTIFICATION_BLOCK = "start.text.justification"
DIFFERENCE_BLOCK = "start.text.difference"
LESSON_SHOWN = 600


@dataclass(frozen=True, kw_only=True)
class LastPhase:
    """The channel's last phase, which can be copied."""

    lesson: str = ""  # what was learned, as the lead wrote it


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The contents of the page beside the draft."""

    draft_id: str
    channel_id: str
    questions: Sequence[Question]  # with `to_lead` as asked for the draft's kind
    budget: str  # the sentence; empty for trust-building
    last: LastPhase | None = None
    resumed: bool = False
    typed: Arguments = field(default_factory=Arguments)  # with the command


def build(moment: Moment, draft: Draft) -> View:
    """Return the page, filled with the draft."""
    blocks: list[Block] = [context(*_about(moment, draft))]
    blocks.append(
        _given_kind(draft.kind) if draft.kind and draft.kind_given else _kind_input(draft.kind)
    )
    if moment.budget:
        blocks.append(context(moment.budget))
    if draft.justification_request:
        blocks += justification_blocks(draft)
    blocks.append(section(wording.OWN_VIEW[draft.kind or PhaseKind.RESULTS_SPRINT]))
    for question in moment.questions:
        blocks.append(_level_input(question, draft.answers.get(question.key)))
        if question.key == "clarity" and draft.doubt_shown:
            blocks += _doubt(draft.starts_anyway)
    blocks += _fill(moment, draft)
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=moment.draft_id,
        title=plain(wording.MOMENT_TITLE),
        submit=plain("Next"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any], draft: Draft) -> Draft:
    """Return the draft with this page's input. `values` is Slack's `state.values`."""
    kind = _selected_value(values, KIND_BLOCK, KIND)
    ticked = values.get(ANYWAY_BLOCK, {}).get(ANYWAY, {}).get("selected_options")
    answers = {
        block_id.removeprefix("start.level."): _level_of(_selected_value(values, block_id, LEVEL))
        for block_id in values
        if block_id.startswith("start.level.")
    }
    return replace(
        _with_difference(values, with_justification(values, draft)),
        kind=PhaseKind(kind) if kind in list(PhaseKind) else draft.kind,
        answers=answers,
        starts_anyway=bool(ticked),
    )


def with_justification(values: Mapping[str, Any], draft: Draft) -> Draft:
    """Return the draft with the justification, where the page asked for it."""
    if JUSTIFICATION_BLOCK not in values:
        return draft
    return _with_text(values, draft, JUSTIFICATION_BLOCK, "justification")


def _with_difference(values: Mapping[str, Any], draft: Draft) -> Draft:
    if DIFFERENCE_BLOCK not in values:
        return draft
    return _with_text(values, draft, DIFFERENCE_BLOCK, "difference")


def _with_text(values: Mapping[str, Any], draft: Draft, block_id: str, name: str) -> Draft:
    typed = values[block_id].get(TEXT, {}).get("value") or ""
    return replace(draft, texts={**draft.texts, name: clean(typed)})


def refusal_of_difference(draft: Draft) -> str | None:
    """Return why what is different this time is too long; None: it fits."""
    size = len(draft.text("difference"))
    return TEXT_TOO_LONG.format(length=size, limit=SHORT) if size > SHORT else None


def level_block(key: str) -> str:
    """Return the block id of a question's input."""
    return f"start.level.{key}"


def justification_blocks(draft: Draft) -> list[Block]:
    """Return why a justification is asked for, and its input."""
    request = truncated(draft.justification_request or "", MAX_SECTION_LENGTH)
    typed = text_input(
        JUSTIFICATION_BLOCK,
        wording.JUSTIFICATION,
        TEXT,
        limit=SHORT,
        value=draft.text("justification"),
        placeholder=wording.JUSTIFICATION_EXAMPLE,
        multiline=True,
    )
    return [section(request), typed]


def _about(moment: Moment, draft: Draft) -> list[str]:
    lines = [wording.MOMENT_ABOUT.format(channel=channel(moment.channel_id))]
    if draft.continues:
        lines.append(wording.FOLLOWS)
    elif moment.resumed:
        lines.append(wording.RESUMED)
    return [*lines, *_about_typed(moment.typed, draft)]


def _about_typed(typed: Arguments, draft: Draft) -> Iterator[str]:
    """Yield what is read from the command, so that nothing typed disappears unseen."""
    parts = []
    if typed.ends_on is not None:
        parts.append(wording.TYPED_END.format(day=day(typed.ends_on)))
    if typed.milestone:
        parts.append(
            wording.TYPED_MILESTONE.format(milestone=quote_within(typed.milestone, TYPED_SHOWN))
        )
    if parts:
        yield wording.TYPED.format(parts=", ".join(parts))
    if typed.unread_end is not None:
        sentence = wording.UNREAD_END if typed.unread_end else wording.NO_END
        yield sentence.format(
            typed=quote_within(typed.unread_end, TYPED_SHOWN), day=day(draft.ends_on)
        )


def _given_kind(kind: PhaseKind) -> Block:
    return section(
        wording.GIVEN_KIND.format(emoji=EMOJI[kind], name=NAMES[kind], what=wording.KINDS[kind])
    )


def _kind_input(kind: PhaseKind | None) -> Block:
    options = [
        Option(
            value=option.value,
            text=plain(f"{EMOJI[option]} {NAMES[option]}"),
            description=plain(wording.KINDS[option]),
        )
        for option in PhaseKind
    ]
    return InputBlock(
        block_id=KIND_BLOCK,
        label=plain(wording.WHICH_KIND),
        element=RadioButtonsElement(
            action_id=KIND,
            options=options,
            initial_option=option_with_value(options, kind),
        ),
        dispatch_action=True,  # the questions, the budget and the justification depend on it
    )


def _level_input(question: Question, level: int | None) -> Block:
    options = [
        Option(value=str(number), text=plain(text))
        for number, text in enumerate(wording.LEVELS, start=1)
    ]
    return InputBlock(
        block_id=level_block(question.key),
        label=plain(truncated(question.to_lead, MAX_LABEL_LENGTH)),
        element=StaticSelectElement(
            action_id=LEVEL,
            placeholder=plain(wording.LEVEL),
            options=options,
            initial_option=option_with_value(options, level),
        ),
        optional=True,
    )


def _doubt(ticked: bool) -> list[Block]:
    # Not an input block: Slack would label it "(optional)", which it is not.
    yes = [Option(value="yes", text=plain(wording.YES))]
    box = CheckboxesElement(action_id=ANYWAY, options=yes, initial_options=yes if ticked else None)
    return [section(wording.ORDINARY), actions(box, block_id=ANYWAY_BLOCK)]


def _fill(moment: Moment, draft: Draft) -> Iterator[Block]:
    """Yield the last phase's lesson, what is different now, and the button that fills page 2."""
    if moment.last is not None and moment.last.lesson:
        yield section(labelled(wording.LESSON, moment.last.lesson, LESSON_SHOWN))
        yield text_input(
            DIFFERENCE_BLOCK,
            wording.DIFFERENT,
            TEXT,
            limit=SHORT,
            value=draft.text("difference"),
            placeholder=wording.DIFFERENT_EXAMPLE,
            multiline=True,
            optional=True,
        )
    if draft.is_copy:
        yield context(wording.COPIED)
    elif draft.wants_example:
        yield context(wording.EXAMPLE_FILLED)
    elif not draft.has_texts:
        copy, example = button(wording.COPY_LAST, COPY), button(wording.FILL_EXAMPLE, EXAMPLE)
        yield actions(copy if moment.last is not None else example, block_id=FILL_BLOCK)


def _selected_value(values: Mapping[str, Any], block_id: str, action_id: str) -> str:
    state = values.get(block_id, {}).get(action_id, {})
    return (state.get("selected_option") or {}).get("value") or ""


def _level_of(value: str) -> int | None:
    return int(value) if value in ("1", "2", "3", "4", "5") else None
