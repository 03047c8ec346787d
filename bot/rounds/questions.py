"""The three questions, in our words after Zoe Clelland's "Intentional Imbalance in Leadership"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.phases.rules import PhaseKind

OUR_LEADS = "our leads"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. In `to_member`, {does}, {Does} and {lead} stand for the lead it is about."""

    key: str
    label: str
    to_member: str
    to_lead: str


CLEAR_AND_DOABLE = Question(
    key="clarity",
    label="Clear and doable",
    to_member=(
        "{Does} {lead} keep what's critical clear, and small enough to do without constant heroics?"
    ),
    to_lead="Do I keep what's critical clear, and small enough to do without constant heroics?",
)
TRUST_UNDER_PRESSURE = Question(
    key="trust",
    label="Trust under pressure",
    to_member=(
        "Even under pressure, {does} {lead} make time for trust and relationships when it's needed?"
    ),
    to_lead="Even under pressure, do I make time for trust and relationships when it's needed?",
)
TRUST_FIRST = Question(
    key="trust",
    label="Trust first",
    to_member="When it's needed, {does} {lead} put trust and relationships before results?",
    to_lead="When it's needed, do I put trust and relationships before results?",
)
ROOM_FOR_MISTAKES = Question(
    key="ego",
    label="Room for mistakes",
    to_member=(
        "Where less is at stake, {does} {lead} let mistakes happen, without having to be right?"
    ),
    to_lead="Where less is at stake, do I let mistakes happen, without having to be right?",
)
#: The questions in every phase, by the name under which a workspace's own words are kept: the one
#: about trust is another one in each kind of phase.
WORDINGS: Mapping[str, Question] = {
    "clarity": CLEAR_AND_DOABLE,
    "trust": TRUST_UNDER_PRESSURE,
    "trust_first": TRUST_FIRST,
    "ego": ROOM_FOR_MISTAKES,
}
_ASKED = {
    PhaseKind.RESULTS_SPRINT: ("clarity", "trust", "ego"),
    PhaseKind.TRUST_BUILDING: ("clarity", "trust_first", "ego"),
}


def questions_for(
    kind: PhaseKind, own_words: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Question, ...]:
    """Return the questions of a kind of phase.

    `own_words` are a workspace's, by the name in `WORDINGS`; where it left one empty, ours stand.
    """
    words = own_words or {}
    return tuple(_reword(WORDINGS[name], words.get(name, {})) for name in _ASKED[kind])


def about_leads(
    lead_names: Sequence[str], questions: Sequence[Question] | None = None
) -> tuple[Question, ...]:
    """Return the questions about these leads: one by name, several as "our leads"."""
    is_single = len(lead_names) == 1
    words = {
        "{lead}": lead_names[0] if is_single else OUR_LEADS,
        "{does}": "does" if is_single else "do",
        "{Does}": "Does" if is_single else "Do",
    }
    asked = questions_for(PhaseKind.RESULTS_SPRINT) if questions is None else questions
    return tuple(
        replace(question, to_member=_filled(question.to_member, words)) for question in asked
    )


def _reword(question: Question, words: Mapping[str, str]) -> Question:
    return replace(
        question,
        label=words.get("label") or question.label,
        to_member=words.get("to_member") or question.to_member,
        to_lead=words.get("to_lead") or question.to_lead,
    )


def _filled(text: str, words: Mapping[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text
