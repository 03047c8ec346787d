"""Phases, rounds and people in the reference model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.model.calendar import BEFORE_ITS_END, DAY, EARLIEST, ENDS_AT, FIRST_AT, local, there

KEYS = ("clarity", "trust", "ego")
#: The key of the answer to the check.
CHECK = "check"


@dataclass(kw_only=True)
class Someone:
    zone: str
    is_full: bool = True  # no guest, bot or outsider
    is_admin: bool = False
    is_closed: bool = False

    @property
    def may_act(self) -> bool:
        return self.is_full and not self.is_closed


@dataclass(kw_only=True, eq=False)
class Promise:
    """A lead's reply to results, or a change promised in a decision."""

    promise_id: str
    by: str
    one: "Round | None"  # whose results it replies to; None: made in a decision
    is_change: bool
    made_at: datetime
    outcome: str | None = None


@dataclass(kw_only=True, eq=False)
class Decision:
    """A decision about going on that the leads of a phase are asked for."""

    phase: "Phase"
    cause: str
    one: "Round | None"  # with whose results the leads are asked; None: in a message of its own
    asked_at: datetime
    note_at: datetime | None  # when the thread says that nothing is decided; None: it has
    choice: str | None = None
    by: str | None = None


@dataclass(kw_only=True, eq=False)
class Round:
    phase: "Phase"
    kind: str
    opened_at: datetime
    closes_at: datetime
    members: frozenset[str]  # who are asked
    leads: frozenset[str]
    can_answer: frozenset[str]  # the members, and those who opted out or would be asked too late
    roster_size: int  # leavers included
    minimum: int
    to_ask: dict[str, datetime]
    slots: dict[str, datetime]  # when each is asked, unless it is put off then
    to_remind: dict[str, datetime] = field(default_factory=dict)
    asked: dict[str, datetime] = field(default_factory=dict)
    reminded: dict[str, datetime] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    check: str | None = None  # its kind; None: the three questions alone
    checked: Promise | None = None  # the promise that the check is about
    check_answers: dict[str, int] = field(default_factory=dict)  # 1 yes, 2 partly, 3 no, 0 unknown
    comments: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)  # members only: they leave an empty ballot
    is_open: bool = True
    closed_at: datetime | None = None
    show_at: datetime | None = None
    shown_at: datetime | None = None
    uncertain: set[str] = field(default_factory=set)  # may or may not have been asked
    show_time_uncertain: bool = False  # the team sees the results now or on a later morning

    @property
    def on(self) -> date | None:
        """The day of everyone's slot; None if the round opened late or unplanned."""
        here = there(self.opened_at, self.phase.zone)
        planned = self.kind != "poll" and here.time() == self.phase.time_of(self.kind)
        return here.date() if planned else None

    @property
    def people(self) -> frozenset[str]:
        return self.members | self.leads

    @property
    def reached(self) -> frozenset[str]:
        """The members who were asked."""
        return self.members.intersection(self.asked)

    @property
    def rounding(self) -> str:
        """Half, or whole where one person joined or left since a round shown to the half."""
        rounds = self.phase.rounds
        before = rounds[: rounds.index(self)]
        near = (
            len(self.can_answer ^ one.can_answer) == 1
            for one in before
            if one.rounding == "half" and (one.is_open or one.is_kept)
        )
        return "whole" if any(near) else "half"

    @property
    def is_kept(self) -> bool:
        """A round is cancelled on closing if no member was asked and none answered."""
        return bool(self.reached or self.ballots)

    @property
    def ballots(self) -> set[str]:
        given = {*self.answers, *self.check_answers, *self.skipped}
        return {one for one in given if one in self.members}

    @property
    def counts(self) -> dict[str, list[int]]:
        """The members' levels for each question."""
        return {
            key: sorted(
                given[key]
                for one, given in self.answers.items()
                if one in self.members and key in given
            )
            for key in KEYS
        }

    @property
    def shown(self) -> dict[str, list[int]]:
        return {key: levels for key, levels in self.counts.items() if len(levels) >= self.minimum}

    @property
    def is_low(self) -> bool:
        """Whether a level that is shown is 2.5 or less."""
        below = 2.75 if self.rounding == "half" else 2.5
        means = [sum(levels) / len(levels) for levels in self.shown.values()]
        return not self.is_open and any(mean < below for mean in means)

    @property
    def check_outcome(self) -> str | None:
        """The median answer, partly in the middle between two; None with too few of them."""
        counted = sorted(level for level in self.check_answers.values() if level)
        if not self.shown or len(counted) < self.minimum:
            return None
        middle = {counted[(len(counted) - 1) // 2], counted[len(counted) // 2]}
        return {1: "yes", 2: "partly", 3: "no"}[middle.pop() if len(middle) == 1 else 2]


@dataclass(kw_only=True, eq=False)
class Phase:
    channel: str
    is_sprint: bool
    lead: str
    zone: str
    starts: date
    ends: date
    weekday: int
    at: time
    reminds: bool
    leads: set[str]
    members: set[str]
    phase_id: str
    is_item_back: bool = False  # what a sprint puts on hold was brought back early
    reflected: bool = True  # the lead answered the three questions in the start form
    first_ends: date = field(init=False)
    is_active: bool = True
    is_wrapped_up: bool = False
    ended_on: date | None = None
    planned: dict[tuple[str, date], datetime] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    placed: set[str] = field(default_factory=set)  # who has a place, from the first round on
    beside: list["Phase"] = field(default_factory=list)  # that ran elsewhere when this one started
    missed_kinds: set[str] = field(default_factory=set)  # kinds of rounds due in a downtime
    decide_at: datetime | None = None  # when the leads are asked about their "stop if"
    decisions: list[Decision] = field(default_factory=list)  # without those dropped at the end
    decisions_uncertain: bool = False  # one became due in a downtime
    promises: list[Promise] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first_ends = self.ends

    @property
    def days(self) -> int:
        return (self.last_day - self.starts).days + 1

    @property
    def last_day(self) -> date:
        return max(self.starts, min(self.ended_on or self.ends, self.ends))

    @property
    def ends_at(self) -> datetime:
        return local(self.ends, ENDS_AT, self.zone)

    @property
    def latest_extension(self) -> date:
        """Half the original length later, at least a day, within six or twelve weeks in all."""
        half = (self.first_ends - self.starts).days // 2
        longest = self.starts + timedelta(weeks=6 if self.is_sprint else 12)
        return min(self.first_ends + max(1, half) * DAY, longest)

    @property
    def has_rounds(self) -> bool:
        return any(one.is_open or one.is_kept for one in self.rounds)

    @property
    def roster(self) -> set[str]:
        return self.placed if self.has_rounds else self.members - self.leads - self.left

    @property
    def open_decision(self) -> Decision | None:
        return next((one for one in self.decisions if one.choice is None), None)

    @property
    def opened(self) -> list[tuple[int, Round]]:
        """The rounds that were not cancelled, with their numbers."""
        numbered = enumerate(self.rounds, start=1)
        return [(number, one) for number, one in numbered if one.is_open or one.is_kept]

    @property
    def present_leads(self) -> set[str]:
        return self.leads - self.left

    def time_of(self, kind: str) -> time:
        return FIRST_AT if kind == "first" else self.at

    def opens_at(self, kind: str, on: date) -> datetime:
        """Return when a round opens: its local time in the earliest zone, before the phase ends."""
        there_first = local(on, self.time_of(kind), EARLIEST)
        return there_first if kind == "after" else min(there_first, self.ends_at - BEFORE_ITS_END)


def over_budget(past: list[Phase], starts: date, ends: date) -> bool:
    """Return whether a sprint falls in the last one's recovery, or exceeds 30 of 90 days."""
    if past:
        last = max(past, key=lambda one: one.last_day)
        if starts <= last.last_day + last.days * DAY:
            return True
    spans = [(one.starts, one.last_day) for one in past] + [(starts, ends)]
    window = [ends - DAY * ago for ago in range(90)]
    return sum(any(first <= day <= last for first, last in spans) for day in window) > 30


def round_from_row(phase: Phase, row: Mapping[str, Any], asked: list[Mapping[str, Any]]) -> Round:
    """Return a round that opened late, with its people and closing time as the bot set them."""
    can_answer = frozenset(one["user_id"] for one in asked if one["role"] == "member")
    everyone = frozenset(one["user_id"] for one in asked if one["slot_at"])
    members = everyone & can_answer
    phase.placed |= can_answer
    return Round(
        phase=phase,
        kind=row["kind"],
        opened_at=row["opened_at"],
        closes_at=row["closes_at"],
        members=members,
        leads=everyone - members,
        can_answer=can_answer,
        roster_size=row["asked"],
        minimum=4 if row["asked"] < 8 else 5,
        to_ask={one["user_id"]: one["slot_at"] for one in asked if one["slot_at"]},
        slots={one["user_id"]: one["slot_at"] for one in asked if one["slot_at"]},
        uncertain=set(everyone),
        check=row["check_kind"],
        checked=next(
            (one for one in phase.promises if one.promise_id == row["check_subject"]), None
        ),
    )
