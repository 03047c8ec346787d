"""Rules of starting, extending and ending a phase, with the reason for each refusal. Pure.

Dates are calendar days in the lead's zone. A refusal is a value with the sentence for the person:
what did not happen, why, and what to do now.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Self

from bot.agenda.slots import working_day_before, working_day_from
from bot.dates import day
from bot.phases.budget import SHARE, Budget, Span
from bot.workspaces.rules import WorkspaceSettings

NOT_LATER = "Nothing was started: {day} is not after today. Choose a later end."
TOO_LONG = (
    "Nothing was started: {days} days are more than the {weeks} weeks this workspace allows, "
    "because an imbalance without a near end becomes the normal. End by {latest}."
)
NEEDS_MILESTONE = (
    "Nothing was started: a results sprint serves a milestone. Name what must not slip."
)
NEEDS_STAKES = (
    "Nothing was started: a results sprint says what is at stake. Write what happens if you miss."
)
NEEDS_SET_ASIDE = (
    "Nothing was started: a results sprint needs something that may wait. Name at least one "
    "piece of work the team can stop doing until {day}."
)
NEEDS_PURPOSE = (
    "Nothing was started: a trust-building phase says what it is for. Write what you should be "
    "able to do together afterwards."
)
NEEDS_TEAM = "Nothing was started: nobody is in the team. Choose who the phase is for."
TEXT_TOO_LONG = (
    "Nothing was started: this has {length:,} characters, and {limit:,} fit. Shorten it."
)
NEEDS_JUSTIFICATION = (
    "Nothing was started yet. {reason} Write why it is worth it; the announcement prints it."
)
OVER_BUDGET = "{sentence} More than a third of the time is not extraordinary any more."
TOO_SOON = "The last sprint ended {day}, less than its own length before this one."
IN_RECOVERY = "The last sprint booked recovery until {day}."
EXTENDED_ALREADY = (
    "The phase before was extended already, so this is a new one: announcing it ends the running "
    "one today."
)
LONG_SPRINT = (
    "Over {weeks} weeks the gain of longer hours is mostly gone, and people are tired for longer "
    "than they were fast. Is a shorter end possible?"
)
EXTENDED_ONCE = (
    "The phase was not extended: that goes once, and it was done. Start a new one when it is "
    "over, with a justification."
)
NOT_AN_EXTENSION = "The phase was not extended: {day} is not after its end. Choose a later day."
EXTENSION_TOO_LONG = (
    "The phase was not extended: it may grow by half of its first length, to {latest} at most. "
    "Choose a day until then."
)
GUESTS_NEVER = (
    "Nothing was changed: guests and people from other organisations cannot do this. Ask a full "
    "member of this workspace."
)
STARTERS_ONLY = (
    "Nothing was started: in this workspace only some people start phases. Ask {names}, or an "
    "admin to change the settings."
)
LEADS_ONLY = (
    "Nothing was changed: only the leads of this phase and workspace admins do this. Ask {names}."
)


#: A Slack input takes at most 3,000 characters.
TEXT_LIMIT = 3_000
SET_ASIDE_LIMIT = 5


class PhaseKind(StrEnum):
    """The priority of a phase."""

    RESULTS_SPRINT = "results_sprint"
    TRUST_BUILDING = "trust_building"


@dataclass(frozen=True, kw_only=True)
class PhaseLimits:
    """The limits that a workspace sets. Weeks are of seven days."""

    sprint_warn_weeks: int = 4
    sprint_max_weeks: int = 6  # extensions included
    trust_max_weeks: int = 12
    budget_share: float = SHARE
    starters: tuple[str, ...] | None = None  # None: any full member

    @classmethod
    def of(cls, settings: WorkspaceSettings) -> Self:
        """Return the limits among a workspace's settings."""
        # People write a third as 33 per cent; thirty of ninety days are still within it.
        is_third = settings.budget_percent == round(SHARE * 100)
        return cls(
            sprint_warn_weeks=settings.sprint_warn_weeks,
            sprint_max_weeks=settings.sprint_max_weeks,
            trust_max_weeks=settings.trust_max_weeks,
            budget_share=SHARE if is_third else settings.budget_percent / 100,
            starters=settings.starters,
        )

    def max_weeks(self, kind: PhaseKind) -> int:
        is_sprint = kind is PhaseKind.RESULTS_SPRINT
        return self.sprint_max_weeks if is_sprint else self.trust_max_weeks


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Work that may wait, and the person who takes it back at the end."""

    text: str
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class SprintPromise:
    """The public promise of the lead of a results sprint."""

    stakes: str
    ask: str = ""
    protected: str = ""
    why_you: str = ""
    give_up: str = ""


@dataclass(frozen=True, kw_only=True)
class TrustPromise:
    """The public promise of the lead of a trust-building phase."""

    purpose: str
    mistakes_fine: str = ""
    mistakes_not: str = ""
    listening: str = ""
    yours_to_shape: str = ""
    give_up: str = ""


Promise = SprintPromise | TrustPromise


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A phase that somebody wants to start."""

    kind: PhaseKind
    channel_id: str
    lead_id: str
    co_lead_ids: tuple[str, ...] = ()
    member_ids: tuple[str, ...]
    milestone: str = ""
    starts_on: date
    ends_on: date
    zone: str
    promise: Promise
    set_aside: tuple[SetAside, ...] = ()
    justification: str = ""
    weekday: int = 1  # 0 is Monday
    time_of_day: time = time(10, 0)
    remind: bool = True
    comments_to: str = "leads"  # or team

    @property
    def lead_ids(self) -> tuple[str, ...]:
        return (self.lead_id, *self.co_lead_ids)

    @property
    def span(self) -> Span:
        return Span(starts_on=self.starts_on, ends_on=self.ends_on)


