"""The messages that the model predicts besides questions: recipient, time and final state.

A direct message waits for working hours in the recipient's zone at that time. A message to the
channel is sent at its planned time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.model.calendar import WARNS_AT, asking_day, local, welcome, working_days
from tests.model.facts import Decision, Phase, Round, Someone

PENDING, SENT, EXPIRED, FAILED = "pending", "sent", "expired", "failed"
#: Kinds of messages that the model predicts: the first part of their keys.
PREDICTED_KINDS = (
    *("announcement", "warn", "lead_results", "results", "wrap_up", "goodbye", "closing"),
    "wrapped_up",
)
#: Kinds of messages sent while they can be answered, or not at all.
QUESTIONS = ("ask", "reflect", "remind", "talking_points")
#: A message later than this waits for working hours, even in a channel.
LATE = timedelta(minutes=15)

Due = tuple[datetime, Callable[[], None]]


@dataclass(kw_only=True, eq=False)
class PlannedMessage:
    kind: str
    about: Phase | Round | Decision
    to: str = ""  # a person; empty: the channel
    at: datetime
    expires: datetime | None = None
    state: str = PENDING
    warned_end: str = ""  # of a warning: the end of the phase

    def key(self, about: str) -> str:
        """`about` is the id of the phase or round."""
        return ":".join(part for part in (self.kind, about, self.warned_end, self.to) if part)


@dataclass(kw_only=True)
class PlannedMessages:
    """All messages, past and pending, and the times of warnings and goodbyes to come."""

    people: Mapping[str, Someone]
    opted_out: Mapping[str, set[str]]  # who opted out of which channel
    now: Callable[[], datetime]
    waiting: list[PlannedMessage] = field(default_factory=list)
    ended: list[PlannedMessage] = field(default_factory=list)
    #: Rounds whose results are unpredictable after downtime.
    uncertain: set[Round] = field(default_factory=set)
    _warnings: dict[Phase, datetime] = field(default_factory=dict)
    _goodbyes: dict[tuple[Phase, str], datetime] = field(default_factory=dict)

    def of(self, kind: str, about: Phase | Round) -> list[PlannedMessage]:
        found = (*self.ended, *self.waiting)
        return [one for one in found if one.kind == kind and one.about is about]

    def due(self) -> Iterator[Due]:
        for message in self.waiting:
            yield message.at, partial(self._deliver, message)
        for phase, at in self._warnings.items():
            yield at, partial(self._warn, phase)
        for about, at in self._goodbyes.items():
            yield at, partial(self._say_goodbye, *about)

    # ------------------------------------------------------------ events

    def phase_started(self, phase: Phase) -> None:
        self.write("announcement", phase, at=self.now())

    def phase_planned(self, phase: Phase) -> None:
        """Plan the warning to the leads, two working days before the end."""
        self._forget_warnings(phase)
        at = local(working_days(phase.ends, -2), WARNS_AT, phase.zone)
        if at > self.now():
            self._warnings[phase] = at

    def round_closed(self, one: Round) -> None:
        """Send the results to the leads, unless no member was asked."""
        if not one.ballots and not one.reached - one.uncertain:
            if one.members & one.uncertain:
                self.uncertain.add(one)
            return
        for lead in self.leads(one.phase):
            self.write("lead_results", one, lead)

    def phase_ended(self, phase: Phase) -> None:
        """End the phase on its date: ask the leads to wrap up, and plan the goodbyes."""
        now = self.now()
        self._forget_warnings(phase)
        is_late = now - phase.ends_at > LATE
        self.write("closing", phase, at=welcome(now, phase.zone) if is_late else now)
        for lead in self.leads(phase):
            self.write("wrap_up", phase, lead)
        assert phase.ended_on is not None
        on = asking_day(working_days(phase.ended_on, 2), phase.at)
        for user in phase.members - phase.left:
            zone = self.people[user].zone
            self._goodbyes[phase, user] = welcome(local(on, phase.at, zone), zone)

    def phase_wrapped_up(self, phase: Phase, *, has_ended: bool) -> None:
        """Wrap up the phase; `has_ended` says whether it ended on its date before."""
        now = self.now()
        self._forget_warnings(phase)
        if not has_ended:
            self.write("closing", phase, at=now)
        else:
            closed = not any(one.kind == "closing" and one.about is phase for one in self.waiting)
            self.write("wrapped_up", phase, at=now if closed else welcome(now, phase.zone))
        waiting = {user for about, user in self._goodbyes if about is phase}
        for user in waiting if has_ended else phase.members - phase.left:
            self._goodbyes[phase, user] = welcome(now, self.people[user].zone)

    def person_moved(self, user: str) -> None:
        """Move the person's pending messages into working hours in their new zone."""
        for message in self.waiting:
            if message.to == user and message.at > self.now():
                message.at = welcome(message.at, self.people[user].zone)

    # ------------------------------------------------------------ due messages

    def _warn(self, phase: Phase) -> None:
        del self._warnings[phase]
        for lead in self.leads(phase):
            if welcome(self.now(), self.people[lead].zone) < phase.ends_at:
                self.write("warn", phase, lead)

    def _say_goodbye(self, phase: Phase, user: str) -> None:
        del self._goodbyes[phase, user]
        opted_out = self.opted_out.get(phase.channel, set())
        if user not in phase.left | opted_out and self.people[user].may_act:
            self.write("goodbye", phase, user)

    def _deliver(self, message: PlannedMessage) -> None:
        now = self.now()
        is_late = now - message.at > LATE
        zone = self.people[message.to].zone if message.to else _phase_of(message).zone
        at = welcome(now, zone) if message.to or is_late else now
        if message.expires is not None and message.expires <= at:
            self._end(message, EXPIRED)
        elif at > now:
            message.at = at
        elif message.to and self.people[message.to].is_closed:
            self._end(message, FAILED)  # Slack refuses it
        else:
            self._end(message, SENT)

    def leads(self, phase: Phase) -> list[str]:
        """Return the leads who can be messaged."""
        return [one for one in sorted(phase.present_leads) if not self.people[one].is_closed]

    def write(
        self, kind: str, about: Phase | Round | Decision, to: str = "", *, at: Any = None
    ) -> None:
        message = PlannedMessage(kind=kind, about=about, to=to, at=at or self._next_good_time(to))
        if kind == "warn":
            assert isinstance(about, Phase)
            message.expires, message.warned_end = about.ends_at, str(about.ends)
        if isinstance(about, Decision) and to:
            message.expires = about.phase.ends_at
        self.waiting.append(message)

    def _next_good_time(self, user: str) -> datetime:
        return welcome(self.now(), self.people[user].zone)

    def _forget_warnings(self, phase: Phase) -> None:
        self._warnings.pop(phase, None)
        self.forget("warn", phase)

    def forget(self, kind: str, about: Phase | Decision) -> None:
        """Take pending messages back."""
        for message in [one for one in self.waiting if one.kind == kind and one.about is about]:
            self._end(message, EXPIRED)

    def _end(self, message: PlannedMessage, state: str) -> None:
        message.state = state
        self.waiting.remove(message)
        self.ended.append(message)


