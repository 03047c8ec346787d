"""The form that ends a phase: what became of it, thanks, and the fate of set-aside work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from slack_sdk.models.blocks import (
    Block,
    DatePickerElement,
    InputBlock,
    Option,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.on_hold.rules import ItemDecision
from bot.phases.model import (
    ItemOutcome,
    MilestoneOutcome,
    Participant,
    Phase,
    ProtectedOutcome,
    SetAsideItem,
)
from bot.phases.wording import title
from bot.slack.content import context, header, plain, section
from bot.slack.inputs import form_parser, option_with_value, text_input
from bot.slack.mrkdwn import clean, truncated

Outcome = TypeVar("Outcome", bound=StrEnum)

FORM = "phases.wrap_up"
VALUE = "phases.value"
MILESTONE, PROTECTED = "milestone_outcome", "protected_outcome"
PLANNED, OUTCOME, REASON, LEARNING = "planned", "outcome", "reason", "learning"
THANKS = "thanks"
TEXTS = (PLANNED, OUTCOME, REASON, LEARNING, THANKS)
TEXT_LIMIT, LINE_LIMIT = 1_000, 300
#: Members with a line in the form; with more it would be too long to fill in.
LINES_SHOWN = 20

TITLE = "Wrap Up"
ABOUT = {
    True: "The phase ends when you send this, and the channel reads what you write.",
    False: "The phase has ended. The channel reads what you write here.",
}
FIELDS = (
    (PLANNED, "What was planned", "The beta, with both customers on it.", True),
    (OUTCOME, "What happened", "Beta is out. Both customers have it.", False),
    (REASON, "Why", "Reviews were the bottleneck, not code.", True),
    (LEARNING, "What to do next time", "Review before noon, every day.", True),
    (THANKS, "Thanks", "To all, for the late test night.", True),
)
BACK = "What comes back"
BACK_ABOUT = "Everything on hold is picked up again, dropped, or parked until a set day."
UNTIL = "If parked, until when"
PRIVATE = "A private line to each person"
PRIVATE_ABOUT = (
    "Optional. Each member gets a goodbye of their own; only they read your line. Leave blank to "
    "send the goodbye without a personal line."
)
PRIVATE_REST = "There is room for {shown} here; the others get a goodbye without a line."


GOAL, PROTECTED_LABEL = "The goal: {text}", "Protected: {text}"
MILESTONE_OUTCOMES = {
    MilestoneOutcome.HIT: "Hit",
    MilestoneOutcome.MISSED: "Missed",
    MilestoneOutcome.MOVED: "Moved to a later date",
}
PROTECTED_OUTCOMES = {
    ProtectedOutcome.KEPT: "Kept",
    ProtectedOutcome.PARTLY: "Partly kept",
    ProtectedOutcome.NOT: "Not kept",
}
LABEL_SHOWN, CHOOSE = 300, "Choose"
OUTCOMES = {
    ItemOutcome.RESUMED: "Picked up again",
    ItemOutcome.DROPPED: "Dropped",
    ItemOutcome.PARKED: "Parked",
}


@dataclass(frozen=True, kw_only=True)
class WrapUp:
    """The submitted values. Lines are keyed by user id, decisions by the item's position."""

    milestone_outcome: MilestoneOutcome | None = None
    protected_outcome: ProtectedOutcome | None = None
    planned: str = ""
    outcome: str = ""
    reason: str = ""
    learning: str = ""
    thanks: str = ""
    decisions: Mapping[int, ItemDecision] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)


def build(phase: Phase) -> View:
    """Build the form, filled with what was entered before, if anything."""
    about = f"*{title(phase, 300)}*\n{ABOUT[phase.is_active]}"
    blocks: list[Block] = [section(about), *_choices(phase)]
    blocks += [_text(phase, *text_field) for text_field in FIELDS]
    if phase.waiting_items:
        blocks += [header(BACK), context(BACK_ABOUT)]
        blocks += [block for item in phase.waiting_items for block in _item(item)]
    if phase.members:
        blocks += [header(PRIVATE), context(*_about_lines(phase))]
        blocks += [_thanks_line(member) for member in phase.members[:LINES_SHOWN]]
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=phase.phase_id,
        title=plain(TITLE),
        submit=plain("End It" if phase.is_active else "Send"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any]) -> WrapUp:
    """Return the submitted values. `values` is Slack's `state.values`."""
    given = {block_id: states[VALUE] for block_id, states in values.items() if VALUE in states}
    texts = {name: clean(given[name].get("value") or "") for name in TEXTS}
    positions = [int(name.split(":")[1]) for name in given if name.startswith("outcome:")]
    return WrapUp(
        **texts,
        milestone_outcome=_chosen(given, MILESTONE, MilestoneOutcome),
        protected_outcome=_chosen(given, PROTECTED, ProtectedOutcome),
        decisions={position: _decision(given, position) for position in positions},
        lines={
            name.split(":")[1]: line
            for name in given
            if name.startswith("line:") and (line := clean(given[name].get("value") or ""))
        },
    )


