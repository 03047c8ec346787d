"""A round's way: planned with its phase, opened, closed and counted, scrubbed from the files."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PlannedRound, ScrubPass
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.db import schema
from bot.keys import KeyMissing
from bot.outbox import enqueue, keys, requeue
from bot.outbox.keys import MessageKey
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.results.lifecycle import store_results
from bot.rounds import ballots, messages, rules, secure_delete, store
from bot.rounds.asking import ask_key, send_questions, send_reminders, send_talking_points
from bot.rounds.ballots import Tally
from bot.rounds.model import Round
from bot.rounds.opening import open_round, opens_at
from bot.rounds.rules import Planned, RoundKind
from bot.rounds.timezone_change import reschedule_for_zone
from bot.services import Services
from bot.slack.content import Content

SCRUB_AGAIN_AFTER = timedelta(hours=6)
#: A single comment under a single team would be nobody's but its writer's.
COMMENTS_FROM = 2
#: A day of them, at ten minutes between two.
KEY_TRIES = 150
NO_KEY = "answers are locked with a key that is not in IMBALANCE_KEYS: put it back within a day"


async def plan_rounds(tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime) -> None:
    """Note when a new phase's rounds open, from its dates."""
    today = phase.day_of(now)
    planned = rules.plan(phase.starts_on, phase.ends_on, phase.weekday)
    to_come = [one for one in planned if one.on > today or opens_at(phase, one.kind, one.on) > now]
    await _schedule(tx, workspace_id, phase, to_come)


