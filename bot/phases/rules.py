"""Rules of starting, extending and ending a phase, with the reason for each refusal. Pure.

Dates are calendar days in the lead's zone. A refusal is a value with the sentence for the person:
what did not happen, why, and what to do now.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Self

from bot.agenda.work_calendar import WorkCalendar
from bot.dates import day, weeks
from bot.phases.budget import SHARE, Budget, Span
from bot.workspaces.rules import TEXT_TOO_LONG, WorkspaceSettings

NOT_LATER = "{day} isn't after today. Pick a later day."
SPRINT_TOO_LONG = "That's too long: sprints here last at most {weeks}. Pick a date by {latest}."
TRUST_TOO_LONG = (
    "That's too long: trust-building phases here last at most {weeks}. Pick a date by {latest}."
)
NEEDS_MILESTONE = "A sprint serves a milestone. Name the one thing that can't slip."
NEEDS_STAKES = "People give more when they know why. Say what happens if you miss it."
NEEDS_SET_ASIDE = (
    "If nothing can wait, it's just more pressure. Add one thing the team can stop doing until "
    "{day}."
)
NEEDS_PURPOSE = "Say what you want to be able to do together when this is over."
NEEDS_TEAM = "Nobody is on the team yet. Choose who this phase is for."
STOP_IF_OUTSIDE = "Pick a day after today, and not after the end on {day}."
NEEDS_STOP_IF = "Say what would make you stop, or clear the day on which you decide."
NEEDS_JUSTIFICATION = "{reason} Say why this can't wait; the channel will see it."
OVER_BUDGET = "{sentence} The limit here is {allowed}."
TOO_SOON = "The last sprint ended on {day}, and less time has passed since than it lasted."
IN_RECOVERY = "The team is in recovery until {day}."
EXTENDED_ALREADY = "The current phase was already extended once, and announcing this one ends it."
LONG_SPRINT = (
    "After {weeks}, longer hours bring little more, and people stay tired for longer. Could it "
    "end sooner?"
)
NOT_AN_EXTENSION = "{day} isn't after the current end, {end}. Pick a day up to {latest}."
EXTENSION_TOO_LONG = (
    "That's too long: a phase can be extended by half its original length. Pick a day up to "
    "{latest}."
)
GUESTS_NEVER = "Guests and people from other organizations can't do this. Talk to {names}, who can."
GUESTS_CANNOT_START = (
    "Guests and people from other organizations can't start a phase. Ask a full member of this "
    "workspace to start it."
)
STARTERS_ONLY = "In this workspace, phases are started by {names}. Ask them to start yours."
ADMINS_ONLY = "In this workspace, only admins start phases. Ask one of them to start yours."
GUESTS_LEAD_NO_MORE = (
    "Guests and people from other organizations can't do this. Ask a workspace admin to do it."
)
LEADS_ONLY = "Only this phase's leads and workspace admins can do this. Talk to {names}."
WITHOUT_LEADS = (
    "This phase has no lead any more, so only workspace admins can do this. Ask one of them."
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
    stop_if: str = ""


@dataclass(frozen=True, kw_only=True)
class TrustPromise:
    """The public promise of the lead of a trust-building phase."""

    purpose: str
    mistakes_fine: str = ""
    mistakes_not: str = ""
    listening: str = ""
    yours_to_shape: str = ""
    give_up: str = ""
    stop_if: str = ""


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
    stop_if_on: date | None = None  # None: half way, where there is a `stop_if`
    set_aside: tuple[SetAside, ...] = ()
    justification: str = ""
    difference: str = ""  # from the channel's phase before
    team_said: str | None = None  # of the last sprint; None: this does not start in its recovery
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
    team_said: str | None = None  # of the last sprint; None: the new one starts after its recovery


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
    refused_end = refusal_of_end(proposal.kind, proposal.ends_on, today, limits)
    refusals = [
        *([refused_end] if refused_end else []),
        *_missing(proposal),
        *_refusals_of_stop_if(proposal),
        *_too_long(proposal),
    ]
    reason = needs_justification(proposal, history)
    if reason and not proposal.justification:
        text = NEEDS_JUSTIFICATION.format(reason=reason)
        refusals.append(Refusal(text=text, field="justification"))
    return tuple(refusals)


def refusal_of_end(
    kind: PhaseKind, ends_on: date, today: date, limits: PhaseLimits
) -> Refusal | None:
    """Return why a phase of this kind that starts today may not end on the day; None: it may."""
    if ends_on <= today:
        return Refusal(text=NOT_LATER.format(day=day(ends_on, today)), field="ends_on")
    latest = latest_end(kind, today, limits)
    if ends_on <= latest:
        return None
    template = SPRINT_TOO_LONG if kind is PhaseKind.RESULTS_SPRINT else TRUST_TOO_LONG
    text = template.format(weeks=weeks(limits.max_weeks(kind)), latest=day(latest, today))
    return Refusal(text=text, field="ends_on")


def warnings(proposal: Proposal, limits: PhaseLimits) -> tuple[str, ...]:
    """Return what the lead should know before announcing; it refuses nothing.

    Past four weeks: the advantage of long hours is gone after about eight weeks (IGDA), and
    output an hour falls beyond about 50 hours a week (Pencavel 2014).
    """
    is_long = proposal.span.days > limits.sprint_warn_weeks * 7 + 1
    if proposal.kind is PhaseKind.RESULTS_SPRINT and is_long:
        return (LONG_SPRINT.format(weeks=weeks(limits.sprint_warn_weeks)),)
    return ()


def needs_justification(proposal: Proposal, history: SprintHistory) -> str | None:
    """Return why this start has to be justified in public; None: it need not be."""
    if history.was_extended:
        return EXTENDED_ALREADY
    if proposal.kind is not PhaseKind.RESULTS_SPRINT:
        return None
    if history.recovery_until and starts_in_recovery(proposal, history):
        return IN_RECOVERY.format(day=day(history.recovery_until, proposal.starts_on))
    last = history.last_sprint
    if last and (proposal.starts_on - last.ends_on).days < last.days:
        return TOO_SOON.format(day=day(last.ends_on, proposal.starts_on))
    if history.budget.is_over:
        budget = history.budget
        return OVER_BUDGET.format(sentence=budget.sentence, allowed=budget.allowed_days)
    return None


def starts_in_recovery(proposal: Proposal, history: SprintHistory) -> bool:
    """Return whether this is a sprint that starts before the last one's recovery is over."""
    until = history.recovery_until
    is_sprint = proposal.kind is PhaseKind.RESULTS_SPRINT
    return is_sprint and until is not None and proposal.starts_on <= until


