"""The results of a closed round: stored, shown to the leads, then to the team."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.agenda import schedule
from bot.agenda.actions import ActionName, AgendaAction
from bot.agenda.schedule import AgendaItem, run_item
from bot.agenda.slots import next_working_morning, within_hours, within_hours_if_late
from bot.dates import LATE
from bot.db import schema
from bot.decisions.store import open_decision
from bot.outbox import keys as message_keys
from bot.outbox import requeue
from bot.phases.model import Phase
from bot.promises.lifecycle import make
from bot.promises.model import Reply
from bot.results import messages, reply_form, rules, store
from bot.results.audience import Audience, read_audience
from bot.results.levels import Counts, QuestionFigures, change, question_figures
from bot.results.links import link_results, schedule_link
from bot.results.model import ClosedRound, ClosingRound, ResultsView, base_of_change
from bot.results.result_notifications import (
    edit_lead_messages,
    edit_team_message,
    is_waiting_for_leads,
    post_to_leads,
    post_to_team,
)
from bot.round_keys import RoundKeys, seal_text
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.workspaces.rules import TEXT_TOO_LONG

#: The team sees results on the working day after the closing, in the lead's zone.
TEAM_SEES_AT = time(10, 0)


async def store_results(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    phase: Phase,
    closing: ClosingRound,
    counts: Mapping[str, Counts] | None,
    comments: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Store what may be shown of a round, inside the transaction that closes it.

    `counts` holds how many chose each level from 1 to 5, by question; None where too few answered:
    then nothing is stored, and the results say so. The leads read them as soon as messages are
    allowed in their zone, the team a working day later.
    """
    if counts is not None:
        await _store_figures(tx, workspace_id, phase, closing, counts)
        await _store_comments(tx, keys, workspace_id, closing.round_id, comments, now)
    due_at = _team_sees_at(phase, now)
    await schedule.add(
        tx, workspace_id, action=ActionName.SHOW_RESULTS, subject=closing.round_id, due_at=due_at
    )
    view = await _results_view(tx, workspace_id, phase, closing.round_id, due_at)
    await post_to_leads(tx, keys, workspace_id, view, comments if counts is not None else (), now)
    await _withdraw_earlier_reply_buttons(tx, workspace_id, phase, view, now)


async def _withdraw_earlier_reply_buttons(
    tx: AsyncConnection, workspace_id: str, phase: Phase, view: ResultsView, now: datetime
) -> None:
    """Edit the message with results that nobody replied to: newer ones are out."""
    earlier = view.rounds[-2:-1]
    if earlier and earlier[0].promise is None:
        before = await _current_view(tx, workspace_id, phase, earlier[0].round_id, now)
        await edit_lead_messages(tx, workspace_id, before, now)


async def round_to_reply_to(services: Services, request: Request) -> ClosedRound:
    """Return the round whose results a lead wants to reply to.

    Raises:
        Refused: not a lead of this phase, the team has read a reply, or newer results are out.
    """
    async with services.db.reading() as reader:
        phase = await _led_phase(reader, request)
        return (await _view_to_reply_to(reader, request, phase, services.clock.now())).round


async def save_reply(services: Services, request: Request, reply: Reply) -> None:
    """Store a lead's reply; the last one before the team reads it counts.

    If the team has read the results without one, the reply is added to them.

    Raises:
        Refused: nothing written, too long, not a lead of this phase, another lead has replied, or
            the team has read a reply, or newer results are out.
    """
    _check_texts(reply)
    workspace_id, round_id = request.workspace_id, request.target_id
    async with services.db.transaction() as tx:
        phase = await _led_phase(tx, request)
        now = services.clock.now()
        await _lock_round(tx, workspace_id, round_id)
        signed = {"phase_id": phase.phase_id, "round_id": round_id, "made_by": request.user_id}
        try:
            await _view_to_reply_to(tx, request, phase, now)
            await make(tx, workspace_id, reply, **signed, now=now)
        except Refused as refusal:
            raise Refused(refusal.text, {reply_form.BLOCK: refusal.text}) from refusal
        await edit_results(tx, workspace_id, phase, round_id, now)


async def edit_results(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str, now: datetime
) -> None:
    """Edit the messages with a round's results, to the leads and to the team, to what is stored."""
    view = await _current_view(tx, workspace_id, phase, round_id, now)
    await edit_lead_messages(tx, workspace_id, view, now)
    if view.round.shown_at:
        await edit_team_message(tx, workspace_id, view, now)


def _check_texts(reply: Reply) -> None:
    limit = reply_form.TEXT_LIMIT
    texts = {reply_form.HEARD: reply.heard or "", reply_form.BLOCK: reply.text}
    refusals = {
        block: TEXT_TOO_LONG.format(length=len(text), limit=limit)
        for block, text in texts.items()
        if len(text) > limit
    }
    if not reply.text:
        refusals[reply_form.BLOCK] = messages.EMPTY
    if refusals:
        raise Refused(" ".join(refusals.values()), refusals)


