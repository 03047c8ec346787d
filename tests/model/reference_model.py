"""The reference model: phases, rounds and people, in plain Python after DESIGN."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial

from tests.model.calendar import (
    APART,
    DAY,
    OPEN_FOR,
    SHOWN_AT,
    asking_day,
    is_welcome,
    local,
    questions_after,
    questions_on,
    there,
    welcome,
    working_days,
)
from tests.model.decisions import PlannedDecisions
from tests.model.facts import Phase, Promise, Round, Someone, over_budget
from tests.model.messages import Due, PlannedMessages
from tests.model.promises import OUTCOMES, promise_to_check

#: Nobody is asked or reminded with less time than this to answer.
LAST_CALL = timedelta(hours=1)


@dataclass(kw_only=True)
class ReferenceModel:
    """The expected state at `now`."""

    now: datetime
    people: dict[str, Someone]
    inside: dict[str, set[str]]  # members by channel
    opted_out: dict[str, set[str]] = field(default_factory=dict)  # people by channel
    phases: list[Phase] = field(default_factory=list)
    letters: PlannedMessages = field(init=False)
    decisions: PlannedDecisions = field(init=False)

    def __post_init__(self) -> None:
        self.letters = PlannedMessages(
            people=self.people, opted_out=self.opted_out, now=lambda: self.now
        )
        self.decisions = PlannedDecisions(letters=self.letters, now=lambda: self.now)

    # ------------------------------------------------------------ queries

    def active(self, channel: str) -> Phase | None:
        return next((one for one in self.phases if one.channel == channel and one.is_active), None)

    def rounds(self, *, only_open: bool = True) -> list[Round]:
        found = [one for phase in self.phases for one in phase.rounds]
        return [one for one in found if one.is_open or not only_open]

    @property
    def next_opening(self) -> datetime | None:
        """The time of the next planned round, or None."""
        planned = [opens for phase in self.phases for opens in phase.planned.values()]
        return min(planned, default=None)

    def open_for(self, user: str) -> list[Round]:
        """Return the rounds that a person may answer now."""
        return [
            one
            for one in self.rounds()
            if user in one.people and user not in one.phase.left and self.now < one.closes_at
        ]

    def last_opening(self, channel: str) -> datetime | None:
        kept = [one for one in self.rounds(only_open=False) if one.is_open or one.is_kept]
        return max((one.opened_at for one in kept if one.phase.channel == channel), default=None)

    def needs_reason(self, channel: str, starts: date, ends: date) -> bool:
        """Return whether a sprint must be justified."""
        past = [one for one in self.phases if one.channel == channel and one.is_sprint]
        return over_budget(past, starts, ends)

    # ------------------------------------------------------------ actions of people

    def start(self, phase: Phase) -> None:
        for old in self.phases:
            if old.channel == phase.channel:
                old.planned.clear()
        phase.beside = [
            one for one in self.phases if one.is_active and one.channel != phase.channel
        ]
        self.phases.append(phase)
        self.letters.phase_started(phase)
        self.plan(phase)

    def plan(self, phase: Phase) -> None:
        today = there(self.now, phase.zone).date()
        phase.planned = {
            (kind, on): opens
            for kind, on in [
                *questions_on(phase.starts, phase.ends, phase.weekday, phase.at),
                *questions_after(phase.starts, phase.ends, phase.at),
            ]
            if (opens := phase.opens_at(kind, on)) > self.now or on > today
        }
        self.letters.phase_planned(phase)

    def wrap_up(self, phase: Phase, by: str) -> None:
        """Wrap up a phase; an active phase ends with it."""
        has_ended = not phase.is_active
        if not has_ended:
            self._end(phase)
            self.decisions.phase_ended(phase, by)
        self.letters.phase_wrapped_up(phase, has_ended=has_ended)
        phase.is_wrapped_up = True

    def _end_by_date(self, phase: Phase) -> None:
        self._end(phase)
        self.decisions.phase_ended(phase, None)
        self.letters.phase_ended(phase)

    def _end(self, phase: Phase) -> None:
        phase.is_active = False
        phase.ended_on = there(self.now, phase.zone).date()
        ended = min(phase.ended_on, phase.ends)
        phase.planned = {
            (kind, on): phase.opens_at(kind, on)
            for kind, on in questions_after(phase.starts, ended, phase.at)
        }

    def leave(self, channel: str, user: str) -> None:
        """A person who leaves gets no messages and cannot answer."""
        self.inside[channel].discard(user)
        phase = self.active(channel)
        if phase is not None and user in phase.members | phase.leads:
            phase.left.add(user)

    def join(self, channel: str, user: str) -> None:
        """Late joiners are asked once there are two of them, or at once from eight people on."""
        self.inside[channel].add(user)
        phase = self.active(channel)
        if phase is None:
            return
        phase.left.discard(user)
        if user not in phase.leads and self.people[user].may_act:
            phase.members.add(user)

    def move(self, user: str, zone: str) -> None:
        """Change a person's zone, and move what is pending for them."""
        self.people[user].zone = zone
        self.letters.person_moved(user)
        for one in self.rounds():
            if user in one.to_ask and one.on is not None:
                slot = local(one.on, one.phase.time_of(one.kind), zone)
                at = welcome(max(slot, self.now), zone)
                at = self._apart(one.phase, one.kind, user, at, moving=one)
                if at + LAST_CALL <= one.closes_at:
                    one.to_ask[user] = one.slots[user] = at

    # ------------------------------------------------------------ time

    def advance(self, until: datetime) -> None:
        """Let time pass, with everything that becomes due on the way."""
        while (due := min(self._due(), key=lambda one: one[0], default=None)) is not None:
            at, action = due
            if at > until:
                break
            self.now = max(self.now, at)
            action()
        self.now = max(self.now, until)

    def _due(self) -> Iterator[Due]:
        yield from self.letters.due()
        for phase in self.phases:
            for key, opens in phase.planned.items():
                yield opens, partial(self._open_planned, phase, key)
            if phase.is_active:
                yield phase.ends_at, partial(self._end_by_date, phase)
                yield from self.decisions.due(phase)
            for one in phase.rounds:
                yield from self._due_in_round(one)

    def _due_in_round(self, one: Round) -> Iterator[Due]:
        if one.is_open:
            yield one.closes_at, partial(self._close, one)
        elif one.show_at is not None and one.shown_at is None:
            yield one.show_at, partial(self._show, one)
        for user, at in one.to_ask.items():
            yield at, partial(self._ask, one, user)
        for user, at in one.to_remind.items():
            yield at, partial(self._remind, one, user)

    def _open_planned(self, phase: Phase, key: tuple[str, date]) -> None:
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
        for one, zone in zones.items():  # people who would be asked two days late are left out
            planned = welcome(local(on, at, zone), zone)
            asked_at = welcome(max(planned, self.now), zone)
            if asked_at < planned + OPEN_FOR:
                slots[one] = self._apart(phase, kind, one, asked_at)
        self.open(phase, kind, max(slot, self.now), slots)

    def _apart(
        self, phase: Phase, kind: str, user: str, at: datetime, moving: Round | None = None
    ) -> datetime:
        """Return this time, or a later day's if the person is asked about another phase that day.

        Older phases choose first. A phase asks nobody twice within five days.
        """
        zone = self.people[user].zone
        others = [one for one in self.phases if one.channel != phase.channel]
        asked: dict[Phase, set[date]] = {one: set() for one in (*others, phase)}
        for one in self.rounds(only_open=False):
            is_recent = user in one.slots and one.slots[user] > self.now - 12 * DAY
            if (
                one.phase in asked
                and is_recent
                and one is not moving
                and (one.is_open or one.is_kept)
            ):
                asked[one.phase].add(there(one.slots[user], zone).date())
        taken = set().union(*(days for other, days in asked.items() if other is not phase))
        on = there(at, zone).date()
        older = [one for one in others if self.phases.index(one) < self.phases.index(phase)]
        for other in older:
            for planned_kind, planned in sorted(other.planned, key=lambda one: one[1]):
                if abs(planned - on) < APART and self._will_ask(other, user):
                    time_of_day = other.time_of(planned_kind)
                    taken.add(_free_day(planned, time_of_day, taken, asked[other]))
        if not taken:
            return at
        day = _free_day(on, phase.time_of(kind), taken, asked[phase])
        return at if day == on else local(day, phase.time_of(kind), zone)

    def _will_ask(self, phase: Phase, user: str) -> bool:
        """Return whether a phase asks this person one by one, by what is known now."""
        roster = phase.roster
        minimum = 4 if len(roster) < 8 else 5
        is_asked = user not in phase.left and user in roster | phase.leads
        return (
            is_asked
            and len(roster - phase.left) >= minimum
            and not self._is_too_similar(phase, roster)
        )

    def _candidates(self, phase: Phase) -> set[str]:
        out = phase.left | self.opted_out.get(phase.channel, set())
        return {
            one
            for one in (phase.members | phase.leads) - out
            if one in self.inside[phase.channel] and self.people[one].may_act
        }

    def _can_answer(self, phase: Phase, user: str) -> bool:
        is_there = user in self.inside[phase.channel] and user not in phase.left
        return is_there and user not in phase.leads and self.people[user].may_act

    def _roster(self, phase: Phase) -> set[str]:
        """Return who has a place: fixed by the first round, joined by two or from eight on."""
        can_answer = {one for one in phase.members if self._can_answer(phase, one)}
        if not phase.has_rounds:
            return can_answer
        joined = can_answer - phase.placed
        return phase.placed | (joined if len(joined) > 1 or len(phase.placed) >= 8 else set())

    def _is_too_similar(self, phase: Phase, roster: set[str]) -> bool:
        return any(
            phase.present_leads & other.present_leads and len(roster ^ other.roster) == 1
            for other in phase.beside
        )

    def open(self, phase: Phase, kind: str, at: datetime, slots: dict[str, datetime]) -> None:
        roster = self._roster(phase)
        can_answer = {one for one in roster if self._can_answer(phase, one)}
        wanted = can_answer - self.opted_out.get(phase.channel, set())
        members = frozenset(one for one in slots if one in wanted)
        slots = {one: at for one, at in slots.items() if one in members or one in phase.leads}
        minimum = 4 if len(roster) < 8 else 5
        phase.placed = roster
        if len(can_answer) < minimum or not wanted or self._is_too_similar(phase, roster):
            return  # the questions go to the channel, and no answers are stored
        if len(members) < min(len(wanted), minimum):
            return  # it is too late for the others
        check, checked = self._check(phase, kind, at, can_answer)
        phase.rounds.append(
            Round(
                phase=phase,
                kind=kind,
                opened_at=at,
                closes_at=max(slots.values()) + OPEN_FOR,
                members=members,
                leads=frozenset(slots) - members,
                can_answer=frozenset(can_answer),
                roster_size=len(roster),
                minimum=minimum,
                to_ask=slots,
                slots=dict(slots),
                check=check,
                checked=checked,
            )
        )
        if (
            len(phase.rounds) == 1 and phase.reflected
        ):  # the lead already reflected in the start form
            phase.rounds[0].answers[phase.lead] = {}

    def _check(
        self, phase: Phase, kind: str, at: datetime, can_answer: set[str]
    ) -> tuple[str | None, Promise | None]:
        """Return the kind of check that a round asks, and the promise that it asks about.

        None in the first round and in a poll. A promise that is due comes first; half way, and
        after two low rounds, it is whether to go on; in the first round after a sprint whether
        there is room to recover. The same is not asked again of a team that differs by one person.
        Nobody protects anything here.
        """
        before = [one for one in phase.rounds if one.is_open or one.is_kept]
        if kind == "poll" or not before:
            return None, None
        number = phase.rounds.index(before[-1]) + 2
        promise = promise_to_check(phase, number)
        if kind == "after":
            is_first = all(one.kind != "after" for one in before)
            if phase.is_sprint and is_first and not _is_comparable(before, "recovery", can_answer):
                return "recovery", None
        if promise is not None:
            return "promise", promise
        wanted: list[str] = []
        if kind != "after":
            day = (there(at, phase.zone).date() - phase.starts).days
            asked = [one.check for one in before]
            is_half_way = 2 * (day + 3) >= (phase.ends - phase.starts).days
            is_low = len(before) > 1 and all(one.is_low for one in before[-2:])
            is_due = "continue" not in asked and is_half_way
            goes_on = is_due or (is_low and asked[-1] != "continue")
            wanted = ["continue"] if goes_on and kind != "closing" else []
            wanted.append("slipped")
        free = (each for each in wanted if not _is_comparable(before, each, can_answer))
        return next(free, None), None

    def poll(self, phase: Phase) -> bool:
        """Open a poll; return whether the questions are sent."""
        last_opening = self.last_opening(phase.channel)
        if last_opening is not None and self.now < last_opening + APART:
            return False
        slots = {
            one: self._apart(phase, "poll", one, welcome(self.now, self.people[one].zone))
            for one in self._candidates(phase)
        }
        self.open(phase, "poll", self.now, slots)
        return True

    def _still_wanted(self, one: Round, user: str) -> bool:
        return not (
            user in one.answers
            or user in one.check_answers
            or user in one.skipped
            or user in one.phase.left
            or user in self.opted_out.get(one.phase.channel, set())
            or not self.people[user].may_act
        )

    def _ask(self, one: Round, user: str) -> None:
        del one.to_ask[user]
        if self.now + LAST_CALL > one.closes_at or not self._still_wanted(one, user):
            return
        zone = self.people[user].zone
        if not is_welcome(self.now, zone):
            self._schedule(one, one.to_ask, user, welcome(self.now, zone))
            return
        one.asked[user] = self.now
        if one.phase.reminds and user not in one.leads:
            self._schedule(one, one.to_remind, user, welcome(self.now + DAY, zone))

    def _remind(self, one: Round, user: str) -> None:
        del one.to_remind[user]
        is_late = self.now + LAST_CALL > one.closes_at
        if is_late or not self._still_wanted(one, user):
            return
        zone = self.people[user].zone
        at = max(welcome(self.now, zone), welcome(one.asked.get(user, self.now - DAY) + DAY, zone))
        if at > self.now:
            self._schedule(one, one.to_remind, user, at)
            return
        one.reminded[user] = self.now

    def _schedule(self, one: Round, noted: dict[str, datetime], user: str, at: datetime) -> None:
        if at + LAST_CALL <= one.closes_at:
            noted[user] = at

    def _close(self, one: Round) -> None:
        one.is_open = False
        one.closed_at = self.now
        if one.is_kept:
            if one.checked is not None:
                one.checked.outcome = OUTCOMES[one.check_outcome]
            self.decisions.check_answered(one)
        self.letters.round_closed(one)
        one.to_ask.clear()
        one.to_remind.clear()
        leads_told_on = there(welcome(self.now, one.phase.zone), one.phase.zone).date()
        one.show_at = local(working_days(leads_told_on, 1), SHOWN_AT, one.phase.zone)

    def _show(self, one: Round) -> None:
        one.shown_at = self.now


def _free_day(on: date, at: time, taken: set[date], asked: set[date]) -> date:
    """Return the first suitable day of five, or else the first that is not too soon."""
    days = [on + DAY * later for later in range(5)]
    possible = [day for day in days if day == on or asking_day(day, at) == day]
    allowed = [day for day in possible if not asked or day - max(asked) >= APART] or [on]
    return next((day for day in allowed if day not in taken), allowed[0])


def _is_comparable(before: list[Round], check: str, can_answer: set[str]) -> bool:
    """Return whether a team that differs by one person was asked the same."""
    return any(one.check == check and len(one.can_answer ^ can_answer) == 1 for one in before)
