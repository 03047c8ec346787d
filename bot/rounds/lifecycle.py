"""A round's lifecycle: planned with its phase, opened, closed, counted, scrubbed from the files."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction, PlannedRound, ScrubPass
from bot.agenda.schedule import AgendaItem, log_skipped, run_item
from bot.checks.model import CheckAnswer
from bot.checks.rules import median_word
from bot.db import schema
from bot.keys import KeyMissing
from bot.log import log
from bot.outbox import enqueue, requeue
from bot.outbox import keys as message_keys
from bot.outbox.keys import MessageKey
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.results.levels import participation
from bot.results.lifecycle import store_results
from bot.round_keys import RoundKeys
from bot.rounds import ballots, membership, messages, secure_delete, store
from bot.rounds.ballots import Tally
from bot.rounds.check_outcomes import act_on_outcome
from bot.rounds.key_deletion import delete_round_keys
from bot.rounds.membership import ChannelMembership
from bot.rounds.model import Round, RoundEnd
from bot.rounds.opening import open_round, opens_at
from bot.rounds.phase_plan import planned_rounds
from bot.rounds.question_sending import (
    question_key,
    send_questions,
    send_reminders,
    send_talking_points,
)
from bot.rounds.rules import PlannedDay
from bot.rounds.timezone_change import reschedule_for_zone
from bot.services import Services
from bot.slack.content import Content
from bot.slack.errors import classify

SCRUB_AGAIN_AFTER = timedelta(hours=6)
#: Fewer comments are not shown: a single one could be traced to its writer.
MIN_COMMENTS = 2
#: A day of attempts, ten minutes apart.
KEY_ATTEMPTS = 150
NO_KEY = (
    "the key of these answers is neither in ROUND_KEYS_DIR nor in IMBALANCE_KEYS: put it back "
    "within a day"
)
#: Actions that begin a round, or put its questions to the channel.
PLANNING_ACTIONS = (ActionName.OPEN_ROUND, ActionName.POST_TALKING_POINTS)


async def plan_rounds(tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime) -> None:
    """Schedule the rounds of a new phase, from its dates."""
    today = phase.day_of(now)
    planned = planned_rounds(phase)
    to_come = [
        planned_round
        for planned_round in planned
        if planned_round.on > today or opens_at(phase, planned_round.kind, planned_round.on) > now
    ]
    await _schedule(tx, workspace_id, phase, to_come)


async def replan_rounds(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Replace the rounds to come with those of the phase's new dates."""
    planned = (ActionName.OPEN_ROUND,)
    await schedule.remove_about(tx, workspace_id, actions=planned, about=phase.phase_id)
    await plan_rounds(tx, workspace_id, phase, now)


async def replan_for_holidays(services: Services, item: AgendaItem) -> None:
    """Replan the rounds of running phases after the workspace has set its country.

    Moved on its own, a closing round whose day is a holiday now would come after the end.
    """
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        for phase_id in await phase_store.active_ids(tx, item.workspace_id):
            phase = await phase_store.lock(tx, item.workspace_id, phase_id)
            if phase is not None and phase.is_active:
                await replan_rounds(tx, item.workspace_id, phase, now)


async def plan_follow_up_rounds(tx: AsyncConnection, workspace_id: str, phase: Phase) -> None:
    """Schedule the rounds after the end of a phase that has ended, perhaps before its date."""
    await _schedule(tx, workspace_id, phase, planned_rounds(phase))


async def drop_rounds(tx: AsyncConnection, workspace_id: str, phase_id: str) -> None:
    """Drop the phase's rounds to come. An open one closes at its own time."""
    await schedule.remove_about(tx, workspace_id, actions=PLANNING_ACTIONS, about=phase_id)


