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
)
from slack_sdk.models.views import View

from bot.dates import day
from bot.phases.rules import PhaseKind
from bot.phases.wording import EMOJI, NAMES
from bot.rounds.messages import YOUR_ANSWER, levels, question_text
from bot.rounds.questions import Question
from bot.slack.content import actions, context, plain, section
from bot.slack.inputs import option_with_value
from bot.slack.mrkdwn import channel, quote_within
from bot.start.command_args import Arguments
from bot.start.draft import Draft

PAGE = "phase.start.moment"
KIND, LEVEL, ANYWAY = "phase.start.kind", "phase.start.level", "phase.start.anyway"
KIND_BLOCK, ANYWAY_BLOCK = "start.kind", "start.anyway"

TITLE = "Is this the moment?"
ABOUT = "For {channel}. Nothing is posted before you press *Announce* on the third page."
RESUMED = "What you typed here before is filled in."
#: What the form understood of the command, and what it did not.
TYPED_END = "Ends {day}"
TYPED_MILESTONE = "milestone “{milestone}”"
TYPED = "From your command: {parts}. You can change it on the next page."
UNREAD_END = "I can't read “{typed}” as a day, so the end is {day}. Change it on the next page."
NO_END = "You typed “until” without a day, so the end is {day}. Change it on the next page."
SHOWN = 200  # characters of what was typed
FOLLOWS = "The phase that runs now was extended once already, so this is a new one after it."
GIVEN = "{emoji} *{name}*"
WHICH = "What comes first for a while?"
WHAT = {
    PhaseKind.RESULTS_SPRINT: "A milestone must not slip; some work may wait until then.",
    PhaseKind.TRUST_BUILDING: "Relationships and mistakes to learn from; some speed may wait.",
}
OWN_VIEW = (
    "*First your own view.* The team gets the same three questions about you. Only the leads of "
    "this phase see yours, beside the team's totals. Leave one blank if you can't say."
)
ORDINARY = "*This looks like an ordinary week. Start anyway?*"
YES = "Yes, start anyway"
SAY_YES = (
    "Nothing was started: the goal is not clear yet, so this may be an ordinary week. Tick Yes "
    "below to go on, or come back when it is clear."
)
CHOOSE = "Nothing was started: choose what comes first."


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The contents of the page beside the draft."""

    draft_id: str
    channel_id: str
    questions: Sequence[Question]
    budget: str  # the sentence
    resumed: bool = False
    typed: Arguments = field(default_factory=Arguments)  # with the command


def build(moment: Moment, draft: Draft) -> View:
    """Return the page, filled with the draft."""
    blocks: list[Block] = [context(*_about(moment, draft))]
    blocks.append(
        _given_kind(draft.kind) if draft.kind and draft.kind_given else _kind_input(draft.kind)
    )
    blocks += [context(moment.budget), section(OWN_VIEW)]
    for question in moment.questions:
        blocks.append(question_text(question, to_lead=True))
        blocks.append(_level_input(question, draft.answers.get(question.key)))
        if question.key == "clarity" and draft.doubt_shown:
            blocks += _doubt(draft.starts_anyway)
    return View(
        type="modal",
        callback_id=PAGE,
        private_metadata=moment.draft_id,
        title=plain(TITLE),
        submit=plain("Next"),
        close=plain("Cancel"),
        blocks=blocks,
    )


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
        draft,
        kind=PhaseKind(kind) if kind in list(PhaseKind) else draft.kind,
        answers=answers,
        starts_anyway=bool(ticked),
    )


def level_block(key: str) -> str:
    """Return the block id of a question's input."""
    return f"start.level.{key}"


def _about(moment: Moment, draft: Draft) -> list[str]:
    lines = [ABOUT.format(channel=channel(moment.channel_id))]
    if draft.continues:
        lines.append(FOLLOWS)
    elif moment.resumed:
        lines.append(RESUMED)
    return [*lines, *_about_typed(moment.typed, draft)]


def _about_typed(typed: Arguments, draft: Draft) -> Iterator[str]:
    """Yield what is read from the command, so that nothing typed disappears unseen."""
    parts = []
    if typed.ends_on is not None:
        parts.append(TYPED_END.format(day=day(typed.ends_on)))
    if typed.milestone:
        parts.append(TYPED_MILESTONE.format(milestone=quote_within(typed.milestone, SHOWN)))
    if parts:
        yield TYPED.format(parts=", ".join(parts))
    if typed.unread_end is not None:
        sentence = UNREAD_END if typed.unread_end else NO_END
        yield sentence.format(typed=quote_within(typed.unread_end, SHOWN), day=day(draft.ends_on))


def _given_kind(kind: PhaseKind) -> Block:
    return section(f"{GIVEN.format(emoji=EMOJI[kind], name=NAMES[kind])}\n{WHAT[kind]}")


def _kind_input(kind: PhaseKind | None) -> Block:
    options = [
        Option(
            value=option.value,
            text=plain(f"{EMOJI[option]} {NAMES[option]}"),
            description=plain(WHAT[option]),
        )
        for option in PhaseKind
    ]
    return InputBlock(
        block_id=KIND_BLOCK,
        label=plain(WHICH),
        element=RadioButtonsElement(
            action_id=KIND,
            options=options,
            initial_option=option_with_value(options, kind),
        ),
    )


def _level_input(question: Question, level: int | None) -> Block:
    options = levels(question)
    return InputBlock(
        block_id=level_block(question.key),
        label=plain(YOUR_ANSWER),
        element=RadioButtonsElement(
            action_id=LEVEL,
            options=options,
            initial_option=option_with_value(options, level),
        ),
        optional=True,
    )


def _doubt(ticked: bool) -> list[Block]:
    # Not an input block: Slack would label it "(optional)", which it is not.
    yes = [Option(value="yes", text=plain(YES))]
    box = CheckboxesElement(action_id=ANYWAY, options=yes, initial_options=yes if ticked else None)
    return [section(ORDINARY), actions(box, block_id=ANYWAY_BLOCK)]


def _selected_value(values: Mapping[str, Any], block_id: str, action_id: str) -> str:
    state = values.get(block_id, {}).get(action_id, {})
    return (state.get("selected_option") or {}).get("value") or ""


def _level_of(value: str) -> int | None:
    return int(value) if value in ("1", "2", "3", "4", "5") else None