@dataclass(frozen=True, kw_only=True)
class SprintHistory:
    """The channel's results sprints until now, as far as they matter for the next one."""

    budget: Budget  # the proposed sprint included
    last_sprint: Span | None = None
    recovery_until: date | None = None
    was_extended: bool = False  # the new phase continues one that was extended already


@dataclass(frozen=True, kw_only=True)
class PhaseDates:
    """The dates on which a running phase began and is due to end."""

    kind: PhaseKind
    starts_on: date
    ends_on: date
    original_ends_on: date  # before any extension


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person who wants to do something."""

    user_id: str
    is_full_member: bool
    is_admin: bool = False


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refusal, about one field; `field` None: about the whole."""

    text: str
    field: str | None = field(default=None)


def refusals_to_start(
    proposal: Proposal, history: SprintHistory, limits: PhaseLimits, today: date
) -> tuple[Refusal, ...]:
    """Return everything that keeps the phase from starting; empty: it may."""
    refusals = [*_dates_refused(proposal, limits, today), *_missing(proposal), *_too_long(proposal)]
    reason = needs_justification(proposal, history)
    if reason and not proposal.justification:
        text = NEEDS_JUSTIFICATION.format(reason=reason)
        refusals.append(Refusal(text=text, field="justification"))
    return tuple(refusals)


def warnings(proposal: Proposal, limits: PhaseLimits) -> tuple[str, ...]:
    """Return what the lead should know before announcing; it refuses nothing.

    Past four weeks: the advantage of long hours is gone after about eight weeks (IGDA), and
    output an hour falls beyond about 50 hours a week (Pencavel 2014).
    """
    is_long = proposal.span.days > limits.sprint_warn_weeks * 7 + 1
    if proposal.kind is PhaseKind.RESULTS_SPRINT and is_long:
        return (LONG_SPRINT.format(weeks=limits.sprint_warn_weeks),)
    return ()


def needs_justification(proposal: Proposal, history: SprintHistory) -> str | None:
    """Return why this start has to be justified in public; None: it need not be."""
    if history.was_extended:
        return EXTENDED_ALREADY
    if proposal.kind is not PhaseKind.RESULTS_SPRINT:
        return None
    if history.recovery_until and proposal.starts_on <= history.recovery_until:
        return IN_RECOVERY.format(day=day(history.recovery_until))
    last = history.last_sprint
    if last and (proposal.starts_on - last.ends_on).days < last.days:
        return TOO_SOON.format(day=day(last.ends_on))
    if history.budget.is_over:
        return OVER_BUDGET.format(sentence=history.budget.sentence)
    return None


def default_end(today: date, weeks: int = 2) -> date:
    """Return the day this many weeks from today; a weekend moves to Monday."""
    return working_day_from(today + timedelta(weeks=weeks))


def latest_end(kind: PhaseKind, starts_on: date, limits: PhaseLimits) -> date:
    return starts_on + timedelta(weeks=limits.max_weeks(kind))