async def close_round(services: Services, item: AgendaItem) -> None:
    """Count the answers, keep what may be shown, and destroy the rest.

    1. The round's row is locked FOR UPDATE, so no answer can be half stored.
    2. Ballots are counted, then deleted with their secret.
    3. With enough answers the totals and comments go to the results; otherwise nothing does.
    4. Every message that asked is edited to say that the round is closed.

    Where this process lacks the key to the ballots, it tries again for a day: another process may
    have the key, or it may be configured again.

    A round in which no member was asked, because all of its time was downtime, has no results: it
    is cancelled, and nobody is notified.

    After downtime Slack may not have reported yet who left meanwhile, and they are to get no
    results: the channel is read first, where Slack can say who is there.

    Raises:
        KeyMissing: it is to be tried again.
    """
    now = services.clock.now()
    seen = await _read_channel_if_late(services, item, now)
    async with run_item(services.db, item) as tx:
        if seen is not None:  # before the round's row: an opening locks them in this order too
            await _update_team(tx, item, seen, now)
        round_ = await store.round_to_close(tx, item.workspace_id, item.subject)
        if round_ is None or not round_.is_open:
            return
        if item.attempts < KEY_ATTEMPTS and await ballots.is_key_missing(
            tx, services.keys, item.workspace_id, round_.round_id
        ):
            raise KeyMissing(NO_KEY)
        tally = await ballots.count_and_destroy(
            tx, services.keys, item.workspace_id, round_.round_id
        )
        received = tally.ballots + tally.unreadable
        if not received and not await _anybody_asked(tx, item.workspace_id, round_):
            await _cancel(tx, item, round_, now)
            return
        await _close(tx, services.keys, item.workspace_id, round_, tally, now)


async def scrub(services: Services, item: AgendaItem) -> None:
    """Remove the deleted ballots from the database's own files; repeated until it is done.

    On PostgreSQL it runs a second time, hours later: the first pass leaves what an older
    transaction, such as a backup's, could still see, and does not report that.
    """
    await secure_delete.vacuum(services.db)
    scrub_pass = ScrubPass.parse(item.subject)
    async with run_item(services.db, item) as tx:
        if services.db.is_sqlite or scrub_pass.is_second:
            return
        due_at = services.clock.now() + SCRUB_AGAIN_AFTER
        subject = str(ScrubPass(scrub_pass.round_id, is_second=True))
        await schedule.add(
            tx, item.workspace_id, action=ActionName.SCRUB, subject=subject, due_at=due_at
        )


ACTIONS = (
    AgendaAction(name=ActionName.OPEN_ROUND, run=open_round),
    AgendaAction(name=ActionName.ASK, run=send_questions, is_batched=True),
    AgendaAction(name=ActionName.REMIND, run=send_reminders, is_batched=True),
    AgendaAction(name=ActionName.POST_TALKING_POINTS, run=send_talking_points),
    AgendaAction(name=ActionName.CLOSE_ROUND, run=close_round),
    AgendaAction(name=ActionName.SCRUB, run=scrub, is_visible=False),
    AgendaAction(name=ActionName.DELETE_ROUND_KEYS, run=delete_round_keys, is_visible=False),
    AgendaAction(name=ActionName.REPLAN_ROUNDS, run=replan_for_holidays, is_visible=False),
    AgendaAction(name=ActionName.RESCHEDULE_FOR_ZONE, run=reschedule_for_zone, is_visible=False),
)


async def _read_channel_if_late(
    services: Services, item: AgendaItem, now: datetime
) -> ChannelMembership | None:
    """Ask Slack who is in the channel of a round that closes late.

    Returns None where it closes on time, or Slack cannot say: closing does not wait for Slack.
    """
    if now - item.due_at <= membership.MAY_HAVE_MISSED_EVENTS:
        return None
    async with services.db.reading() as reader:
        round_ = await store.round_of(reader, item.workspace_id, item.subject)
    if round_ is None or not round_.is_open:
        return None
    try:
        return await membership.read_channel(services, item.workspace_id, round_.phase_id)
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("channel_not_read", reason=classify(error).reason)
        return None


async def _update_team(
    tx: AsyncConnection, item: AgendaItem, seen: ChannelMembership, now: datetime
) -> None:
    round_ = await store.round_of(tx, item.workspace_id, item.subject)
    phase = await phase_store.lock(tx, item.workspace_id, round_.phase_id) if round_ else None
    if phase is not None:
        await membership.apply_membership(tx, item.workspace_id, phase, seen, now)


async def _schedule(
    tx: AsyncConnection, workspace_id: str, phase: Phase, rounds: Sequence[PlannedDay]
) -> None:
    due = {
        str(PlannedRound(phase.phase_id, planned_round.kind, planned_round.on)): opens_at(
            phase, planned_round.kind, planned_round.on
        )
        for planned_round in rounds
    }
    await schedule.add_all(tx, workspace_id, action=ActionName.OPEN_ROUND, due=due)


def _has_enough_answers(tally: Tally, round_: Round) -> bool:
    """Return whether any question has the answers it needs; then there are as many people."""
    return any(sum(chosen) >= round_.minimum for chosen in tally.counts.values())


