"""What one person's App Home shows."""

from dataclasses import dataclass
from datetime import date

from bot.phases.rules import Kind
from bot.rounds.facts import OpenQuestion


@dataclass(frozen=True, kw_only=True)
class PhaseLine:
    """A running phase in one of the person's channels."""

    phase_id: str
    channel_id: str
    kind: Kind
    title: str  # quoted, ready to show
    standing: str
    ends_on: date
    leads: bool  # whether this person does
    is_member: bool  # and so is asked
    opted_out: bool


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """One person's open questions, those that close first in front, and their phases."""

    questions: tuple[OpenQuestion, ...]
    phases: tuple[PhaseLine, ...]
