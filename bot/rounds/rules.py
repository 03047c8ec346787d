"""Rules of rounds: when they open, who is asked, and the minimum number of answers. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from bot.agenda.slots import next_weekday, within_hours
from bot.agenda.work_calendar import WorkCalendar
from bot.phases.privacy import joiners_to_ask

#: No two rounds within five days: people would be asked twice about the same days.
MIN_APART = timedelta(days=5)
OPEN_FOR = timedelta(hours=48)
REMIND_AFTER = timedelta(hours=24)
#: Nobody is asked with less time than this left to answer.
MIN_TIME_TO_ANSWER = timedelta(hours=1)
FOLLOW_UP_DAYS = 14
#: This long after a phase's end nobody is asked about it any more.
FOLLOW_UP_WINDOW = timedelta(weeks=6)
LONG_PHASE_DAYS = 21


class RoundKind(StrEnum):
    """The occasion of a round."""

    FIRST = "first"  # the working morning after the announcement
    WEEKLY = "weekly"
    CLOSING = "closing"  # the last one before the end
    AFTER = "after"  # two (and four) weeks after the end
    POLL = "poll"  # a lead asked for it


@dataclass(frozen=True, kw_only=True)
class PlannedDay:
    """A round to come, on a calendar day that is the same for everyone."""

    kind: RoundKind
    on: date


@dataclass(frozen=True, kw_only=True)
class WantedDay:
    """A day on which a phase asks one person, unless another of their phases does."""

    on: date
    at: time  # on later days
    last_asked: date | None = None  # about the same phase; None: never


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A member of the phase's team, with what decides whether they are asked."""

    user_id: str
    is_full_member: bool  # no bot, guest, outsider or deactivated account
    is_lead: bool
    has_opted_out: bool
    has_left: bool = False
    is_on_roster: bool = True

    @property
    def can_answer(self) -> bool:
        """Return whether they are there and count as the team; opting out changes nothing."""
        return self.is_full_member and not (self.is_lead or self.has_left)


@dataclass(frozen=True, kw_only=True)
class MembershipDiff:
    """The people who joined a phase's team and who left it."""

    departed: tuple[str, ...]
    returned: tuple[str, ...]  # in the role they had before they left
    new: tuple[str, ...]

    @property
    def has_changes(self) -> bool:
        return bool(self.departed or self.returned or self.new)


def membership_diff(
    team: Mapping[str, bool],
    there: AbstractSet[str],
    strangers: AbstractSet[str],
    colleagues: AbstractSet[str],
) -> MembershipDiff:
    """Return the changes of the team that follow from who is in the channel now.

    `team` is everybody who was ever in it, with whether they are now; `strangers` joined the
    channel since it was last read; `colleagues` are the full members among them.
    """
    return MembershipDiff(
        departed=tuple(
            sorted(user_id for user_id in team if team[user_id] and user_id not in there)
        ),
        returned=tuple(
            sorted(user_id for user_id in team if not team[user_id] and user_id in there)
        ),
        new=tuple(sorted(strangers & colleagues)),
    )


def plan(
    starts_on: date, ends_on: date, weekday: int, at: time, calendar: WorkCalendar
) -> tuple[PlannedDay, ...]:
    """Return all rounds of a phase, in order. `at` is the local time of all but the first.

    The first comes on the working day after the start, then one every `weekday` (0 is Monday) or,
    where that is no working day, on the next one. The last weekly one within five days of the end
    is the closing one; where there is none, the closing one comes on the last working day. A weekly
    one too near to another is left out. Afterwards comes one two weeks after the end, and one four
    weeks after phases over three weeks.
    """
    first = PlannedDay(kind=RoundKind.FIRST, on=calendar.working_day_after(starts_on))
    nominal = _weekdays(first.on, ends_on, weekday)
    weekly = _spaced((calendar.working_day_from(on, at) for on in nominal), first.on, ends_on)
    closing = _closing(weekly, calendar.working_day_until(ends_on, at), ends_on)
    rounds = [first]
    rounds += [
        PlannedDay(kind=RoundKind.WEEKLY, on=on)
        for on in weekly
        if on != closing and not _near(on, closing)
    ]
    if closing > first.on and not _near(closing, first.on):
        rounds.append(PlannedDay(kind=RoundKind.CLOSING, on=closing))
    times = 2 if (ends_on - starts_on).days > LONG_PHASE_DAYS else 1
    later = [ends_on + timedelta(days=FOLLOW_UP_DAYS * number) for number in range(1, times + 1)]
    rounds += [
        PlannedDay(kind=RoundKind.AFTER, on=calendar.working_day_from(on, at)) for on in later
    ]
    return tuple(rounds)


