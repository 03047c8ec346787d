"""At the end: what was said against what should have been, and what is left in the tables."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.model.facts import Phase, Round
from tests.model.messages import not_as_foreseen, rightly_expired
from tests.soak import slots
from tests.soak.simulated_workspace import CHANNEL
from tests.soak.slack import Post
from tests.soak.soak import WARM_WEEKS, Soak

#: What is asked later than this was not asked at its time.
PUNCTUAL_SECONDS = 15 * 60
#: MB. Once everything has happened in it, a bot keeps nothing of a week that is over: what it
#: still takes are pieces of memory that Python does not give back. Of 200 workspaces, a kilobyte
#: kept of each message would be some 65 MB in half a year.
MOST_GROWN = 32.0
#: A single comment under a single team would be nobody's but its writer's.
COMMENTS_FROM = 2


@dataclass(kw_only=True)
class Reckoning:
    """Every figure, and in words whatever is not as it should be."""

    slots: int = 0
    hit: int = 0
    reminders: int = 0
    rounds: int = 0
    shown: int = 0
    messages: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    expired: int = 0
    remarks: int = 0
    why: Counter[str] = field(default_factory=Counter)  # how each question came to its time
    wrong: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.wrong or self.lost or self.twice or self.out_of_order) and (
            self.hit == self.slots
        )


async def reckon(soak: Soak) -> Reckoning:
    told = Reckoning(wrong=list(soak.wrong))
    _questions(soak, told)
    told.why = await slots.check(soak, told.wrong)
    await _rounds(soak, told)
    await _messages(soak, told)
    await _as_foreseen(soak, told)
    _remarks(soak, told)
    await _left_over(soak, told)
    await _marks(soak, told)
    if soak.grown > MOST_GROWN:
        told.wrong.append(f"memory: {soak.grown:.0f} MB more than after {WARM_WEEKS} weeks")
    return told


def _questions(soak: Soak, told: Reckoning) -> None:
    """Each slot hit once, at its time there; each reminder that was due, and no other."""
    asked: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    reminded: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for post in _posts(soak):
        if "rounds.send" in post.pressing:
            asked[post.pressing["rounds.send"], post.to].append(post.at)
        elif "rounds.change" in post.pressing and post.to != CHANNEL:
            reminded[post.pressing["rounds.change"], post.to].append(post.at)
    ids = {id(one): round_id for round_id, one in soak.rounds.items()}
    for place in soak.places.values():
        for one in place.reference_model.rounds(only_open=False):
            about = f"{place.workspace_id} {one.kind} {one.opened_at}"
            round_id = ids.get(id(one), "")
            told.slots += len(one.asked)
            told.hit += _compare(one.asked, asked, round_id, about, told)
            told.reminders += _compare(one.reminded, reminded, round_id, f"{about} remind", told)
    for (round_id, user), times in [*asked.items(), *reminded.items()]:
        told.wrong.append(f"not expected: {round_id} {user} {times}")


def _compare(
    expected: Mapping[str, datetime],
    seen: dict[tuple[str, str], list[datetime]],
    round_id: str,
    about: str,
    told: Reckoning,
) -> int:
    """How many came at their time. What was seen is taken out of `seen`."""
    hit = 0
    for user, at in expected.items():
        times = seen.pop((round_id, user), [])
        if len(times) == 1 and 0 <= (times[0] - at).total_seconds() <= PUNCTUAL_SECONDS:
            hit += 1
        else:
            told.wrong.append(f"{about}: {user} expected {at}, came {times}")
    return hit


async def _rounds(soak: Soak, told: Reckoning) -> None:
    rows = await soak.bot.rows(
        "rounds",
        *("phase_id", "number", "kind", "state", "opened_at", "closes_at", "reached_minimum"),
    )
    seen: dict[str, list[list]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[1]):
        seen[row[0]].append(row[2:])
    for place in soak.places.values():
        for phase in place.reference_model.phases:
            believed = [_as_row(one) for one in phase.rounds]
            told.rounds += len(believed)
            told.shown += sum(row[-1] is True for row in believed)
            if believed != seen[phase.phase_id]:
                about = f"{place.workspace_id} {phase.zone} {phase.starts}-{phase.ends}"
                told.wrong.append(f"{about}: believed {believed}, seen {seen[phase.phase_id]}")


def _as_row(one: Round) -> list:
    state = "open" if one.is_open else "closed" if one.is_kept else "cancelled"
    reached_minimum = bool(one.shown) if state == "closed" else None
    return [one.kind, state, one.opened_at.isoformat(), one.closes_at.isoformat(), reached_minimum]


async def _messages(soak: Soak, told: Reckoning) -> None:
    """Lost, twice, out of order: counted at the far side, against what was decided."""
    rows = {
        row[0]: row
        for row in await soak.bot.rows(
            "messages", *("message_id", "operation", "state", "not_before", "key", "error")
        )
    }
    posts = list(_posts(soak))
    told.messages = len(posts)
    told.twice = sum(times - 1 for times in Counter(post.message_id for post in posts).values())
    in_slack = {post.message_id for post in posts}
    for message_id, operation, state, not_before, key, error in rows.values():
        waits = state == "pending" and datetime.fromisoformat(not_before) > soak.now
        told.expired += state == "expired" and operation == "post"
        if state not in ("sent", "expired") and not waits:
            told.wrong.append(f"{key} is {state}: {error}")
        if operation == "post" and state != "expired" and not waits:
            told.lost += message_id not in in_slack
    told.wrong += [f"unknown to us: {one}" for one in in_slack - set(rows)]
    told.out_of_order = sum(
        _disorder(account.posts, rows) for account in soak.slack.accounts.values()
    )


async def _as_foreseen(soak: Soak, told: Reckoning) -> None:
    """What was to be decided beside the questions was, and nothing else; what expired, may."""
    ids: dict[Phase | Round, str] = {}
    numbered: dict[str, list[str]] = defaultdict(list)
    rounds = await soak.bot.rows("rounds", "phase_id", "number", "round_id")
    for phase_id, _, round_id in sorted(rounds):
        numbered[phase_id].append(round_id)
    names = ("workspace_id", "key", "operation", "state", "error", "not_before", "target_key")
    rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for values in await soak.bot.rows("messages", *names):
        row = dict(zip(names, values, strict=True))
        row["not_before"] = datetime.fromisoformat(row["not_before"])
        rows[row["workspace_id"]][row["key"]] = row
    for place in soak.places.values():
        reference_model, mine = place.reference_model, rows[place.workspace_id]
        for phase in reference_model.phases:
            ids[phase] = phase.phase_id
            ids |= dict(zip(phase.rounds, numbered[phase.phase_id], strict=False))
        told.wrong += not_as_foreseen(
            reference_model.letters, reference_model.rounds(only_open=False), mine, ids
        )
        told.wrong += [
            f"{key} expired: {row['error']}"
            for key, row in mine.items()
            if row["state"] == "expired" and not rightly_expired(key, row, mine)
        ]


def _remarks(soak: Soak, told: Reckoning) -> None:
    """Comments go to the leads when the round is closed, from two on and with enough answers."""
    seen: dict[str, list[Post]] = defaultdict(list)
    for post in _posts(soak):
        for remark in post.remarks:
            seen[remark].append(post)
    for place in soak.places.values():
        for one in place.reference_model.rounds(only_open=False):
            written = one.comments.values()
            go_out = bool(one.shown) and len(written) >= COMMENTS_FROM and not one.is_open
            letters = place.reference_model.letters.of("lead_results", one)
            readers = (
                {letter.to for letter in letters if letter.state == "sent"} if go_out else set()
            )
            for remark in written:
                posts = seen.pop(remark, [])
                told.remarks += len(posts)
                early = any(post.at < one.closes_at for post in posts)
                if early or sorted(post.to for post in posts) != sorted(readers):
                    told.wrong.append(f"{remark}: for {readers}, came {posts}")


def _disorder(posts: list[Post], rows: Mapping[str, list]) -> int:
    """How often a message overtook one of its conversation that was decided before it."""
    found = 0
    for to in {post.to for post in posts}:
        here = [post.message_id for post in posts if post.to == to]
        for earlier, later in pairwise(here):
            known = earlier in rows and later in rows
            may = known and rows[earlier][3] < rows[later][3]
            found += earlier > later and not may
    return found


async def _left_over(soak: Soak, told: Reckoning) -> None:
    """No ballot or secret of a closed round, nothing late, nothing set aside for ever."""
    rounds = await soak.bot.rows("rounds", "round_id", "state")
    is_open = {round_id for round_id, state in rounds if state == "open"}
    for table in ("ballots", "round_secrets"):
        kept = {row[0] for row in await soak.bot.rows(table, "round_id")}
        told.wrong += [f"{table} left: {one}" for one in kept - is_open]
    for action, subject, due_at in await soak.bot.rows("agenda", "action", "subject", "due_at"):
        if datetime.fromisoformat(due_at) <= soak.now:
            told.wrong.append(f"late: {action} {subject} {due_at}")
    phases = await soak.bot.rows("phases", "phase_id", "state")
    active = {phase_id for phase_id, state in phases if state == "active"}
    for phase_id, outcome in await soak.bot.rows("set_aside_items", "phase_id", "outcome"):
        if (outcome is None) != (phase_id in active):
            told.wrong.append(f"set aside: {phase_id} {outcome}")
    believed = {
        phase.phase_id for place in soak.places.values() for phase in place.reference_model.phases
        if phase.is_active
    }  # fmt: skip
    if active != believed:
        told.wrong.append(f"active phases: {active ^ believed}")


async def _marks(soak: Soak, told: Reckoning) -> None:
    """One pin and one bookmark for each phase that runs."""
    for account in soak.slack.accounts.values():
        running = account.place.reference_model.active(CHANNEL) is not None
        marks = (len(account.pins), len(account.bookmarks))
        if marks != (running, running):
            told.wrong.append(f"{account.place.workspace_id}: pins and bookmarks {marks}")


def _posts(soak: Soak) -> Iterator[Post]:
    for account in soak.slack.accounts.values():
        yield from account.posts
