"""Rules of work on hold: what may change, what may be proposed, which items a text names. Pure.

Days are calendar days in the lead's zone. A refusal is a sentence for the person, by the field it
is about.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.agenda.work_calendar import WorkCalendar
from bot.dates import day
from bot.phases.model import ItemOutcome, SetAsideItem
from bot.workspaces.rules import TEXT_TOO_LONG

#: Characters of an item, a reason and an answer: one line each, whole in the announcement.
TEXT_LIMIT = 240
#: Items that wait at once fit in the announcement; all items of a phase in its closing message.
WAITING_LIMIT, ITEM_LIMIT = 10, 30
#: Shown and shared at most, of the items that a message names.
FOUND_LIMIT = 3

NO_TEXT = "This is still empty. Name the piece of work in a line."
NO_REASON = "The channel should know why this comes back early. Say it in a line."
NO_ANSWER = "Say in a line why it can't wait, so that nobody has to guess."
NO_DAY = "Parked work needs a day on which somebody looks at it again. Choose one."
TOO_SOON = "{day} is too soon: it's on hold until {last}. Choose a later day, or bring it back."
CHANGED = "Somebody has just changed this. Close the form and open it again to see the latest list."
FULL = (
    "{limit} things are on hold already, and the announcement has no room for more. Bring one "
    "back first."
)
FULL_PROPOSAL = "{limit} things are on hold already, and the announcement has no room for more."
TOO_MANY = "{limit} things were on hold in this phase, and that's as many as I can list."
ON_LIST = 'That\'s on the list already, as "{text}".'
PROPOSED = "{name} has already proposed that, and nobody has answered it yet."
ANSWERED = "{name} has already answered this. The answer is in the thread."

#: The fields of the form that lists what is on hold.
REASON, NEW_TEXT, NEW_OWNER = "reason", "new.text", "new.owner"

_WORD = re.compile(r"\w+")
_SHORTEST_WORD = 3
#: Words that say nothing about a piece of work.
_COMMON = frozenset(
    {"the", "and", "for", "with", "from", "our", "this", "that", "not", "all", "new"}
)


class Change(StrEnum):
    """A change to an item during the phase."""

    STAY = "stay"
    BACK = "back"
    PARK = "park"


@dataclass(frozen=True, kw_only=True)
class ItemDecision:
    """The decision about a set-aside item at the end. `until` is None unless it is parked."""

    outcome: ItemOutcome = ItemOutcome.RESUMED
    until: date | None = None


@dataclass(frozen=True, kw_only=True)
class ItemChange:
    """The change chosen for one item; `was` is the day it was parked until in the form, if any."""

    position: int
    was: date | None
    change: Change = Change.STAY
    until: date | None = None

    @property
    def field(self) -> str:
        return item_field(self.position, self.was)

    @property
    def until_field(self) -> str:
        return until_field(self.position)


@dataclass(frozen=True, kw_only=True)
class ListChanges:
    """Everything that was chosen and typed in the form that lists what is on hold."""

    changes: tuple[ItemChange, ...] = ()
    reason: str = ""
    new_text: str = ""
    new_owner: str | None = None  # None: the person who adds it

    def of_kind(self, change: Change) -> tuple[ItemChange, ...]:
        return tuple(each for each in self.changes if each.change is change)


@dataclass(frozen=True, kw_only=True)
class HoldProposal:
    """What a member proposed to put on hold, and the answer."""

    proposal_id: str
    text: str
    proposed_by: str
    proposer_name: str
    accepted: bool | None = None  # None: not answered
    answered_by: str | None = None
    answer_name: str = ""  # the name of whoever answered
    answer: str | None = None  # their line, if any

    @property
    def is_open(self) -> bool:
        return self.accepted is None


def item_field(position: int, was: date | None) -> str:
    """Return the field of an item's menu; it tells in which state the item was shown."""
    return f"item:{position}:{was.isoformat() if was else ''}"


def until_field(position: int) -> str:
    return f"until:{position}"


