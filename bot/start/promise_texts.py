"""The texts of the promise: label and example of each, and which are folded. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.phases.rules import PhaseKind
from bot.start.draft import Draft, Row


@dataclass(frozen=True, kw_only=True)
class Field:
    """One text of the promise."""

    name: str
    label: str
    example: str
    is_required: bool = True


MILESTONE = Field(name="milestone", label="Milestone", example="Ship the beta to two pilots")
TRUST_MILESTONE = Field(
    name="milestone",
    label="What it's for, in a few words",
    example="New platform team",
    is_required=False,
)
GIVE_UP = "What you give up"
#: Under *Make It Richer*, with the day on which the leads decide about it.
STOP_IF = Field(
    name="stop_if",
    label="Stop if …",
    example="The pilot customer moves the date.",
    is_required=False,
)
TRUST_STOP_IF = Field(
    name="stop_if",
    label=STOP_IF.label,
    example="Half of us are moved to another team.",
    is_required=False,
)
#: The texts that are always shown, in reading order.
REQUIRED = {
    PhaseKind.RESULTS_SPRINT: (
        Field(
            name="stakes",
            label="What's at stake",
            example="Miss 21 Dec and two customers leave.",
        ),
        Field(
            name="ask",
            label="What you ask, and its limit",
            example="Fast reviews, one late night, not more.",
        ),
    ),
    PhaseKind.TRUST_BUILDING: (
        Field(
            name="purpose",
            label="What you want to be able to do together",
            example="Decide without waiting for one person.",
        ),
        Field(
            name="mistakes_fine",
            label="Mistakes that are fine",
            example="Internal tools, first drafts.",
        ),
        Field(name="mistakes_not", label="Where they aren't", example="Customer data."),
        Field(
            name="listening",
            label="How you'll listen",
            example="Open hour on Thursdays; the team speaks first.",
        ),
    ),
}
#: The texts under *Make It Richer*.
RICHER = {
    PhaseKind.RESULTS_SPRINT: (
        Field(
            name="protected",
            label="What stays protected",
            example="Weekends, 1:1s, booked leave.",
            is_required=False,
        ),
        Field(
            name="why_you",
            label="Why each person matters",
            example="Each of you owns a piece nobody else can.",
            is_required=False,
        ),
        Field(
            name="give_up",
            label=GIVE_UP,
            example="The roadmap review, polish.",
            is_required=False,
        ),
        STOP_IF,
    ),
    PhaseKind.TRUST_BUILDING: (
        Field(
            name="yours_to_shape",
            label="What is the team's to shape",
            example="How we review and meet.",
            is_required=False,
        ),
        Field(
            name="give_up",
            label=GIVE_UP,
            example="Having the last word on design.",
            is_required=False,
        ),
        TRUST_STOP_IF,
    ),
}
CAN_WAIT = {
    PhaseKind.RESULTS_SPRINT: "Dark mode",
    PhaseKind.TRUST_BUILDING: "The reporting rewrite",
}


def milestone_of(kind: PhaseKind) -> Field:
    return MILESTONE if kind is PhaseKind.RESULTS_SPRINT else TRUST_MILESTONE


def fields_of(kind: PhaseKind) -> tuple[Field, ...]:
    """Return every text of the promise and the milestone."""
    return (milestone_of(kind), *REQUIRED[kind], *RICHER[kind])


def example_texts(kind: PhaseKind) -> Mapping[str, str]:
    """Return the example of each text that is shown at once, by name."""
    return {each.name: each.example for each in (milestone_of(kind), *REQUIRED[kind])}


def with_example(draft: Draft, kind: PhaseKind) -> Draft:
    """Return the draft with the kind's example where nothing was typed."""
    other = next(each for each in PhaseKind if each is not kind)
    kept = {
        name: text
        for name, text in draft.texts.items()
        if text and text != example_texts(other).get(name)
    }
    rows = draft.rows
    if kind is PhaseKind.RESULTS_SPRINT and not any(row.text for row in rows):
        rows = (Row(text=CAN_WAIT[kind]),)
    return replace(draft, texts={**draft.texts, **example_texts(kind), **kept}, rows=rows)


def is_still_example(draft: Draft, kind: PhaseKind) -> bool:
    """Return whether the milestone or the first text is the example's, word for word."""
    told = (milestone_of(kind), REQUIRED[kind][0])
    return draft.wants_example and any(draft.text(each.name) == each.example for each in told)
