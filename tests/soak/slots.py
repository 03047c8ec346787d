"""Checks the time of every question against the calendar and the time zones alone.

The reference model adopts from the bot who is asked in a round that opened late. Here nothing is
adopted: the day comes from the phase's dates, the hour from its time, the zone from the person.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from bot.phases.privacy import LARGE_TEAM, Rounding
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
from tests.soak.simulated_workspace import SimulatedWorkspace
from tests.soak.slack import Post
from tests.soak.soak import Soak

ON_TIME, BEGUN_LATE, LATE, MOVED = "on time", "begun after it", "after downtime", "moved"
POLLED, WRONG = "polled", "wrong"
#: A week with a change to summer time is up to an hour short.
CLOCK_CHANGE = timedelta(hours=1)

Row = dict[str, Any]
Downtimes = list[tuple[datetime, datetime]]  # from when to when the bot was away


@dataclass(frozen=True, kw_only=True)
class Question:
    """The questions to one person, and the facts to check their time against."""

    workspace: SimulatedWorkspace
    phase: Phase
    round: Row
    post: Post

    @property
    def at(self) -> time:
        return FIRST_AT if self.round["kind"] == "first" else self.phase.at

    @property
    def day(self) -> date:
        """The planned day that is nearest to the opening of the round."""
        opened = there(self.round["opened_at"], self.phase.zone).date()
        return min(_planned_days(self.phase, self.round["kind"]), key=lambda day: abs(day - opened))

    @property
    def fixed_at(self) -> datetime:
        """The time when the slot was fixed: at the opening, if the round opened late."""
        opened: datetime = self.round["opened_at"]
        is_late = there(opened, self.phase.zone).time() != self.at
        return opened if is_late else self.post.at

    def zones_at(self, at: datetime) -> set[str]:
        """The person's zone at a time; two zones if they moved at that very moment."""
        history = self.workspace.zones[self.post.to]
        before = [zone for since, zone in history if since < at][-1:]
        return {*before, *(zone for since, zone in history if since == at)}

    @property
    def zones(self) -> list[str]:
        """The person's zones from the opening of the round to the question, oldest first."""
        history = self.workspace.zones[self.post.to]
        until = [zone for since, zone in history if since <= self.post.at]
        opened = self.round["opened_at"] - DAY  # it opens where the day begins first
        during = [zone for since, zone in history if opened <= since <= self.post.at]
        before = [zone for since, zone in history if since < opened][-1:]
        return [*before, *during] or until[-1:]


async def check(soak: Soak, problems: list[str]) -> Counter[str]:
    """Count the questions by the rule that permits their time, and add violations to `problems`."""
    rounds = await _rounds(soak)
    _check_distance(soak, rounds, problems)
    await _check_shape(soak, rounds, problems)
    results: Counter[str] = Counter()
    for one in _questions(soak, rounds):
        rule = rule_of(one, soak.downtimes)
        results[rule] += 1
        if rule == WRONG:
            workspace, kind = one.workspace.workspace_id, one.round["kind"]
            problems.append(
                f"slot: {workspace} {kind} {one.day} {one.at} {one.zones}: {one.post.at}"
            )
    return results


def rule_of(one: Question, downtimes: Downtimes) -> str:
    """The rule that permits the time of the question."""
    if one.round["kind"] == "poll":
        return POLLED
    results = {
        _rule_of(one, fixed_zone, current_zone, downtimes)
        for fixed_zone in one.zones_at(one.fixed_at)
        for current_zone in one.zones_at(one.post.at)
    }
    return next((rule for rule in (ON_TIME, BEGUN_LATE, LATE, MOVED) if rule in results), WRONG)


def _rule_of(one: Question, fixed_zone: str, current_zone: str, downtimes: Downtimes) -> str:
    """`fixed_zone` fixed the slot; in `current_zone` it must be a permitted hour."""

    def came_at(*times: datetime | None) -> bool:
        return one.post.at in {welcome(at, current_zone) for at in times if at is not None}

    slots = {zone: welcome(local(one.day, one.at, zone), zone) for zone in one.zones}
    if came_at(slots[fixed_zone]):
        return ON_TIME
    if _is_too_late(one, max(slots.values()), downtimes):
        return WRONG
    if came_at(
        *(_when_begun_late(one, planned, fixed_zone, downtimes) for planned in slots.values())
    ):
        return BEGUN_LATE
    moves = [since for since, _ in one.workspace.zones[one.post.to]]
    for planned in slots.values():
        since = [planned, *(at for at in moves if at <= one.post.at)]
        if came_at(*(_first_permitted(max(planned, at), fixed_zone, downtimes) for at in since)):
            was_down = any(down <= max(planned, at) < up for at in since for down, up in downtimes)
            return LATE if was_down else MOVED
    late = came_at(
        *(_after_late_opening(planned, fixed_zone, downtimes) for planned in slots.values())
    )
    return LATE if late else WRONG


