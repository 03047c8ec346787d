"""The totals at the end: messages against the expected ones, and the rows left in the tables."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.model.decisions import decisions_not_as_foreseen
from tests.model.facts import Phase, Round
from tests.model.messages import not_as_foreseen, rightly_expired
from tests.soak import slots
from tests.soak.simulated_workspace import CHANNEL
from tests.soak.slack import Post
from tests.soak.soak import WARM_WEEKS, Soak

#: Questions that come later than this after their slot are not on time.
ON_TIME_SECONDS = 15 * 60
#: Once everything has happened in it, the bot keeps nothing of a past week. What it still takes is
#: memory that Python does not give back. With 200 workspaces, a kilobyte kept of each message would
#: be some 65 MB in half a year.
MAX_GROWTH_MEGABYTES = 32.0
#: A single comment could be attributed to its writer.
MIN_COMMENTS = 2


@dataclass(kw_only=True)
class Totals:
    """Every figure, and a sentence for each problem."""

    slots: int = 0
    on_time: int = 0
    reminders: int = 0
    rounds: int = 0
    shown: int = 0
    messages: int = 0
    lost: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    expired: int = 0
    comments: int = 0
    promises: int = 0
    decisions: int = 0
    rules: Counter[str] = field(
        default_factory=Counter
    )  # questions by the rule that permits their time
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.problems or self.lost or self.duplicates or self.out_of_order) and (
            self.on_time == self.slots
        )


async def add_up(soak: Soak) -> Totals:
    totals = Totals(problems=list(soak.problems))
    _check_questions(soak, totals)
    totals.rules = await slots.check(soak, totals.problems)
    await _check_rounds(soak, totals)
    await _check_messages(soak, totals)
    await _check_expected_messages(soak, totals)
    _check_comments(soak, totals)
    await _check_left_over_rows(soak, totals)
    await _check_promises_and_decisions(soak, totals)
    await _check_pins_and_bookmarks(soak, totals)
    if soak.grown_megabytes > MAX_GROWTH_MEGABYTES:
        totals.problems.append(
            f"memory: {soak.grown_megabytes:.0f} MB more than after {WARM_WEEKS} weeks"
        )
    return totals


def _check_questions(soak: Soak, totals: Totals) -> None:
    """Each question once and on time; each reminder that was due, and no other."""
    asked: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    reminded: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for post in _posts(soak):
        if post.asks_in_round is not None:
            (reminded if post.is_reminder else asked)[post.asks_in_round, post.to].append(post.at)
    ids = {id(one): round_id for round_id, one in soak.rounds.items()}
    for workspace in soak.workspaces.values():
        for one in workspace.reference_model.rounds(only_open=False):
            about = f"{workspace.workspace_id} {one.kind} {one.opened_at}"
            round_id = ids.get(id(one), "")
            totals.slots += len(one.asked)
            totals.on_time += _compare(one.asked, asked, round_id, about, totals)
            totals.reminders += _compare(
                one.reminded, reminded, round_id, f"{about} remind", totals
            )
    for (round_id, user), times in [*asked.items(), *reminded.items()]:
        totals.problems.append(f"not expected: {round_id} {user} {times}")


def _compare(
    expected: Mapping[str, datetime],
    found: dict[tuple[str, str], list[datetime]],
    round_id: str,
    about: str,
    totals: Totals,
) -> int:
    """The number of posts on time. Removes the posts of these people from `found`."""
    on_time = 0
    for user, at in expected.items():
        times = found.pop((round_id, user), [])
        if len(times) == 1 and 0 <= (times[0] - at).total_seconds() <= ON_TIME_SECONDS:
            on_time += 1
        else:
            totals.problems.append(f"{about}: {user} expected {at}, came {times}")
    return on_time


async def _check_rounds(soak: Soak, totals: Totals) -> None:
    rows = await soak.bot.rows(
        "rounds",
        *("phase_id", "number", "kind", "state", "opened_at", "closes_at", "reached_minimum"),
    )
    found: dict[str, list[list]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[1]):
        found[row[0]].append(row[2:])
    for workspace in soak.workspaces.values():
        for phase in workspace.reference_model.phases:
            expected_rows = [_as_row(one) for one in phase.rounds]
            totals.rounds += len(expected_rows)
            totals.shown += sum(row[-1] is True for row in expected_rows)
            if expected_rows != found[phase.phase_id]:
                about = f"{workspace.workspace_id} {phase.zone} {phase.starts}-{phase.ends}"
                totals.problems.append(
                    f"{about}: expected {expected_rows}, found {found[phase.phase_id]}"
                )


def _as_row(one: Round) -> list:
    state = "open" if one.is_open else "closed" if one.is_kept else "cancelled"
    reached_minimum = bool(one.shown) if state == "closed" else None
    return [one.kind, state, one.opened_at.isoformat(), one.closes_at.isoformat(), reached_minimum]


async def _check_messages(soak: Soak, totals: Totals) -> None:
    """Count messages that are lost, duplicated or out of order in Slack."""
    rows = {
        row[0]: row
        for row in await soak.bot.rows(
            "messages", *("message_id", "operation", "state", "not_before", "key", "error")
        )
    }
    posts = list(_posts(soak))
    totals.messages = len(posts)
    totals.duplicates = sum(
        times - 1 for times in Counter(post.message_id for post in posts).values()
    )
    in_slack = {post.message_id for post in posts}
    for message_id, operation, state, not_before, key, error in rows.values():
        waits = state == "pending" and datetime.fromisoformat(not_before) > soak.now
        totals.expired += state == "expired" and operation == "post"
        if state not in ("sent", "expired") and not waits:
            totals.problems.append(f"{key} is {state}: {error}")
        if operation == "post" and state != "expired" and not waits:
            totals.lost += message_id not in in_slack
    totals.problems += [f"not in the outbox: {one}" for one in in_slack - set(rows)]
    totals.out_of_order = sum(
        _overtaking_count(account.posts, rows) for account in soak.slack.accounts.values()
    )


async def _check_expected_messages(soak: Soak, totals: Totals) -> None:
    """Exactly the expected messages were queued, and only those expired that may."""
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
    for workspace in soak.workspaces.values():
        reference_model, messages = workspace.reference_model, rows[workspace.workspace_id]
        for phase in reference_model.phases:
            ids[phase] = phase.phase_id
            ids |= dict(zip(phase.rounds, numbered[phase.phase_id], strict=False))
        totals.problems += not_as_foreseen(
            reference_model.letters, reference_model.rounds(only_open=False), messages, ids
        )
        totals.problems += decisions_not_as_foreseen(
            reference_model.phases, reference_model.letters, messages
        )
        totals.problems += [
            f"{key} expired: {row['error']}"
            for key, row in messages.items()
            if row["state"] == "expired" and not rightly_expired(key, row, messages)
        ]


def _check_comments(soak: Soak, totals: Totals) -> None:
    """Comments go to the leads of a closed round if there are two and enough answers."""
    found: dict[str, list[Post]] = defaultdict(list)
    for post in _posts(soak):
        for comment in post.comments:
            found[comment].append(post)
    for workspace in soak.workspaces.values():
        for one in workspace.reference_model.rounds(only_open=False):
            comments_written = one.comments.values()
            are_shown = (
                bool(one.shown) and len(comments_written) >= MIN_COMMENTS and not one.is_open
            )
            letters = workspace.reference_model.letters.of("lead_results", one)
            readers = (
                {letter.to for letter in letters if letter.state == "sent"} if are_shown else set()
            )
            for comment in comments_written:
                posts = found.pop(comment, [])
                totals.comments += len(posts)
                early = any(post.at < one.closes_at for post in posts)
                if early or sorted(post.to for post in posts) != sorted(readers):
                    totals.problems.append(f"{comment}: for {readers}, came {posts}")


def _overtaking_count(posts: list[Post], rows: Mapping[str, list]) -> int:
    """The number of messages that overtook an earlier one in their conversation."""
    found = 0
    for to in {post.to for post in posts}:
        here = [post.message_id for post in posts if post.to == to]
        for earlier, later in pairwise(here):
            known = earlier in rows and later in rows
            may_overtake = known and rows[earlier][3] < rows[later][3]
            found += earlier > later and not may_overtake
    return found


async def _check_left_over_rows(soak: Soak, totals: Totals) -> None:
    """No ballot or secret of a closed round, nothing late, no open item of an ended phase."""
    rounds = await soak.bot.rows("rounds", "round_id", "state")
    is_open = {round_id for round_id, state in rounds if state == "open"}
    for table in ("ballots", "round_secrets"):
        kept = {row[0] for row in await soak.bot.rows(table, "round_id")}
        totals.problems += [f"{table} left: {one}" for one in kept - is_open]
    for action, subject, due_at in await soak.bot.rows("agenda", "action", "subject", "due_at"):
        if datetime.fromisoformat(due_at) <= soak.now:
            totals.problems.append(f"late: {action} {subject} {due_at}")
    phases = await soak.bot.rows("phases", "phase_id", "state")
    active = {phase_id for phase_id, state in phases if state == "active"}
    for phase_id, outcome in await soak.bot.rows("set_aside_items", "phase_id", "outcome"):
        if (outcome is None) != (phase_id in active):
            totals.problems.append(f"set aside: {phase_id} {outcome}")
    expected = {
        phase.phase_id
        for workspace in soak.workspaces.values()
        for phase in workspace.reference_model.phases
        if phase.is_active
    }
    if active != expected:
        totals.problems.append(f"active phases: {active ^ expected}")


async def _check_promises_and_decisions(soak: Soak, totals: Totals) -> None:
    """Promises have the outcomes that the teams said; no ended phase asks for a decision."""
    found = dict(await soak.bot.rows("promises", "promise_id", "outcome"))
    phases = [
        phase
        for workspace in soak.workspaces.values()
        for phase in workspace.reference_model.phases
    ]
    expected = {one.promise_id: one.outcome for phase in phases for one in phase.promises}
    if found != expected:
        totals.problems.append(f"promises: {set(found.items()) ^ set(expected.items())}")
    totals.promises = len(found)
    decisions = await soak.bot.rows("decisions", "phase_id", "choice")
    totals.decisions = len(decisions)
    active = {phase.phase_id for phase in phases if phase.is_active}
    still_open = [phase_id for phase_id, choice in decisions if choice is None]
    if not set(still_open) <= active or len(still_open) > len(set(still_open)):
        totals.problems.append(f"open decisions: {still_open}")


async def _check_pins_and_bookmarks(soak: Soak, totals: Totals) -> None:
    """One pin and one bookmark for each active phase."""
    for account in soak.slack.accounts.values():
        running = account.workspace.reference_model.active(CHANNEL) is not None
        pins_and_bookmarks = (len(account.pins), sum(map(len, account.bookmarks.values())))
        if pins_and_bookmarks != (running, running):
            totals.problems.append(
                f"{account.workspace.workspace_id}: pins and bookmarks {pins_and_bookmarks}"
            )


def _posts(soak: Soak) -> Iterator[Post]:
    for account in soak.slack.accounts.values():
        yield from account.posts