def refusals_to_change(
    items: Sequence[SetAsideItem], submitted: ListChanges, last_day: date, today: date
) -> dict[str, str]:
    """Return what is wrong with the changes, by field; empty: they may be made.

    `last_day` is the last day of the phase.
    """
    by_position = {item.position: item for item in items}
    refusals: dict[str, str] = {}
    for change in submitted.changes:
        refusals |= _refusal_of_item(by_position.get(change.position), change, last_day, today)
    if submitted.of_kind(Change.BACK) and not submitted.reason:
        refusals[REASON] = NO_REASON
    for name, text in ((REASON, submitted.reason), (NEW_TEXT, submitted.new_text)):
        if len(text) > TEXT_LIMIT:
            refusals[name] = TEXT_TOO_LONG.format(length=len(text), limit=TEXT_LIMIT)
    if submitted.new_text and NEW_TEXT not in refusals:
        back = {change.position for change in submitted.of_kind(Change.BACK)}
        left = [item for item in items if item.position not in back]
        refused = refusal_to_add(left, submitted.new_text, len(items), FULL)
        refusals |= {NEW_TEXT: refused} if refused else {}
    return refusals


def _refusal_of_item(
    item: SetAsideItem | None, change: ItemChange, last_day: date, today: date
) -> Mapping[str, str]:
    if change.change is Change.STAY:
        return {}
    if item is None or not item.is_waiting or item.parked_until != change.was:
        return {change.field: CHANGED}
    if change.change is not Change.PARK:
        return {}
    if change.until is None:
        return {change.until_field: NO_DAY}
    if change.until <= max(last_day, today):
        text = TOO_SOON.format(day=day(change.until, today), last=day(last_day, today))
        return {change.until_field: text}
    return {}


def refusal_to_add(
    items: Sequence[SetAsideItem], text: str, count: int, full: str = FULL
) -> str | None:
    """Return why this may not be put on hold beside these items; None: it may.

    `count` is the number of items that the phase had in all.
    """
    waiting = [item for item in items if item.is_waiting]
    same = next((item for item in waiting if is_same_work(item.text, text)), None)
    if same is not None:
        return ON_LIST.format(text=" ".join(same.text.split()))
    if len(waiting) >= WAITING_LIMIT:
        return full.format(limit=WAITING_LIMIT)
    return TOO_MANY.format(limit=ITEM_LIMIT) if count >= ITEM_LIMIT else None


def refusal_to_propose(
    items: Sequence[SetAsideItem], proposals: Iterable[HoldProposal], text: str
) -> str | None:
    """Return why this may not be proposed; None: it may."""
    if not text:
        return NO_TEXT
    if len(text) > TEXT_LIMIT:
        return TEXT_TOO_LONG.format(length=len(text), limit=TEXT_LIMIT)
    unanswered = (proposal for proposal in proposals if proposal.is_open)
    same = next((each for each in unanswered if is_same_work(each.text, text)), None)
    if same is not None:
        return PROPOSED.format(name=same.proposer_name)
    return refusal_to_add(items, text, len(items), FULL_PROPOSAL)


def refusal_to_answer(
    proposal: HoldProposal, items: Sequence[SetAsideItem], *, accepts: bool, line: str
) -> str | None:
    """Return why this answer may not be given; None: it may."""
    if not proposal.is_open:
        return ANSWERED.format(name=proposal.answer_name)
    if len(line) > TEXT_LIMIT:
        return TEXT_TOO_LONG.format(length=len(line), limit=TEXT_LIMIT)
    if accepts:
        return refusal_to_add(items, proposal.text, len(items))
    return None if line else NO_ANSWER


def follow_up_day(parked_until: date, last_day: date, calendar: WorkCalendar) -> date:
    """Return the working day on which parked work is followed up: never while the phase runs.

    `last_day` is the last day of the phase, which may have been extended past the parked day.
    """
    if parked_until > last_day:
        return calendar.working_day_from(parked_until)
    return calendar.working_day_after(last_day)


def is_same_work(one: str, other: str) -> bool:
    """Return whether two texts are the same but for case, spaces and punctuation."""
    return _folded(one) == _folded(other)


def items_named_in(message: str, items: Sequence[SetAsideItem]) -> tuple[SetAsideItem, ...]:
    """Return the items that a text names, those with most of their words in it first.

    An item is named if at least half of its words stand in the text, and at least two of them
    where it has two. Case does not matter; short and common words do not count.
    """
    there = set(_words(message))
    found = []
    for item in items:
        own = _telling_words(item.text)
        shared = len(own & there)
        if own and shared >= min(len(own), max(2, (len(own) + 1) // 2)):
            found.append((-shared / len(own), item.position, item))
    return tuple(item for _, _, item in sorted(found, key=lambda each: each[:2]))


def _telling_words(text: str) -> set[str]:
    """Return the words that count; all of them if none would."""
    words = set(_words(text))
    telling = {word for word in words if len(word) >= _SHORTEST_WORD and word not in _COMMON}
    return telling or words


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _folded(text: str) -> str:
    return " ".join(_words(text)) or " ".join(text.split()).casefold()