def day_to_ask(
    own: WantedDay, older: Sequence[WantedDay], taken: Collection[date], calendar: WorkCalendar
) -> date:
    """Return the working day on which a person with several phases is asked about one of them.

    It is the wanted day or, where another phase asks them then, the next free one less than five
    days later. It is never within five days of the last questions about the same phase.

    `taken` are the days of questions that are fixed already. `older` are the days still wanted by
    phases that started earlier, the oldest first: they choose first, so that the result does not
    depend on which of them opens first. Where no day is free, two phases ask on the same one.
    """
    days = set(taken)
    for wanted in older:
        days.add(_free_day(wanted, days, calendar))
    return _free_day(own, days, calendar)


def may_open(opening: datetime, opened_before: datetime | None) -> bool:
    """Return whether a round may open now, given when the last one did."""
    return opened_before is None or opening - opened_before >= MIN_APART


def next_poll_from(opened_before: datetime | None) -> datetime | None:
    """Return when a lead may ask again; None: at once."""
    return None if opened_before is None else opened_before + MIN_APART


def roster_of(candidates: Iterable[Candidate], *, is_first: bool) -> tuple[Candidate, ...]:
    """Return the people with a place among those asked, leavers and people who opted out included.

    The first round fixes it: everyone who can answer. Later nobody loses a place, and who joined
    gets one as `joiners_to_ask` says. Leads reflect instead, and are never counted.
    """
    members = [candidate for candidate in candidates if not candidate.is_lead]
    if is_first:
        return tuple(candidate for candidate in members if candidate.can_answer)
    placed = [candidate for candidate in members if candidate.is_on_roster]
    joined = {
        candidate.user_id
        for candidate in members
        if candidate.can_answer and not candidate.is_on_roster
    }
    admitted = joiners_to_ask(len(placed), joined)
    return (*placed, *(candidate for candidate in members if candidate.user_id in admitted))


def members_to_ask(roster: Iterable[Candidate]) -> tuple[str, ...]:
    """Return those on the roster who are to be asked this time."""
    return tuple(
        candidate.user_id
        for candidate in roster
        if candidate.can_answer and not candidate.has_opted_out
    )


def closes_at(slots: Sequence[datetime]) -> datetime:
    """Return the time 48 hours after the last planned slot.

    Raises:
        ValueError: nobody is asked.
    """
    return max(slots) + OPEN_FOR


def ask_time(
    slot: datetime, now: datetime, zone: str | None, calendar: WorkCalendar
) -> datetime | None:
    """Return when to ask somebody: at their slot or, once it has passed, when their hours allow.

    None: by then it would be 48 hours late or more, which is too near to the week after, and a
    round opened later could not stay five days away from it.
    """
    planned = within_hours(slot, zone, calendar)
    at = within_hours(max(slot, now), zone, calendar)
    return at if at < planned + OPEN_FOR else None


def leaves_time_to_answer(at: datetime, closes: datetime) -> bool:
    """Return whether a question or reminder that comes at `at` leaves enough time to answer."""
    return at + MIN_TIME_TO_ANSWER <= closes


def reminder_time(asked_at: datetime, zone: str | None, calendar: WorkCalendar) -> datetime:
    """Return a day after somebody was asked, within the hours allowed for messages to them."""
    return within_hours(asked_at + REMIND_AFTER, zone, calendar)


def _weekdays(after: date, until: date, weekday: int) -> list[date]:
    days = []
    day = next_weekday(after, weekday)
    while day <= until:
        days.append(day)
        day += timedelta(days=7)
    return days


def _spaced(days: Iterable[date], first: date, ends_on: date) -> list[date]:
    """Return the days until the end, without those too near to the first or to one before."""
    spaced = [first]
    for day in days:
        if day <= ends_on and not _near(day, spaced[-1]):
            spaced.append(day)
    return spaced[1:]


def _closing(weekly: Sequence[date], last_working_day: date, ends_on: date) -> date:
    if weekly and ends_on - weekly[-1] <= MIN_APART:
        return weekly[-1]
    return last_working_day


def _near(day: date, other: date) -> bool:
    return abs(day - other) < MIN_APART


def _free_day(wanted: WantedDay, taken: Collection[date], calendar: WorkCalendar) -> date:
    later = (wanted.on + timedelta(days=days) for days in range(1, MIN_APART.days))
    possible = [wanted.on, *(day for day in later if calendar.is_working_day(day, wanted.at))]
    allowed = [
        day for day in possible if wanted.last_asked is None or not _near(day, wanted.last_asked)
    ] or [wanted.on]
    return next((day for day in allowed if day not in taken), allowed[0])