def _is_too_late(one: Question, slot: datetime, downtimes: Downtimes) -> bool:
    """Whether it is two days late in a round that opened late, or too near to the closing."""
    opens = one.phase.opens_at(one.round["kind"], one.day)
    if any(down < opens < up for down, up in downtimes) and one.post.at >= slot + OPEN_FOR:
        return True
    return bool(one.post.at + LAST_CALL > one.round["closes_at"])


def _when_begun_late(
    one: Question, planned: datetime, fixed_zone: str, downtimes: Downtimes
) -> datetime | None:
    """The time for the first questions of a phase that began after the slot in the far east."""
    begun = one.round["begun_at"]
    if one.round["kind"] != "first" or begun <= one.phase.opens_at("first", one.day):
        return None
    return _first_permitted(max(planned, begun), fixed_zone, downtimes)


def _first_permitted(at: datetime, zone: str, downtimes: Downtimes) -> datetime:
    """The first time from `at` on when the bot is running and the hour is permitted."""
    for down, up in downtimes:
        if down < at < up:
            at = up
        at = welcome(at, zone) if at == up else at
    return welcome(at, zone)


def _after_late_opening(planned: datetime, zone: str, downtimes: Downtimes) -> datetime | None:
    """The time in a round that opened after downtime and after this person's slot."""
    after = [up for down, up in downtimes if down - DAY <= planned <= up]
    return _first_permitted(max(planned, after[0]), zone, downtimes) if after else None


def _planned_days(phase: Phase, kind: str) -> list[date]:
    """Every day for which such questions may have been planned, also before an extension."""
    last = max(phase.ends, phase.first_ends)
    ends = [phase.first_ends, phase.ends]
    if kind != "after":
        dates = (questions_on(phase.starts, end, phase.weekday, phase.at) for end in ends)
        return [on for planned in dates for one, on in planned if one == kind] or [last]
    ended = [*ends, *([min(phase.ended_on, phase.ends)] if phase.ended_on else [])]
    return [on for end in ended for _, on in questions_after(phase.starts, end, phase.at)]


def _questions(soak: Soak, rounds: dict[str, Row]) -> Iterator[Question]:
    phases = {
        phase.phase_id: phase
        for workspace in soak.workspaces.values()
        for phase in workspace.reference_model.phases
    }
    for account in soak.slack.accounts.values():
        for post in account.posts:
            round_id = post.asks_in_round
            if round_id is None or post.is_reminder:
                continue
            results = rounds[round_id]
            phase = phases[results["phase_id"]]
            yield Question(workspace=account.workspace, phase=phase, round=results, post=post)


async def _rounds(soak: Soak) -> dict[str, Row]:
    names = ["workspace_id", "round_id", "phase_id", "kind", "state", "asked", "rounding"]
    names += ["opened_at", "closes_at"]
    begun = dict(await soak.bot.rows("phases", "phase_id", "started_at"))
    results = {}
    for row in await soak.bot.rows("rounds", *names):
        one = dict(zip(names, row, strict=True))
        times = {name: datetime.fromisoformat(one[name]) for name in ("opened_at", "closes_at")}
        begun_at = datetime.fromisoformat(begun[one["phase_id"]])
        results[one["round_id"]] = {**one, **times, "begun_at": begun_at}
    return results


def _check_distance(soak: Soak, rounds: dict[str, Row], problems: list[str]) -> None:
    """Never two rounds of a channel within five days, except cancelled ones."""
    kept = [one for one in rounds.values() if one["state"] != "cancelled"]
    for workspace_id in soak.workspaces:
        opened = sorted(one["opened_at"] for one in kept if one["workspace_id"] == workspace_id)
        problems += [
            f"two rounds: {workspace_id} {earlier} {later}"
            for earlier, later in pairwise(opened)
            if later - earlier < APART - CLOCK_CHANGE
        ]


async def _check_shape(soak: Soak, rounds: dict[str, Row], problems: list[str]) -> None:
    """Levels are rounded; no phrase and no change under eight people, or where they are whole."""
    names = ("round_id", "level", "share", "change")
    for round_id, level, share, change in await soak.bot.rows("question_levels", *names):
        round_ = rounds[round_id]
        is_fine = round_["asked"] >= LARGE_TEAM and round_["rounding"] == Rounding.HALF
        is_rounded = (level * Rounding(round_["rounding"]).steps).is_integer()
        if not is_rounded or ((share or change is not None) and not is_fine):
            problems.append(f"not anonymous: {round_id} {level} {share} {change}")