def needs_milestone_outcome(phase: Phase) -> bool:
    """Return whether it must be said what became of the milestone; elsewhere it may be."""
    return phase.is_sprint and bool(phase.milestone)


def outcome_block(position: int) -> str:
    return f"outcome:{position}"


def until_block(position: int) -> str:
    return f"until:{position}"


def line_block(user_id: str) -> str:
    return f"line:{user_id}"


def _choices(phase: Phase) -> Iterator[Block]:
    """Yield a choice each for the milestone and for what was protected, where there are any."""
    if phase.milestone:
        label = GOAL.format(text=truncated(phase.milestone, LABEL_SHOWN))
        chosen, optional = phase.milestone_outcome, not needs_milestone_outcome(phase)
        yield _choice(MILESTONE, label, MILESTONE_OUTCOMES, chosen, optional=optional)
    if phase.protected:
        label = PROTECTED_LABEL.format(text=truncated(phase.protected, LABEL_SHOWN))
        chosen = phase.protected_outcome
        yield _choice(PROTECTED, label, PROTECTED_OUTCOMES, chosen, optional=True)


def _choice(
    block_id: str,
    label: str,
    words: Mapping[Any, str],
    chosen: str | None,
    *,
    optional: bool,
) -> Block:
    options = [Option(value=value, text=plain(text)) for value, text in words.items()]
    return InputBlock(
        block_id=block_id,
        label=plain(label),
        element=StaticSelectElement(
            action_id=VALUE,
            placeholder=plain(CHOOSE),
            options=options,
            initial_option=option_with_value(options, chosen),
        ),
        optional=optional,
    )


def _text(phase: Phase, name: str, label: str, example: str, optional: bool) -> Block:
    return text_input(
        name,
        label,
        VALUE,
        limit=TEXT_LIMIT,
        value=getattr(phase, name) or (phase.milestone if name == PLANNED else None),
        placeholder=example,
        multiline=True,
        optional=optional,
    )


def _item(item: SetAsideItem) -> list[Block]:
    options = [Option(value=outcome, text=plain(words)) for outcome, words in OUTCOMES.items()]
    chosen = option_with_value(options, item.outcome) or options[0]
    owner = f" ({item.owner_name})" if item.owner_name else ""
    until = item.parked_until.isoformat() if item.parked_until else None
    return [
        InputBlock(
            block_id=outcome_block(item.position),
            label=plain(truncated(f"{item.text}{owner}", 200)),
            element=StaticSelectElement(action_id=VALUE, options=options, initial_option=chosen),
        ),
        InputBlock(
            block_id=until_block(item.position),
            label=plain(UNTIL),
            element=DatePickerElement(action_id=VALUE, initial_date=until),
            optional=True,
        ),
    ]


def _about_lines(phase: Phase) -> list[str]:
    if len(phase.members) <= LINES_SHOWN:
        return [PRIVATE_ABOUT]
    return [PRIVATE_ABOUT, PRIVATE_REST.format(shown=LINES_SHOWN)]


def _thanks_line(member: Participant) -> Block:
    return text_input(
        line_block(member.user_id),
        truncated(member.name.strip() or member.user_id, 200),
        VALUE,
        limit=LINE_LIMIT,
        value=member.thanks_line,
        hint=truncated(member.contribution, 200) if member.contribution else None,
        optional=True,
    )


def _chosen(given: Mapping[str, Any], name: str, outcomes: type[Outcome]) -> Outcome | None:
    value = (given.get(name, {}).get("selected_option") or {}).get("value")
    return outcomes(value) if value else None


def _decision(given: Mapping[str, Any], position: int) -> ItemDecision:
    chosen = given[outcome_block(position)].get("selected_option") or {}
    outcome = ItemOutcome(chosen.get("value", ItemOutcome.RESUMED))
    until = given.get(until_block(position), {}).get("selected_date")
    parked = outcome is ItemOutcome.PARKED and until
    return ItemDecision(outcome=outcome, until=date.fromisoformat(until) if parked else None)
