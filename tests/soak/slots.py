"""Every question against the clock on the wall, from the calendar and the zones alone.

The reference model takes over the list of a round that opened late. Here nothing is taken over:
the day comes from the phase's dates, the hour from its time, the zone from where the person lived.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from tests.model.calendar import (
    APART,
    DAY,
    FIRST_AT,
    OPEN_FOR,
    local,
    questions_after,
    questions_on,
    there,
    welcome,
)
from tests.model.facts import Phase
from tests.model.reference_model import LAST_CALL
from tests.soak.simulated_workspace import CHANNEL, Place
from tests.soak.slack import Post
from tests.soak.soak import Soak

ON_TIME, BEGUN, LATE, MOVED = "on time", "begun after it", "after downtime", "moved"
POLLED, WRONG = "polled", "wrong"
#: A week with a change to summer time is an hour short, and its half on Lord Howe.
WALL = timedelta(hours=1)

Row = dict[str, Any]
Away = list[tuple[datetime, datetime]]  # from when to when the bot was


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One person's question, and what it is held against."""

    place: Place
    phase: Phase
    round: Row
    post: Post

    @property
    def at(self) -> time:
        return FIRST_AT if self.round["kind"] == "first" else self.phase.at

    @property
    def day(self) -> date:
        """The planned day that is nearest to where the round opened."""
        opened = there(self.round["opened_at"], self.phase.zone).date()
        return min(_days(self.phase, self.round["kind"]), key=lambda day: abs(day - opened))

    @property
    def fixed_at(self) -> datetime:
        """Since when its time is fixed: for good where the round opened late, on no planned day."""
        opened: datetime = self.round["opened_at"]
        is_late = there(opened, self.phase.zone).time() != self.at
        return opened if is_late else self.post.at

    def homes(self, at: datetime) -> set[str]:
        """Where they lived. Who moved at that very moment may have done so before or after."""
        history = self.place.zones[self.post.to]
        before = [zone for since, zone in history if since < at][-1:]
        return {*before, *(zone for since, zone in history if since == at)}

    @property
    def zones(self) -> list[str]:
        """Where they lived from the round's opening to the question, the last place last."""
        history = self.place.zones[self.post.to]
        until = [zone for since, zone in history if since <= self.post.at]
        opened = self.round["opened_at"] - DAY  # it opens where a day begins first
        here = [zone for since, zone in history if opened <= since <= self.post.at]
        before = [zone for since, zone in history if since < opened][-1:]
        return [*before, *here] or until[-1:]


async def check(soak: Soak, wrong: list[str]) -> Counter[str]:
    """How each question came to its time; what has no right to it is added to `wrong`."""
    rounds = await _rounds(soak)
    _keep_apart(soak, rounds, wrong)
    await _enough_answers(soak, rounds, wrong)
    found: Counter[str] = Counter()
    for one in _questions(soak, rounds):
        how = why(one, soak.away)
        found[how] += 1
        if how == WRONG:
            place, kind = one.place.workspace_id, one.round["kind"]
            wrong.append(f"slot: {place} {kind} {one.day} {one.at} {one.zones}: {one.post.at}")
    return found


def why(one: Asked, away: Away) -> str:
    """By which rule the question came when it did."""
    if one.round["kind"] == "poll":
        return POLLED
    found = {
        _why(one, home, here, away)
        for home in one.homes(one.fixed_at)
        for here in one.homes(one.post.at)
    }
    return next((how for how in (ON_TIME, BEGUN, LATE, MOVED) if how in found), WRONG)


def _why(one: Asked, home: str, here: str, away: Away) -> str:
    """`home`: by whose clock its time was fixed; `here`: where it has to be a good hour."""

    def came(*times: datetime | None) -> bool:
        return one.post.at in {welcome(at, here) for at in times if at is not None}

    slots = {zone: welcome(local(one.day, one.at, zone), zone) for zone in one.zones}
    if came(slots[home]):
        return ON_TIME
    if _too_late(one, max(slots.values()), away):
        return WRONG
    if came(*(_once_begun(one, planned, home, away) for planned in slots.values())):
        return BEGUN
    moves = [since for since, _ in one.place.zones[one.post.to]]
    for planned in slots.values():
        since = [planned, *(at for at in moves if at <= one.post.at)]
        if came(*(_once_there(max(planned, at), home, away) for at in since)):
            was_away = any(gone <= max(planned, at) < back for at in since for gone, back in away)
            return LATE if was_away else MOVED
    late = came(*(_late(planned, home, away) for planned in slots.values()))
    return LATE if late else WRONG