async def _anybody_asked(tx: AsyncConnection, workspace_id: str, round_: Round) -> bool:
    """Return whether at least one member has, or may have, this round's questions in Slack."""
    for person in await store.roster(tx, workspace_id, round_.round_id):
        if person.is_lead:
            continue
        if await requeue.may_be_delivered(tx, workspace_id, question_key(round_.round_id, person)):
            return True
    return False


async def _cancel(tx: AsyncConnection, item: AgendaItem, round_: Round, now: datetime) -> None:
    log_skipped(item, "no member was asked")
    await _set(tx, item.workspace_id, round_, state="cancelled")
    await _cancel_asking(tx, item.workspace_id, round_)
    await schedule.add(
        tx, item.workspace_id, action=ActionName.SCRUB, subject=round_.round_id, due_at=now
    )


async def _close(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    round_: Round,
    tally: Tally,
    now: datetime,
) -> None:
    reached_minimum = _has_enough_answers(tally, round_)
    outcome = median_word(tally.check, round_.minimum) if reached_minimum else None
    await _mark_closed(tx, workspace_id, round_, tally, reached_minimum, outcome)
    phase = await phase_store.load(tx, workspace_id, round_.phase_id)
    assert phase is not None  # a round is deleted with its phase
    await act_on_outcome(tx, workspace_id, phase, round_, outcome, now)
    await _hand_over_results(tx, keys, workspace_id, phase, round_, tally, reached_minimum, now=now)
    await _cancel_asking(tx, workspace_id, round_)
    await _edit_to_closed(tx, workspace_id, phase, round_, tally, reached_minimum, now)
    await schedule.add(
        tx, workspace_id, action=ActionName.SCRUB, subject=round_.round_id, due_at=now
    )


async def _mark_closed(
    tx: AsyncConnection,
    workspace_id: str,
    round_: Round,
    tally: Tally,
    reached_minimum: bool,
    outcome: CheckAnswer | None,
) -> None:
    word = participation(tally.ballots, round_.asked_count, round_.rounding)
    await _set(
        tx,
        workspace_id,
        round_,
        state="closed",
        reached_minimum=reached_minimum,
        participation=word if reached_minimum else None,
        unreadable=not reached_minimum and tally.unreadable > 0,
        check_outcome=outcome,
    )


async def _set(tx: AsyncConnection, workspace_id: str, round_: Round, **values: Any) -> None:
    rounds = schema.rounds
    await tx.execute(
        update(rounds)
        .where(rounds.c.workspace_id == workspace_id, rounds.c.round_id == round_.round_id)
        .values(**values)
    )


async def _hand_over_results(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    phase: Phase,
    round_: Round,
    tally: Tally,
    reached_minimum: bool,
    *,
    now: datetime,
) -> None:
    """Pass what may be shown on to the results.

    Comments are passed on only where there are at least two, and enough people answered.
    """
    shown = {key: chosen for key, chosen in tally.counts.items() if sum(chosen) >= round_.minimum}
    comments = tally.comments if reached_minimum and len(tally.comments) >= MIN_COMMENTS else ()
    await store_results(
        tx, keys, workspace_id, phase, round_, shown if reached_minimum else None, comments, now=now
    )


async def _cancel_asking(tx: AsyncConnection, workspace_id: str, round_: Round) -> None:
    await schedule.remove_about(
        tx, workspace_id, actions=(ActionName.ASK, ActionName.REMIND), about=round_.round_id
    )


async def _edit_to_closed(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    round_: Round,
    tally: Tally,
    reached_minimum: bool,
    now: datetime,
) -> None:
    """Edit the messages of everyone asked in the same way, whether they answered or not.

    Earlier edits are removed, so that the queue's rows do not reveal who answered either. Only one
    being sent, or of unknown outcome, stays: a second edit means that its recipient answered.
    """
    end = RoundEnd(
        channel_id=phase.channel_id,
        reached_minimum=reached_minimum,
        is_unreadable=tally.unreadable > 0,
    )
    contents: dict[MessageKey, Content] = {}
    for person in await store.roster(tx, workspace_id, round_.round_id):
        message = messages.closed(end, to_lead=person.is_lead)
        for key in (
            question_key(round_.round_id, person),
            message_keys.remind(round_.round_id, person.user_id),
        ):
            contents[key] = message
    await requeue.remove_edits(tx, workspace_id, of=[*contents])
    for key, message in contents.items():
        await enqueue.edit(tx, workspace_id, of=key, content=message, now=now)
