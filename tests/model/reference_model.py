"""What ought to be true: phases, rounds and people, in plain Python from DESIGN's sentences."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from tests.model.calendar import (
    APART,
    DAY,
    OPEN_FOR,
    SHOWN_AT,
    is_welcome,
    local,
    questions_after,
    questions_on,
    there,
    welcome,
    working_days,
)
from tests.model.facts import Phase, Round, Someone, over_budget
from tests.model.messages import Due, Letters

#: Nobody is asked what they have less time than this to answer.
LAST_CALL = timedelta(hours=1)


@dataclass(kw_only=True)
class ReferenceModel:
    """The world as it should be at `now`."""

    now: datetime
    people: dict[str, Someone]
    inside: dict[str, set[str]]  # who is in which channel
    quiet: dict[str, set[str]] = field(default_factory=dict)  # who opted out of which channel
    phases: list[Phase] = field(default_factory=list)
    letters: Letters = field(init=False)

    def __post_init__(self) -> None:
        self.letters = Letters(people=self.people, quiet=self.quiet, now=lambda: self.now)

    # ------------------------------------------------------------ to look at

    def active(self, channel: str) -> Phase | None:
        return next((one for one in self.phases if one.channel == channel and one.is_active), None)

    def rounds(self, *, only_open: bool = True) -> list[Round]:
        found = [one for phase in self.phases for one in phase.rounds]
        return [one for one in found if one.is_open or not only_open]

    @property
    def next_opening(self) -> datetime | None:
        """When questions come next, as far as it is planned."""
        planned = [opens for phase in self.phases for opens in phase.planned.values()]
        return min(planned, default=None)

    def open_for(self, user: str) -> list[Round]:
        """The rounds somebody may answer now."""
        return [
            one
            for one in self.rounds()
            if user in one.people and user not in one.phase.left and self.now < one.closes_at
        ]

    def last_opening(self, channel: str) -> datetime | None:
        kept = [one for one in self.rounds(only_open=False) if one.is_open or one.is_kept]
        return max((one.opened_at for one in kept if one.phase.channel == channel), default=None)

    def needs_reason(self, channel: str, starts: date, ends: date) -> bool:
        """Whether a sprint must be justified."""
        past = [one for one in self.phases if one.channel == channel and one.is_sprint]
        return over_budget(past, starts, ends)

    # ------------------------------------------------------------ what people do

    def start(self, phase: Phase) -> None:
        for old in self.phases:
            if old.channel == phase.channel:
                old.planned.clear()
        self.phases.append(phase)
        self.letters.begins(phase)
        self.plan(phase)

    def plan(self, phase: Phase) -> None:
        today = there(self.now, phase.zone).date()
        phase.planned = {
            (kind, on): opens
            for kind, on in [
                *questions_on(phase.starts, phase.ends, phase.weekday),
                *questions_after(phase.starts, phase.ends),
            ]
            if (opens := phase.opens_at(kind, on)) > self.now or on > today
        }
        self.letters.plans(phase)

    def wrap_up(self, phase: Phase) -> None:
        """A lead says what it brought; a running phase ends with it."""
        has_ended = not phase.is_active
        if not has_ended:
            self._end(phase)
        self.letters.wraps_up(phase, has_ended=has_ended)
        phase.is_wrapped_up = True

    def _end_by_date(self, phase: Phase) -> None:
        self._end(phase)
        self.letters.ends(phase)

    def _end(self, phase: Phase) -> None:
        phase.is_active = False
        phase.ended_on = there(self.now, phase.zone).date()
        ended = min(phase.ended_on, phase.ends)
        phase.planned = {
            (kind, on): phase.opens_at(kind, on)
            for kind, on in questions_after(phase.starts, ended)
        }

    def leave(self, channel: str, user: str) -> None:
        """Who leaves is not written to any more and cannot answer."""
        self.inside[channel].discard(user)
        phase = self.active(channel)
        if phase is not None and user in phase.members | phase.leads:
            phase.left.add(user)

    def join(self, channel: str, user: str) -> None:
        """Late joiners are included from the next round on."""
        self.inside[channel].add(user)
        phase = self.active(channel)
        if phase is None:
            return
        phase.left.discard(user)
        if user not in phase.leads and self.people[user].may_act:
            phase.members.add(user)

    def move(self, user: str, zone: str) -> None:
        """From now on it is their new zone that counts."""
        self.people[user].zone = zone
        self.letters.moves(user)
        for one in self.rounds():
            if user in one.to_ask and one.on is not None:
                slot = local(one.on, one.phase.time_of(one.kind), zone)
                at = welcome(max(slot, self.now), zone)
                if at + LAST_CALL <= one.closes_at:
                    one.to_ask[user] = at

    # ------------------------------------------------------------ what time does

    def advance(self, until: datetime) -> None:
        """Let time pass, with everything that becomes due on the way."""
        while (due := min(self._due(), key=lambda one: one[0], default=None)) is not None:
            at, what = due
            if at > until:
                break
            self.now = max(self.now, at)
            what()
        self.now = max(self.now, until)

    def _due(self) -> Iterator[Due]:
        yield from self.letters.due()
        for phase in self.phases:
            for key, opens in phase.planned.items():
                yield opens, partial(self._opens, phase, key)
            if phase.is_active:
                yield phase.ends_at, partial(self._end_by_date, phase)
            for one in phase.rounds:
                yield from self._due_in(one)

    def _due_in(self, one: Round) -> Iterator[Due]:
        if one.is_open:
            yield one.closes_at, partial(self._closes, one)
        elif one.show_at is not None and one.shown_at is None:
            yield one.show_at, partial(self._shows, one)
        for user, at in one.to_ask.items():
            yield at, partial(self._asks, one, user)
        for user, at in one.to_remind.items():
            yield at, partial(self._reminds, one, user)

    def _opens(self, phase: Phase, key: tuple[str, date]) -> None:
        kind, on = key
        del phase.planned[key]
        slot = local(on, phase.time_of(kind), phase.zone)
        if kind == "after":
            if self.active(phase.channel):
                return
        elif not phase.is_active:
            return
        before = self.last_opening(phase.channel)
        wall = there(slot, phase.zone).replace(tzinfo=None)
        if before and wall - there(before, phase.zone).replace(tzinfo=None) < APART:
            return
        zones = {one: self.people[one].zone for one in self._candidates(phase)}
        at = phase.time_of(kind)
        slots = {}
        for one, zone in zones.items():  # it goes without whom it would reach two days late
            planned = welcome(local(on, at, zone), zone)
            asked_at = welcome(max(planned, self.now), zone)
            if asked_at < planned + OPEN_FOR:
                slots[one] = asked_at
        self.open(phase, kind, max(slot, self.now), slots)

    def _candidates(self, phase: Phase) -> set[str]:
        out = phase.left | self.quiet.get(phase.channel, set())
        return {
            one
            for one in (phase.members | phase.leads) - out
            if one in self.inside[phase.channel] and self.people[one].may_act
        }

    def open(self, phase: Phase, kind: str, at: datetime, slots: dict[str, datetime]) -> None:
        members = frozenset(one for one in slots if one not in phase.leads)
        if len(members) < 4:
            return  # the questions go to the channel, and nothing is kept
        phase.rounds.append(
            Round(
                phase=phase,
                kind=kind,
                opened_at=at,
                closes_at=max(slots.values()) + OPEN_FOR,
                members=members,
                leads=frozenset(slots) - members,
                minimum=4 if len(members) < 8 else 5,
                to_ask=slots,
            )
        )
        if (
            len(phase.rounds) == 1 and phase.reflected
        ):  # who reflected in the start form is not asked to again
            phase.rounds[0].answers[phase.lead] = {}

    def poll(self, phase: Phase) -> bool:
        """Whether the questions go out now."""
        last = self.last_opening(phase.channel)
        if last is not None and self.now < last + APART:
            return False
        slots = {one: welcome(self.now, self.people[one].zone) for one in self._candidates(phase)}
        self.open(phase, "poll", self.now, slots)
        return True

    def _still_wanted(self, one: Round, user: str) -> bool:
        return not (
            user in one.answers
            or user in one.skipped
            or user in one.phase.left
            or user in self.quiet.get(one.phase.channel, set())
            or not self.people[user].may_act
        )

    def _asks(self, one: Round, user: str) -> None:
        del one.to_ask[user]
        if self.now + LAST_CALL > one.closes_at or not self._still_wanted(one, user):
            return
        zone = self.people[user].zone
        if not is_welcome(self.now, zone):
            self._later(one, one.to_ask, user, welcome(self.now, zone))
            return
        one.asked[user] = self.now
        if one.phase.reminds:
            self._later(one, one.to_remind, user, welcome(self.now + DAY, zone))

    def _reminds(self, one: Round, user: str) -> None:
        del one.to_remind[user]
        is_late = self.now + LAST_CALL > one.closes_at
        if is_late or user in one.quiet_leads or not self._still_wanted(one, user):
            return
        zone = self.people[user].zone
        at = max(welcome(self.now, zone), welcome(one.asked.get(user, self.now - DAY) + DAY, zone))
        if at > self.now:
            self._later(one, one.to_remind, user, at)
            return
        one.reminded[user] = self.now

    def _later(self, one: Round, noted: dict[str, datetime], user: str, at: datetime) -> None:
        if at + LAST_CALL <= one.closes_at:
            noted[user] = at

    def _closes(self, one: Round) -> None:
        one.is_open = False
        one.closed_at = self.now
        self.letters.closes(one)
        one.to_ask.clear()
        one.to_remind.clear()
        told = there(welcome(self.now, one.phase.zone), one.phase.zone).date()
        one.show_at = local(working_days(told, 1), SHOWN_AT, one.phase.zone)

    def _shows(self, one: Round) -> None:
        one.shown_at = self.now
