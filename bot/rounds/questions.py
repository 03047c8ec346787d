"""The three questions, in our words after Zoe Clelland's "Intentional Imbalance in Leadership"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

OUR_LEADS = "our leads"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. In `to_member`, {does}, {Does} and {lead} stand for the lead it is about."""

    key: str
    label: str
    to_member: str
    to_lead: str
    scale_labels: tuple[str, str, str]  # the words at 1, 3 and 5


QUESTIONS = (
    Question(
        key="clarity",
        label="Clear and doable?",
        to_member=(
            "{Does} {lead} say plainly which milestones must not slip, and set us up for that "
            "push, instead of expecting nonstop heroics?"
        ),
        to_lead=(
            "Do I say plainly which milestones must not slip, and have I set the team up for "
            "that push, or do I expect nonstop heroics?"
        ),
        scale_labels=(
            "Unclear, or always a push",
            "One without the other",
            "Clear, and we're set up",
        ),
    ),
    Question(
        key="trust",
        label="Trust when needed?",
        to_member=(
            "When needed, {does} {lead} put trust and relationships first, so that we grow "
            "stronger, work better and keep succeeding?"
        ),
        to_lead=(
            "When needed, can I put trust and relationships first, so that we grow stronger, "
            "work better and keep succeeding?"
        ),
        scale_labels=("Always pushed aside", "Sometimes", "First when needed"),
    ),
    Question(
        key="ego",
        label="Room for mistakes?",
        to_member=(
            "Where less is at stake, {does} {lead} drop ego and allow mistakes, because our "
            "unity and confidence can matter most there?"
        ),
        to_lead=(
            "Where less is at stake, am I ready to drop ego and allow mistakes, because the "
            "team's unity and confidence can matter most there?"
        ),
        scale_labels=("Being right comes first", "Depends on the day", "Team first, mistakes OK"),
    ),
)


def reworded(overrides: Mapping[str, Mapping[str, str]]) -> tuple[Question, ...]:
    """Return the questions in a workspace's own words; where it left one empty, in ours."""
    return tuple(_reword(question, overrides.get(question.key, {})) for question in QUESTIONS)


def about_leads(
    lead_names: Sequence[str], questions: Sequence[Question] = QUESTIONS
) -> tuple[Question, ...]:
    """Return the questions about these leads: one by name, several as "our leads"."""
    is_single = len(lead_names) == 1
    words = {
        "{lead}": lead_names[0] if is_single else OUR_LEADS,
        "{does}": "does" if is_single else "do",
        "{Does}": "Does" if is_single else "Do",
    }
    return tuple(
        replace(question, to_member=_filled(question.to_member, words)) for question in questions
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
