"""What the rest of the room is told about a phase, its people and what waits."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from bot.agenda.slots import zone_of
from bot.phases.privacy import MINIMUM_LARGE, MINIMUM_SMALL, minimum_for
from bot.phases.rules import Dates, Kind, Promise


class Fate(StrEnum):
    """What becomes of set-aside work."""

    RESUMED = "resumed"
    DROPPED = "dropped"
    PARKED = "parked"


class Why(StrEnum):
    """Why a phase waits. Kept in `phases.paused_because`."""

    ARCHIVED = "archived"
    OUTSIDE = "outside"  # we were removed from the channel
    UNSEEN = "unseen"  # made private without us, or deleted
    RESTRICTED = "restricted"  # we are in it and may not post
    DELETED = "deleted"  # the phase ended with its channel


@dataclass(frozen=True, kw_only=True)
class PhaseRow:
    """One phase. Its dates are calendar days in `zone`, the lead's."""

    phase_id: str
    channel_id: str
    kind: Kind
    is_active: bool
    lead_id: str  # who started it
    zone: str
    milestone: str  # may be empty for trust-building
    promise: Promise
    justification: str | None  # None: none was needed
    started_at: datetime
    starts_on: date
    ends_on: date
    first_ends_on: date  # before any extension
    extension_reason: str | None  # None: never extended
    recovery_until: date | None  # None: trust-building books none
    weekday: int  # 0 is Monday
    time_of_day: time  # in each person's own zone
    remind: bool
    comments_to: str  # leads, or team
    ended_at: datetime | None  # None: active
    ended_by: str | None  # None: active, or ended by its date
    outcome: str | None
    learning: str | None
    thanks: str | None
    wrapped_up_at: datetime | None  # None: no wrap-up was written (yet)
    wrapped_up_by: str | None  # a lead, or an admin
    paused_at: datetime | None = None  # None: its channel can be spoken in
    paused_because: str | None = None  # a `Why`; None: not paused

    @property
    def is_sprint(self) -> bool:
        return self.kind is Kind.RESULTS_SPRINT

    @property
    def is_paused(self) -> bool:
        """Nothing is said in its channel, and no questions begin."""
        return self.paused_at is not None

    @property
    def dates(self) -> Dates:
        return Dates(
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            first_ends_on=self.first_ends_on,
        )

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant where the lead lives."""
        return instant.astimezone(zone_of(self.zone)).date()


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A lead or a member. Who left is still here, with `has_left`."""

    user_id: str
    name: str  # the id where Slack's name is not known
    zone: str | None
    is_lead: bool
    has_left: bool
    contribution: str | None  # None: not said; never show who has not
    thanks_line: str | None  # None: the lead wrote none
    is_reachable: bool = True  # no closed account


@dataclass(frozen=True, kw_only=True)
class Item:
    """A piece of work that may wait, and what became of it at the end."""

    position: int
    text: str
    owner_id: str
    owner_name: str
    fate: str | None  # None: still set aside; resumed, dropped or parked
    parked_until: date | None  # None unless parked


@dataclass(frozen=True, kw_only=True)
class WholePhase:
    """A phase with its people (leads first) and what it set aside."""

    phase: PhaseRow
    people: tuple[Participant, ...]
    items: tuple[Item, ...]
    minimums: tuple[int, int] = (MINIMUM_SMALL, MINIMUM_LARGE)  # the workspace's

    @property
    def minimum(self) -> int | None:
        """Answers needed to show anything; None: the team is too small to be asked."""
        return minimum_for(len(self.members), *self.minimums)

    @property
    def leads(self) -> tuple[Participant, ...]:
        """Who started it first."""
        leads = [one for one in self.people if one.is_lead and not one.has_left]
        return tuple(sorted(leads, key=lambda one: one.user_id != self.phase.lead_id))

    @property
    def leads_to_tell(self) -> tuple[Participant, ...]:
        """Those who can be written to."""
        return tuple(one for one in self.leads if one.is_reachable)

    @property
    def members(self) -> tuple[Participant, ...]:
        return tuple(one for one in self.people if not (one.is_lead or one.has_left))

    def is_led_by(self, user_id: str) -> bool:
        return any(one.user_id == user_id for one in self.leads)

    def has(self, user_id: str) -> bool:
        """Whether this person is of the phase's team now, as lead or member."""
        return any(one.user_id == user_id for one in (*self.leads, *self.members))