async def _lock_round(tx: AsyncConnection, workspace_id: str, round_id: str) -> None:
    """Lock a round until the transaction ends: the team may be getting its results just now."""
    rounds = schema.rounds
    await tx.execute(
        select(rounds.c.round_id)
        .where(rounds.c.workspace_id == workspace_id, rounds.c.round_id == round_id)
        .with_for_update()
    )


async def visible_results(services: Services, request: Request) -> ResultsView:
    """Return the results of a round, for a request from their channel.

    Raises:
        Refused: there are none, or it comes from elsewhere.
    """
    workspace_id, round_id = request.workspace_id, request.target_id
    async with services.db.reading() as reader:
        phase = await store.phase_of_round(reader, workspace_id, round_id)
        if phase is None or phase.channel_id != request.channel_id:
            raise Refused(messages.NOT_THERE)
        return await _results_view(reader, workspace_id, phase, round_id, services.clock.now())


async def show_results(services: Services, item: AgendaItem) -> None:
    """Show the team the totals, whatever was written; then delete the comments.

    In a paused phase they are shown when it resumes; where its channel was deleted, never. If late,
    they wait for an allowed hour, and for the leads, who read them a working day before the team
    whatever the delay.
    """
    workspace_id, round_id = item.workspace_id, item.subject
    audience = await read_audience(services, workspace_id, round_id)
    now = services.clock.now()
    async with run_item(services.db, item) as tx:
        phase = await store.phase_of_round(tx, workspace_id, round_id)
        if phase is None:
            return
        if phase.is_channel_deleted:
            await _delete_comments(tx, workspace_id, round_id)
        if phase.is_paused:
            return
        if await _postpone(tx, item, phase, now):
            return
        reaches_channel = await _reaches_channel(tx, workspace_id, phase, round_id, audience, now)
        await _mark_shown(tx, workspace_id, round_id, now, is_broadcast=reaches_channel)
        view = await _results_view(tx, workspace_id, phase, round_id, now)
        comments = await store.comments_of(tx, services.keys, workspace_id, round_id)
        await post_to_team(tx, services.keys, workspace_id, view, comments, now)
        await edit_lead_messages(tx, workspace_id, view, now)
        await _show_outcome(tx, workspace_id, view, now)
        await _delete_comments(tx, workspace_id, round_id)
        await schedule_link(tx, workspace_id, round_id, now)


async def _show_outcome(
    tx: AsyncConnection, workspace_id: str, view: ResultsView, now: datetime
) -> None:
    """Show under the promise that a round asked about whether it happened."""
    asked = view.round.check.subject if view.round.check else None
    for earlier in view.rounds:
        if earlier.promise is not None and earlier.promise.promise_id == asked:
            await edit_results(tx, workspace_id, view.phase, earlier.round_id, now)


async def _postpone(tx: AsyncConnection, item: AgendaItem, phase: Phase, now: datetime) -> bool:
    at = within_hours_if_late(item.due_at, now, phase.zone, phase.calendar)
    if now - item.due_at > LATE and await is_waiting_for_leads(
        tx, item.workspace_id, phase, item.subject
    ):
        at = _team_sees_at(phase, now)
    if at <= now:
        return False
    await schedule.add(
        tx, item.workspace_id, action=ActionName.SHOW_RESULTS, subject=item.subject, due_at=at
    )
    view = await _results_view(tx, item.workspace_id, phase, item.subject, at)
    await edit_lead_messages(tx, item.workspace_id, view, now)
    return True


def _team_sees_at(phase: Phase, now: datetime) -> datetime:
    """Return a working day after the leads can read what they are sent now."""
    leads_read_at = within_hours(now, phase.zone, phase.calendar)
    return next_working_morning(leads_read_at, phase.zone, phase.calendar, TEAM_SEES_AT)


async def _reaches_channel(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    round_id: str,
    audience: Audience | None,
    now: datetime,
) -> bool:
    """Return whether the results are also shown in the channel, not only in the thread.

    Only levels are worth interrupting a channel for, and of several waiting rounds the newest.
    """
    rounds = await store.closed_rounds(tx, workspace_id, phase)
    is_newest = rounds[-1].round_id == round_id
    if audience is None or not is_newest or not rounds[-1].figures:
        return False
    last = await store.last_broadcast_at(tx, workspace_id, phase.channel_id)
    return rules.reaches_channel(
        team=audience.team,
        people=audience.people,
        today=phase.day_of(now),
        last=None if last is None else phase.day_of(last),
    )


