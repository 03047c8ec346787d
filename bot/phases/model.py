"""The phase, its people and its set-aside items, read once and passed on."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from bot.agenda.slots import slot, zone_of
from bot.agenda.work_calendar import WEEKDAYS, WorkCalendar
from bot.phases.privacy import minimum_for
from bot.phases.rules import PhaseDates, PhaseKind, PhaseLimits, Promise, SprintPromise
from bot.phases.working_agreement import NOTHING_AGREED, WorkingAgreement
from bot.workspaces.rules import WorkspaceSettings

#: In the lead's zone. For most of the team the day is over when the phase ends.
ENDS_AT = time(17, 0)


class ItemOutcome(StrEnum):
    """The outcome of a set-aside item at the end of a phase."""

    RESUMED = "resumed"
    DROPPED = "dropped"
    PARKED = "parked"


class MilestoneOutcome(StrEnum):
    """What became of a milestone, as the lead says at the end."""

    HIT = "hit"
    MISSED = "missed"
    MOVED = "moved"


class ProtectedOutcome(StrEnum):
    """Whether what was protected was kept, as the lead says at the end."""

    KEPT = "kept"
    PARTLY = "partly"
    NOT = "not"


class ExpectationReply(StrEnum):
    """The reply of a member to what the leads count on them for."""

    FITS = "fits"
    CHANGE = "change"
    TOO_MUCH = "too_much"


class PauseReason(StrEnum):
    """The reason why a phase is paused, stored in `phases.pause_reason`."""

    ARCHIVED = "archived"
    BOT_REMOVED = "outside"  # the bot was removed from the channel
    NOT_VISIBLE = "unseen"  # made private without the bot, or deleted
    RESTRICTED = "restricted"  # the bot is a member and may not post
    DELETED = "deleted"  # the phase ended with its channel


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A lead or a member. People who left are kept, with `has_left`."""

    user_id: str
    name: str  # the id where Slack's name is not known
    zone: str | None
    is_lead: bool
    has_left: bool
    contribution: str | None  # None: not stated; never show who stated none
    thanks_line: str | None  # None: the lead wrote none
    expectation: str | None = None  # what the leads count on them for; None: nothing was written
    expectation_reply: str | None = None  # an `ExpectationReply`; None: no reply yet
    is_reachable: bool = True  # the account is not deactivated
    is_on_roster: bool = True  # False: joined later, and is not asked yet


@dataclass(frozen=True, kw_only=True)
class SetAsideItem:
    """A piece of work on hold, and its outcome at the end."""

    position: int
    text: str
    owner_id: str
    owner_name: str
    outcome: str | None  # an `ItemOutcome`; None: still on hold
    parked_until: date | None  # None unless parked
    back_on: date | None = None  # None: not brought back before the end
    back_reason: str | None = None  # None unless brought back before the end

    @property
    def is_waiting(self) -> bool:
        """Return whether it was not brought back before the end."""
        return self.back_on is None

    @property
    def is_parked(self) -> bool:
        return self.outcome == ItemOutcome.PARKED