async def replan_rounds(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Replace the rounds to come by those of the phase's new dates."""
    planned = (ActionName.OPEN_ROUND,)
    await schedule.remove_about(tx, workspace_id, actions=planned, about=phase.phase_id)
    await plan_rounds(tx, workspace_id, phase, now)


async def keep_after_rounds(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Open no more rounds of this phase but those after its end.

    These are counted from today where the phase ends before its date.
    """
    await drop_rounds(tx, workspace_id, phase.phase_id)
    ended_on = min(phase.day_of(now), phase.ends_on)
    planned = rules.plan(phase.starts_on, ended_on, phase.weekday)
    after = [one for one in planned if one.kind is RoundKind.AFTER]
    await _schedule(tx, workspace_id, phase, after)


async def drop_rounds(tx: AsyncConnection, workspace_id: str, phase_id: str) -> None:
    """Open no more rounds of this phase. An open one closes at its own time."""
    await schedule.remove_about(
        tx, workspace_id, actions=(ActionName.OPEN_ROUND, ActionName.TALK), about=phase_id
    )


async def close_round(services: Services, item: AgendaItem) -> None:
    """Count what was answered, keep what may be shown, destroy the rest.

    1. The round's row is held FOR UPDATE, so no answer can be half in.
    2. Ballots are counted, then deleted with their secret.
    3. With enough answers the totals and comments go to the results; otherwise nothing does.
    4. Every message that asked says that it is closed.

    What is locked with a key that this process lacks is tried for a day: another may have it, or
    be given it.

    A round in which no member was asked, because all of its time was downtime, has no results: it
    is taken back, and nobody hears of it.

    Raises:
        KeyMissing: it is to be tried again.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        found = await store.round_to_close(tx, item.workspace_id, item.subject)
        if found is None or not found.is_open:
            return
        if item.attempts < KEY_TRIES and await ballots.is_key_missing(
            tx, services.keys, item.workspace_id, found.round_id
        ):
            raise KeyMissing(NO_KEY)
        tally = await ballots.count_and_destroy(
            tx, services.keys, item.workspace_id, found.round_id
        )
        heard = tally.ballots + tally.unreadable
        if not heard and not await _anybody_asked(tx, item.workspace_id, found):
            await _cancel(tx, item, found, now)
            return
        reached_minimum = _enough(tally, found)
        await _mark_closed(tx, item.workspace_id, found, tally, reached_minimum)
        phase = await phase_store.load(tx, item.workspace_id, found.phase_id)
        assert phase is not None  # a round is deleted with its phase
        await _hand_over(tx, item.workspace_id, phase, found, tally, reached_minimum, now)
        await _ask_nobody_more(tx, item.workspace_id, found)
        await _say_closed(tx, item.workspace_id, phase, found, tally, reached_minimum, now)
        await schedule.add(
            tx, item.workspace_id, action=ActionName.SCRUB, subject=found.round_id, due_at=now
        )


async def scrub(services: Services, item: AgendaItem) -> None:
    """Take the deleted ballots out of the database's own files; repeated until it is done.

    On PostgreSQL a second time, hours later: what an older transaction could still see, such as a
    backup's, was left by the first, which does not say so.
    """
    await secure_delete.vacuum(services.db)
    done = ScrubPass.parse(item.subject)
    async with run_item(services.db, item) as tx:
        if services.db.is_sqlite or done.is_second:
            return
        due_at = services.clock.now() + SCRUB_AGAIN_AFTER
        subject = str(ScrubPass(done.round_id, is_second=True))
        await schedule.add(
            tx, item.workspace_id, action=ActionName.SCRUB, subject=subject, due_at=due_at
        )


ACTIONS = (
    AgendaAction(name=ActionName.OPEN_ROUND, run=open_round),
    AgendaAction(name=ActionName.ASK, run=send_questions, is_batched=True),
    AgendaAction(name=ActionName.REMIND, run=send_reminders, is_batched=True),
    AgendaAction(name=ActionName.TALK, run=send_talking_points),
    AgendaAction(name=ActionName.CLOSE_ROUND, run=close_round),
    AgendaAction(name=ActionName.SCRUB, run=scrub, is_noticed=False),
    AgendaAction(name=ActionName.FOLLOW_ZONE, run=reschedule_for_zone, is_noticed=False),
)


async def _schedule(
    tx: AsyncConnection, workspace_id: str, phase: Phase, rounds: Sequence[Planned]
) -> None:
    due = {
        str(PlannedRound(phase.phase_id, one.kind, one.on)): opens_at(phase, one.kind, one.on)
        for one in rounds
    }
    await schedule.add_all(tx, workspace_id, action=ActionName.OPEN_ROUND, due=due)


def _enough(tally: Tally, found: Round) -> bool:
    """Whether at least one question has the answers it needs; then there are as many people."""
    return any(sum(chosen) >= found.minimum for chosen in tally.counts.values())


async def _anybody_asked(tx: AsyncConnection, workspace_id: str, found: Round) -> bool:
    """Whether the questions of this round are, or may be, in at least one member's Slack."""
    for person in await store.roster(tx, workspace_id, found.round_id):
        if person.is_lead:
            continue
        if await requeue.is_delivered(tx, workspace_id, ask_key(found.round_id, person)):
            return True
    return False


async def _cancel(tx: AsyncConnection, item: AgendaItem, found: Round, now: datetime) -> None:
    log_skipped(item, "no member was asked")
    await _set(tx, item.workspace_id, found, state="cancelled")
    await _ask_nobody_more(tx, item.workspace_id, found)
    await schedule.add(
        tx, item.workspace_id, action=ActionName.SCRUB, subject=found.round_id, due_at=now
    )


async def _mark_closed(
    tx: AsyncConnection, workspace_id: str, found: Round, tally: Tally, reached_minimum: bool
) -> None:
    answered = tally.ballots if reached_minimum else None
    await _set(
        tx, workspace_id, found, state="closed", reached_minimum=reached_minimum, answered=answered
    )


async def _set(tx: AsyncConnection, workspace_id: str, found: Round, **values: Any) -> None:
    rounds = schema.rounds
    await tx.execute(
        update(rounds)
        .where(rounds.c.workspace_id == workspace_id, rounds.c.round_id == found.round_id)
        .values(**values)
    )


async def _hand_over(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    found: Round,
    tally: Tally,
    reached_minimum: bool,
    now: datetime,
) -> None:
    """Give the results what may be shown. Comments come from two on, and never from too few."""
    shown = {key: chosen for key, chosen in tally.counts.items() if sum(chosen) >= found.minimum}
    comments = tally.comments if reached_minimum and len(tally.comments) >= COMMENTS_FROM else ()
    await store_results(
        tx, workspace_id, phase, found, shown if reached_minimum else None, comments, now
    )


async def _ask_nobody_more(tx: AsyncConnection, workspace_id: str, found: Round) -> None:
    await schedule.remove_about(
        tx, workspace_id, actions=(ActionName.ASK, ActionName.REMIND), about=found.round_id
    )


async def _say_closed(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    found: Round,
    tally: Tally,
    reached_minimum: bool,
    now: datetime,
) -> None:
    """The same to everyone asked, whether they answered or not.

    Nor do the rows tell, but of an edit that is on its way: one that is the second would be of
    somebody who answered.
    """
    told: dict[MessageKey, Content] = {}
    for person in await store.roster(tx, workspace_id, found.round_id):
        ended = messages.CLOSED_MIRROR if person.is_lead else _ended(tally, reached_minimum)
        said = messages.closed(phase.channel_id, ended)
        for key in (ask_key(found.round_id, person), keys.remind(found.round_id, person.user_id)):
            told[key] = said
    await requeue.remove_edits(tx, workspace_id, of=[*told])
    for key, said in told.items():
        await enqueue.edit(tx, workspace_id, of=key, content=said, now=now)


def _ended(tally: Tally, reached_minimum: bool) -> str:
    if reached_minimum:
        return messages.CLOSED_ENOUGH
    return messages.CLOSED_UNREADABLE if tally.unreadable else messages.CLOSED_FEW