async def schedule_missed_results(
    tx: AsyncConnection, workspace_id: str, phase: Phase, now: datetime
) -> None:
    """Schedule the results that the team missed during a pause: the phase resumes.

    Those that Slack refused are being sent again; what follows from them was missed as well.
    """
    due_at = within_hours(now, phase.zone, phase.calendar)
    for closed_round in await store.closed_rounds(tx, workspace_id, phase):
        if closed_round.shown_at is None:
            await schedule.add_or_lock(
                tx,
                workspace_id,
                action=ActionName.SHOW_RESULTS,
                subject=closed_round.round_id,
                due_at=due_at,
            )
        elif await requeue.is_open(tx, workspace_id, message_keys.results(closed_round.round_id)):
            await schedule_link(tx, workspace_id, closed_round.round_id, now)


ACTIONS = (
    AgendaAction(name=ActionName.SHOW_RESULTS, run=show_results),
    AgendaAction(name=ActionName.LINK_RESULTS, run=link_results, is_visible=False),
)


async def _store_figures(
    tx: AsyncConnection,
    workspace_id: str,
    phase: Phase,
    closing: ClosingRound,
    counts: Mapping[str, Counts],
) -> None:
    rounds = await store.closed_rounds(tx, workspace_id, phase)
    earlier = [closed_round for closed_round in rounds if closed_round.round_id != closing.round_id]
    for question in closing.questions:
        key = question.key
        answers = counts.get(key, (0,) * 5)
        figure = question_figures(key, answers, closing.minimum, closing.rounding)
        if figure is None:
            continue
        difference = change(figure, base_of_change(earlier, key))
        await _store_figure(tx, workspace_id, closing.round_id, figure, difference)


async def _store_figure(
    tx: AsyncConnection,
    workspace_id: str,
    round_id: str,
    figure: QuestionFigures,
    difference: float | None,
) -> None:
    await tx.execute(
        insert(schema.question_levels).values(
            workspace_id=workspace_id,
            round_id=round_id,
            key=figure.key,
            level=figure.level,
            share=figure.share,
            change=difference,
        )
    )


async def _store_comments(
    tx: AsyncConnection,
    keys: RoundKeys,
    workspace_id: str,
    round_id: str,
    comments: Sequence[str],
    now: datetime,
) -> None:
    key = {"workspace_id": workspace_id, "round_id": round_id}
    context = store.comment_context(workspace_id, round_id)
    rows = [
        {**key, "position": number, **seal_text(keys, text, context, now.date())}
        for number, text in enumerate(comments)
    ]
    if rows:
        await tx.execute(insert(schema.round_comments), rows)


async def _delete_comments(tx: AsyncConnection, workspace_id: str, round_id: str) -> None:
    comments = schema.round_comments
    await tx.execute(
        delete(comments).where(
            comments.c.workspace_id == workspace_id, comments.c.round_id == round_id
        )
    )


async def _current_view(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str, now: datetime
) -> ResultsView:
    """Return the results up to a round, with the time when the team is to see them."""
    due_at = await schedule.due_time(
        tx, workspace_id, action=ActionName.SHOW_RESULTS, subject=round_id
    )
    return await _results_view(tx, workspace_id, phase, round_id, due_at or now)


async def _results_view(
    tx: AsyncConnection, workspace_id: str, phase: Phase, round_id: str, team_sees_at: datetime
) -> ResultsView:
    """Return the results up to a round.

    Raises:
        Refused: the round is not closed.
    """
    rounds = await store.closed_rounds(tx, workspace_id, phase)
    ids = [closed_round.round_id for closed_round in rounds]
    if round_id not in ids:
        raise Refused(messages.NOT_THERE)
    decision = await open_decision(tx, workspace_id, phase.phase_id)
    return ResultsView(
        phase=phase,
        rounds=rounds[: ids.index(round_id) + 1],
        reflections=await store.reflections_of(tx, workspace_id, phase, round_id),
        team_sees_at=team_sees_at,
        is_newest=round_id == ids[-1],
        decision=decision if decision and decision.round_id == round_id else None,
    )


async def _led_phase(tx: AsyncConnection, request: Request) -> Phase:
    phase = await store.phase_of_round(tx, request.workspace_id, request.target_id)
    if phase is None or not phase.is_led_by(request.user_id):
        raise Refused(messages.NOT_A_LEAD)
    return phase


async def _view_to_reply_to(
    tx: AsyncConnection, request: Request, phase: Phase, now: datetime
) -> ResultsView:
    view = await _results_view(tx, request.workspace_id, phase, request.target_id, now)
    if not view.may_be_replied_to:
        raise Refused(messages.ALREADY_READ if view.round.promise else messages.NEWER_ARE_OUT)
    return view


async def _mark_shown(
    tx: AsyncConnection, workspace_id: str, round_id: str, now: datetime, *, is_broadcast: bool
) -> None:
    rounds = schema.rounds
    await tx.execute(
        update(rounds)
        .where(rounds.c.workspace_id == workspace_id, rounds.c.round_id == round_id)
        .values(shown_at=now, is_broadcast=is_broadcast)
    )