def default_end(today: date, weeks: int, calendar: WorkCalendar) -> date:
    """Return the day this many weeks from today, or the next working day."""
    return calendar.working_day_from(today + timedelta(weeks=weeks))


def latest_end(kind: PhaseKind, starts_on: date, limits: PhaseLimits) -> date:
    return starts_on + timedelta(weeks=limits.max_weeks(kind))


def recovery_until(span: Span) -> date:
    """Return the last day of recovery: a results sprint books at least its own length of it."""
    return span.ends_on + timedelta(days=span.days)


def end_warning_day(ends_on: date, calendar: WorkCalendar) -> date:
    """Return the day on which the lead is asked: two working days before the end."""
    return calendar.working_day_before(ends_on, 2)


def latest_extension(dates: PhaseDates, limits: PhaseLimits) -> date:
    """Return the latest new end: at most half the first length more, within the longest allowed."""
    half = (dates.original_ends_on - dates.starts_on) / 2
    allowed = latest_end(dates.kind, dates.starts_on, limits)
    return min(dates.original_ends_on + timedelta(days=max(1, half.days)), allowed)


def refusal_to_extend(
    dates: PhaseDates, new_end: date, today: date, limits: PhaseLimits
) -> Refusal | None:
    """Return why a phase that was never extended may not end on the new day; None: it may."""
    latest = latest_extension(dates, limits)
    latest_day = day(latest, today)
    if new_end <= dates.ends_on:
        text = NOT_AN_EXTENSION.format(
            day=day(new_end, today), end=day(dates.ends_on, today), latest=latest_day
        )
        return Refusal(text=text, field="ends_on")
    if new_end <= today:
        return Refusal(text=NOT_LATER.format(day=day(new_end, today)), field="ends_on")
    if new_end > latest:
        return Refusal(text=EXTENSION_TOO_LONG.format(latest=latest_day), field="ends_on")
    return None


def refusal_to_start_any(actor: Actor, limits: PhaseLimits, names: str) -> Refusal | None:
    """Return why the actor may start no phase; None: they may.

    Any full member may, or only those named; `names` are shown to the others.
    """
    if not actor.is_full_member:
        return Refusal(text=GUESTS_CANNOT_START)
    if limits.starters is None or actor.is_admin or actor.user_id in limits.starters:
        return None
    return Refusal(text=STARTERS_ONLY.format(names=names) if names else ADMINS_ONLY)


def may_manage(actor: Actor, lead_ids: Collection[str]) -> bool:
    """Return whether the actor may act for a phase: its leads and workspace admins may."""
    return actor.is_full_member and (actor.is_admin or actor.user_id in lead_ids)


def refusal_to_manage(actor: Actor, lead_ids: Collection[str], names: str) -> Refusal | None:
    """Return why the actor may not ask, extend or end the phase; None: they may.

    `names` are those of its leads.
    """
    if may_manage(actor, lead_ids):
        return None
    if not lead_ids:
        return Refusal(text=WITHOUT_LEADS)
    if actor.user_id in lead_ids:
        return Refusal(text=GUESTS_LEAD_NO_MORE)
    return Refusal(text=(LEADS_ONLY if actor.is_full_member else GUESTS_NEVER).format(names=names))


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
        text = NEEDS_SET_ASIDE.format(day=day(proposal.ends_on, proposal.starts_on))
        yield Refusal(text=text, field="set_aside")


def _refusals_of_stop_if(proposal: Proposal) -> Iterable[Refusal]:
    on = proposal.stop_if_on
    if on is None:
        return
    if not proposal.promise.stop_if:
        yield Refusal(text=NEEDS_STOP_IF, field="stop_if")
    elif not proposal.starts_on < on <= proposal.ends_on:
        text = STOP_IF_OUTSIDE.format(day=day(proposal.ends_on, proposal.starts_on))
        yield Refusal(text=text, field="stop_if_on")


def _too_long(proposal: Proposal) -> Iterable[Refusal]:
    for name, text in (*_texts(proposal), *_set_aside_texts(proposal.set_aside)):
        if len(text) > TEXT_LIMIT:
            message = TEXT_TOO_LONG.format(length=len(text), limit=TEXT_LIMIT)
            yield Refusal(text=message, field=name)


def _texts(proposal: Proposal) -> Iterable[tuple[str, str]]:
    yield "milestone", proposal.milestone
    yield "justification", proposal.justification
    yield "difference", proposal.difference
    for promise_field in fields(proposal.promise):
        yield promise_field.name, getattr(proposal.promise, promise_field.name)


def _set_aside_texts(items: Sequence[SetAside]) -> Iterable[tuple[str, str]]:
    return (("set_aside", item.text) for item in items)