def recovery_until(span: Span) -> date:
    """Return the last day of recovery: a results sprint books at least its own length of it."""
    return span.ends_on + timedelta(days=span.days)


def end_warning_day(ends_on: date) -> date:
    """Return the day on which the lead is asked: two working days before the end."""
    return working_day_before(ends_on, 2)


def latest_extension(dates: PhaseDates, limits: PhaseLimits) -> date:
    """Return the latest new end: at most half the first length more, within the longest allowed."""
    half = (dates.original_ends_on - dates.starts_on) / 2
    allowed = latest_end(dates.kind, dates.starts_on, limits)
    return min(dates.original_ends_on + timedelta(days=max(1, half.days)), allowed)


def refusal_to_extend(dates: PhaseDates, new_end: date, limits: PhaseLimits) -> Refusal | None:
    """Return why the phase may not end on the new day; None: it may."""
    if dates.ends_on != dates.original_ends_on:
        return Refusal(text=EXTENDED_ONCE)
    if new_end <= dates.ends_on:
        return Refusal(text=NOT_AN_EXTENSION.format(day=day(new_end)), field="ends_on")
    latest = latest_extension(dates, limits)
    if new_end > latest:
        return Refusal(text=EXTENSION_TOO_LONG.format(latest=day(latest)), field="ends_on")
    return None


def refusal_to_start_any(actor: Actor, limits: PhaseLimits, names: str) -> Refusal | None:
    """Return why the actor may start no phase; None: they may.

    Any full member may, or only those named; `names` are shown to the others.
    """
    if not actor.is_full_member:
        return Refusal(text=GUESTS_NEVER)
    if limits.starters is None or actor.is_admin or actor.user_id in limits.starters:
        return None
    return Refusal(text=STARTERS_ONLY.format(names=names))


def may_manage(actor: Actor, lead_ids: Collection[str]) -> bool:
    """Return whether the actor may act for a phase: its leads and workspace admins may."""
    return actor.is_full_member and (actor.is_admin or actor.user_id in lead_ids)


def refusal_to_manage(actor: Actor, lead_ids: Collection[str], names: str) -> Refusal | None:
    """Return why the actor may not extend or end the phase; None: they may."""
    if may_manage(actor, lead_ids):
        return None
    text = LEADS_ONLY.format(names=names) if actor.is_full_member else GUESTS_NEVER
    return Refusal(text=text)


def _dates_refused(proposal: Proposal, limits: PhaseLimits, today: date) -> Iterable[Refusal]:
    if proposal.ends_on <= today:
        yield Refusal(text=NOT_LATER.format(day=day(proposal.ends_on)), field="ends_on")
    latest = latest_end(proposal.kind, proposal.starts_on, limits)
    if proposal.ends_on > latest:
        text = TOO_LONG.format(
            days=proposal.span.days,
            weeks=limits.max_weeks(proposal.kind),
            latest=day(latest),
        )
        yield Refusal(text=text, field="ends_on")


def _missing(proposal: Proposal) -> Iterable[Refusal]:
    if not set(proposal.member_ids) - set(proposal.lead_ids):
        yield Refusal(text=NEEDS_TEAM, field="members")
    if isinstance(proposal.promise, TrustPromise):
        if not proposal.promise.purpose:
            yield Refusal(text=NEEDS_PURPOSE, field="purpose")
        return
    if not proposal.milestone:
        yield Refusal(text=NEEDS_MILESTONE, field="milestone")
    if not proposal.promise.stakes:
        yield Refusal(text=NEEDS_STAKES, field="stakes")
    if not proposal.set_aside:
        text = NEEDS_SET_ASIDE.format(day=day(proposal.ends_on))
        yield Refusal(text=text, field="set_aside")


def _too_long(proposal: Proposal) -> Iterable[Refusal]:
    for name, text in (*_texts(proposal), *_set_aside_texts(proposal.set_aside)):
        if len(text) > TEXT_LIMIT:
            message = TEXT_TOO_LONG.format(length=len(text), limit=TEXT_LIMIT)
            yield Refusal(text=message, field=name)


def _texts(proposal: Proposal) -> Iterable[tuple[str, str]]:
    yield "milestone", proposal.milestone
    yield "justification", proposal.justification
    for promise_field in fields(proposal.promise):
        yield promise_field.name, getattr(proposal.promise, promise_field.name)


def _set_aside_texts(items: Sequence[SetAside]) -> Iterable[tuple[str, str]]:
    return (("set_aside", item.text) for item in items)