def _phase_of(message: PlannedMessage) -> Phase:
    return message.about if isinstance(message.about, Phase) else message.about.phase


def not_as_foreseen(
    letters: PlannedMessages,
    rounds: Iterable[Round],
    rows: Mapping[str, Mapping[str, Any]],
    ids: Mapping[Phase | Round, str],
) -> Iterator[str]:
    """Yield the differences between the predictions and the posts of `PREDICTED_KINDS`."""
    shown = [
        PlannedMessage(kind="results", about=one, at=one.shown_at, state=SENT)
        for one in rounds
        if one.shown_at is not None
    ]
    uncertain = {ids[one] for one in letters.uncertain}
    expected = {
        one.key(ids[one.about]): one
        for one in (*letters.ended, *letters.waiting, *shown)
        if not isinstance(one.about, Decision)
    }
    for key in expected.keys() | {key for key in rows if key.split(":")[0] in PREDICTED_KINDS}:
        one, row = expected.get(key), rows.get(key)
        if key.split(":")[1] in uncertain:
            continue
        if one is None or row is None:
            yield f"{key} is {'missing' if row is None else 'not predicted'}"
        elif one.state != row["state"]:
            at = row["not_before"]
            yield f"{key} is {row['state']} ({row['error']}) at {at}, predicted {one.state}"
        elif one.state == PENDING and one.at != row["not_before"]:
            yield f"{key} waits until {row['not_before']}, predicted {one.at}"


def rightly_expired(
    key: str, row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Return whether an expired message had a valid reason to expire."""
    if row["operation"] != "post":
        about = rows.get(row["target_key"] or "")
        return row["error"] == "its message is not in Slack" and (
            about is None or about["state"] in (EXPIRED, FAILED)
        )
    kind = key.split(":", maxsplit=1)[0]
    if kind in QUESTIONS:
        return bool(row["error"] == "too late")
    return kind in ("warn", "decision_asked")