def _too_late(one: Asked, slot: datetime, away: Away) -> bool:
    """Two days after their time where the round opened late; too near to its closing otherwise."""
    opens = one.phase.opens_at(one.round["kind"], one.day)
    if any(gone < opens < back for gone, back in away) and one.post.at >= slot + OPEN_FOR:
        return True
    return bool(one.post.at + LAST_CALL > one.round["closes_at"])


def _once_begun(one: Asked, planned: datetime, home: str, away: Away) -> datetime | None:
    """For the first questions of a phase that began when that time had come in the far east."""
    begun = one.round["begun_at"]
    if one.round["kind"] != "first" or begun <= one.phase.opens_at("first", one.day):
        return None
    return _once_there(max(planned, begun), home, away)


def _once_there(at: datetime, zone: str, away: Away) -> datetime:
    """When somebody is written to whose time is `at`: the bot has to be there, at a good hour."""
    for gone, back in away:
        if gone < at < back:
            at = back
        at = welcome(at, zone) if at == back else at
    return welcome(at, zone)


def _late(planned: datetime, zone: str, away: Away) -> datetime | None:
    """For a round that opened when the bot was back, after this person's time."""
    after = [back for gone, back in away if gone - DAY <= planned <= back]
    return _once_there(max(planned, after[0]), zone, away) if after else None


def _days(phase: Phase, kind: str) -> list[date]:
    """Every day on which such questions may have been planned, before and after a change."""
    last = max(phase.ends, phase.first_ends)
    ends = [phase.first_ends, phase.ends]
    if kind != "after":
        return [on for end in ends for one, on in questions_on(phase.starts, end, phase.weekday)
                if one == kind] or [last]  # fmt: skip
    ended = [*ends, *([min(phase.ended_on, phase.ends)] if phase.ended_on else [])]
    return [on for end in ended for _, on in questions_after(phase.starts, end)]


def _questions(soak: Soak, rounds: dict[str, Row]) -> Iterator[Asked]:
    phases = {
        phase.phase_id: phase
        for place in soak.places.values()
        for phase in place.reference_model.phases
    }
    for account in soak.slack.accounts.values():
        for post in account.posts:
            round_id = post.pressing.get("rounds.send")
            if round_id is None or post.to == CHANNEL:
                continue
            found = rounds[round_id]
            phase = phases[found["phase_id"]]
            yield Asked(place=account.place, phase=phase, round=found, post=post)


async def _rounds(soak: Soak) -> dict[str, Row]:
    names = ["workspace_id", "round_id", "phase_id", "kind", "state", "minimum"]
    names += ["opened_at", "closes_at"]
    begun = dict(await soak.bot.rows("phases", "phase_id", "started_at"))
    found = {}
    for row in await soak.bot.rows("rounds", *names):
        one = dict(zip(names, row, strict=True))
        times = {name: datetime.fromisoformat(one[name]) for name in ("opened_at", "closes_at")}
        begun_at = datetime.fromisoformat(begun[one["phase_id"]])
        found[one["round_id"]] = {**one, **times, "begun_at": begun_at}
    return found


def _keep_apart(soak: Soak, rounds: dict[str, Row], wrong: list[str]) -> None:
    """Never two rounds of a channel within five days, but for one in which no member was asked."""
    kept = [one for one in rounds.values() if one["state"] != "cancelled"]
    for workspace_id in soak.places:
        opened = sorted(one["opened_at"] for one in kept if one["workspace_id"] == workspace_id)
        wrong += [
            f"two rounds: {workspace_id} {earlier} {later}"
            for earlier, later in pairwise(opened)
            if later - earlier < APART - WALL
        ]


async def _enough_answers(soak: Soak, rounds: dict[str, Row], wrong: list[str]) -> None:
    """No figure from fewer answers than its round's minimum, and no band of one."""
    for round_id, answers, bands in await soak.bot.rows(
        "question_levels", "round_id", "answers", "bands"
    ):
        parts = [band["answers"] for band in bands or []]
        if answers < rounds[round_id]["minimum"] or sum(parts) not in (0, answers) or 1 in parts:
            wrong.append(f"too fine: {round_id} {answers} {bands}")