def listing_order(person: Participant) -> tuple[bool, str, str]:
    """Return a sort key: leads first, each group by name."""
    return not person.is_lead, person.name, person.user_id


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase with its people, its set-aside items and its workspace's settings.

    Dates are calendar days in `zone`, the lead's. Instants are in UTC.
    """

    phase_id: str
    channel_id: str
    kind: PhaseKind
    is_active: bool
    lead_id: str  # who started it
    zone: str
    milestone: str  # may be empty for trust-building
    promise: Promise
    justification: str | None  # None: none was needed
    started_at: datetime
    starts_on: date
    ends_on: date
    original_ends_on: date  # before any extension
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
    stop_if_on: date | None = None  # when the leads decide about `stop_if`; None: it is empty
    difference: str | None = None  # from the channel's phase before; None: not said
    milestone_outcome: str | None = None  # a `MilestoneOutcome`; None: not said
    protected_outcome: str | None = None  # a `ProtectedOutcome`; None: not said
    planned: str | None = None  # in the lead's words at the end; None: not said
    reason: str | None = None  # why it came out so; None: not said
    paused_at: datetime | None = None  # None: the bot can post in its channel
    pause_reason: str | None = None  # a `PauseReason`; None: not paused
    membership_synced_at: datetime | None = None  # None: its channel was never read
    team_said: str | None = None  # of the last sprint; None: this started after its recovery
    too_similar_to: str | None = None  # a phase beside which this one may show no levels
    people: tuple[Participant, ...] = ()  # leads first, each group by name; leavers included
    set_aside_items: tuple[SetAsideItem, ...] = ()  # in the order they were written
    how_we_work: WorkingAgreement = NOTHING_AGREED  # of trust-building only
    settings: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    #: The working days in its workspace's country.
    calendar: WorkCalendar = field(default=WEEKDAYS, repr=False)

    @property
    def is_sprint(self) -> bool:
        return self.kind is PhaseKind.RESULTS_SPRINT

    @property
    def is_paused(self) -> bool:
        """Return whether it is paused: nothing is posted in its channel, no questions asked."""
        return self.paused_at is not None

    @property
    def is_channel_deleted(self) -> bool:
        return self.pause_reason == PauseReason.DELETED

    @property
    def dates(self) -> PhaseDates:
        return PhaseDates(
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            original_ends_on=self.original_ends_on,
        )

    @property
    def ended_on(self) -> date:
        """The day it ended; while it runs, the day it is due to end."""
        return min(self.ends_on, self.day_of(self.ended_at)) if self.ended_at else self.ends_on

    @property
    def ends_at(self) -> datetime:
        """The instant at which it ends by itself, if nobody ends it before."""
        return slot(self.ends_on, ENDS_AT, self.zone)

    @property
    def weeks(self) -> float:
        """Its length in weeks of seven days, up to `ended_on`."""
        return (self.ended_on - self.starts_on).days / 7

    @property
    def minimum_answers(self) -> int | None:
        """Answers needed to show anything; None: nobody is asked, because no level may be shown.

        Too few are there, or the team is the same but for one person as that of another phase.
        """
        needed = minimum_for(len(self.roster), *self.settings.minimums)
        there = sum(not person.has_left for person in self.roster)
        if self.too_similar_to is not None or needed is None:
            return None
        return needed if needed <= there else None

    @property
    def leads(self) -> tuple[Participant, ...]:
        """The leads who have not left; the one who started it comes first."""
        leads = [person for person in self.people if person.is_lead and not person.has_left]
        return tuple(sorted(leads, key=lambda person: person.user_id != self.lead_id))

    @property
    def lead_ids(self) -> tuple[str, ...]:
        return tuple(person.user_id for person in self.leads)

    @property
    def lead_names(self) -> tuple[str, ...]:
        """Names of the leads; of the person who started it where no lead is left."""
        starter = [person for person in self.people if person.user_id == self.lead_id]
        return tuple(person.name for person in self.leads or starter) or (self.lead_id,)

    @property
    def reachable_leads(self) -> tuple[Participant, ...]:
        """The leads to whom Slack delivers direct messages."""
        return tuple(person for person in self.leads if person.is_reachable)

    @property
    def zones_of_readers(self) -> dict[str, str]:
        """Return the time zones of those who are sent what the team writes, by user id.

        Where no lead can be reached, it is kept for the person who started the phase.
        """
        readers = {lead.user_id: lead.zone or self.zone for lead in self.reachable_leads}
        starter = self.participant(self.lead_id)
        return readers or {self.lead_id: (starter.zone if starter else None) or self.zone}

    @property
    def members(self) -> tuple[Participant, ...]:
        return tuple(person for person in self.people if not (person.is_lead or person.has_left))

    @property
    def roster(self) -> tuple[Participant, ...]:
        """The members with a place among the people asked; who leaves keeps it."""
        return tuple(person for person in self.people if person.is_on_roster and not person.is_lead)

    @property
    def roster_ids(self) -> tuple[str, ...]:
        return tuple(person.user_id for person in self.roster)

    @property
    def member_ids(self) -> tuple[str, ...]:
        return tuple(person.user_id for person in self.members)

    @property
    def limits(self) -> PhaseLimits:
        return PhaseLimits.of(self.settings)

    @property
    def waiting_items(self) -> tuple[SetAsideItem, ...]:
        """The items on hold or parked, without those brought back before the end."""
        return tuple(item for item in self.set_aside_items if item.is_waiting)

    @property
    def protected(self) -> str:
        """What the lead of a results sprint promised to protect; may be empty."""
        return self.promise.protected if isinstance(self.promise, SprintPromise) else ""

    def participant(self, user_id: str) -> Participant | None:
        """Return the person, if they are or were in the phase's team."""
        return next((person for person in self.people if person.user_id == user_id), None)

    def day_of(self, instant: datetime) -> date:
        """Return the calendar day of an instant in the lead's zone."""
        return instant.astimezone(zone_of(self.zone)).date()

    def is_led_by(self, user_id: str) -> bool:
        return user_id in self.lead_ids

    def has_participant(self, user_id: str) -> bool:
        """Return whether this person is in the phase's team now, as lead or member."""
        return any(person.user_id == user_id and not person.has_left for person in self.people)
