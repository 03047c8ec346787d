"""What should be said beside the questions: to whom, from when, and what becomes of it.

A direct message waits for an hour that suits whoever it is for, where they live by then. One to
the channel is said when it was decided for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.model.calendar import WARNS_AT, local, welcome, working_days
from tests.model.facts import Phase, Round, Someone

PENDING, SENT, EXPIRED = "pending", "sent", "expired"
#: Every message whose key begins so is foreseen; the key goes on with what it is about.
KINDS = (
    *("announcement", "warn", "lead_results", "results", "wrap_up", "goodbye", "closing"),
    "wrapped_up",
)
#: Said within the time in which they can be answered, or not at all.
QUESTIONS = ("ask", "reflect", "remind", "talking_points")
#: What comes later than this after its time waits for a good hour, also in a channel.
LATE = timedelta(minutes=15)

Due = tuple[datetime, Callable[[], None]]


@dataclass(kw_only=True, eq=False)
class Letter:
    kind: str
    about: Phase | Round
    to: str = ""  # empty: the channel
    at: datetime
    expires: datetime | None = None
    state: str = PENDING
    speaks_of: str = ""  # a warning of the day that it is about

    def key(self, about: str) -> str:
        """`about` is the id of the phase or round."""
        return ":".join(part for part in (self.kind, about, self.speaks_of, self.to) if part)


@dataclass(kw_only=True)
class Letters:
    """All that were decided, and those that will be."""

    people: Mapping[str, Someone]
    quiet: Mapping[str, set[str]]  # who opted out of which channel
    now: Callable[[], datetime]
    waiting: list[Letter] = field(default_factory=list)
    ended: list[Letter] = field(default_factory=list)
    #: Rounds of which nobody can tell, after downtime, whether there was one.
    unsure: set[Round] = field(default_factory=set)
    _warnings: dict[Phase, datetime] = field(default_factory=dict)
    _goodbyes: dict[tuple[Phase, str], datetime] = field(default_factory=dict)

    def of(self, kind: str, about: Phase | Round) -> list[Letter]:
        found = (*self.ended, *self.waiting)
        return [one for one in found if one.kind == kind and one.about is about]

    def due(self) -> Iterator[Due]:
        for letter in self.waiting:
            yield letter.at, partial(self._deliver, letter)
        for phase, at in self._warnings.items():
            yield at, partial(self._warn, phase)
        for about, at in self._goodbyes.items():
            yield at, partial(self._say_goodbye, *about)

    # ------------------------------------------------------------ what happens

    def begins(self, phase: Phase) -> None:
        self._write("announcement", phase, at=self.now())

    def plans(self, phase: Phase) -> None:
        """Two working days before the end, whenever that is, its leads are told of it."""
        self._forget_warnings(phase)
        at = local(working_days(phase.ends, -2), WARNS_AT, phase.zone)
        if at > self.now():
            self._warnings[phase] = at

    def closes(self, one: Round) -> None:
        """The leads read the results. A round in which no member was asked has none."""
        if not one.ballots and not one.reached - one.unsure:
            if one.members & one.unsure:
                self.unsure.add(one)
            return
        for lead in self._leads(one.phase):
            self._write("lead_results", one, lead)

    def ends(self, phase: Phase) -> None:
        """By its date: the leads have some days to say what it brought."""
        now = self.now()
        self._forget_warnings(phase)
        is_late = now - phase.ends_at > LATE
        self._write("closing", phase, at=welcome(now, phase.zone) if is_late else now)
        for lead in self._leads(phase):
            self._write("wrap_up", phase, lead)
        assert phase.ended_on is not None
        on = working_days(phase.ended_on, 2)
        for user in phase.members - phase.left:
            zone = self.people[user].zone
            self._goodbyes[phase, user] = welcome(local(on, phase.at, zone), zone)

    def wraps_up(self, phase: Phase, *, has_ended: bool) -> None:
        """A lead says what it brought; `has_ended`: after its date had ended it."""
        now = self.now()
        self._forget_warnings(phase)
        if not has_ended:
            self._write("closing", phase, at=now)
        else:
            closed = not any(one.kind == "closing" and one.about is phase for one in self.waiting)
            self._write("wrapped_up", phase, at=now if closed else welcome(now, phase.zone))
        waiting = {user for about, user in self._goodbyes if about is phase}
        for user in waiting if has_ended else phase.members - phase.left:
            self._goodbyes[phase, user] = welcome(now, self.people[user].zone)

    def moves(self, user: str) -> None:
        """What waits for them waits for such an hour where they live now."""
        for letter in self.waiting:
            if letter.to == user and letter.at > self.now():
                letter.at = welcome(letter.at, self.people[user].zone)

    # ------------------------------------------------------------ what time does

    def _warn(self, phase: Phase) -> None:
        del self._warnings[phase]
        for lead in self._leads(phase):
            if welcome(self.now(), self.people[lead].zone) < phase.ends_at:
                self._write("warn", phase, lead)

    def _say_goodbye(self, phase: Phase, user: str) -> None:
        del self._goodbyes[phase, user]
        quiet = self.quiet.get(phase.channel, set())
        if user not in phase.left | quiet and self.people[user].may_act:
            self._write("goodbye", phase, user)

    def _deliver(self, letter: Letter) -> None:
        now = self.now()
        at = welcome(now, self.people[letter.to].zone) if letter.to else now
        if letter.expires is not None and letter.expires <= at:
            self._end(letter, EXPIRED)
        elif at > now:
            letter.at = at
        else:
            self._end(letter, SENT)

    def _leads(self, phase: Phase) -> list[str]:
        """Those who can be written to."""
        return [one for one in sorted(phase.present_leads) if not self.people[one].is_closed]

    def _write(self, kind: str, about: Phase | Round, to: str = "", *, at: Any = None) -> None:
        letter = Letter(kind=kind, about=about, to=to, at=at or self._welcome(to))
        if kind == "warn":
            assert isinstance(about, Phase)
            letter.expires, letter.speaks_of = about.ends_at, str(about.ends)
        self.waiting.append(letter)

    def _welcome(self, user: str) -> datetime:
        return welcome(self.now(), self.people[user].zone)

    def _forget_warnings(self, phase: Phase) -> None:
        self._warnings.pop(phase, None)
        for letter in [one for one in self.waiting if one.kind == "warn" and one.about is phase]:
            self._end(letter, EXPIRED)

    def _end(self, letter: Letter, state: str) -> None:
        letter.state = state
        self.waiting.remove(letter)
        self.ended.append(letter)


def not_as_foreseen(
    letters: Letters,
    rounds: Iterable[Round],
    rows: Mapping[str, Mapping[str, Any]],
    ids: Mapping[Phase | Round, str],
) -> Iterator[str]:
    """What is wrong with the posts of `KINDS` among `rows`, which are by key."""
    shown = [
        Letter(kind="results", about=one, at=one.shown_at, state=SENT)
        for one in rounds
        if one.shown_at is not None
    ]
    unsure = {ids[one] for one in letters.unsure}
    expected = {one.key(ids[one.about]): one for one in (*letters.ended, *letters.waiting, *shown)}
    for key in expected.keys() | {key for key in rows if key.split(":")[0] in KINDS}:
        one, row = expected.get(key), rows.get(key)
        if key.split(":")[1] in unsure:
            continue
        if one is None or row is None:
            yield f"{key} is {'missing' if row is None else 'not foreseen'}"
        elif one.state != row["state"]:
            yield f"{key} is {row['state']} ({row['error']}), foreseen {one.state}"
        elif one.state == PENDING and one.at != row["not_before"]:
            yield f"{key} waits until {row['not_before']}, foreseen {one.at}"


def rightly_expired(
    key: str, row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Whether it may have been given up: with a good reason, and where it has an end at all."""
    if row["operation"] != "post":
        about = rows.get(row["target_key"] or "")
        return row["error"] == "its message is not in Slack" and (
            about is None or about["state"] == EXPIRED
        )
    kind = key.split(":")[0]
    return row["error"] == "too late" if kind in QUESTIONS else kind == "warn"
