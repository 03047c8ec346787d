"""`/imbalance poll`: the three questions now, outside their weekly time."""

from bot.outbox import keys, requeue
from bot.phases import store as phase_store
from bot.phases.model import Phase
from bot.phases.permissions import actor_of, nothing_runs, require_channel
from bot.phases.rules import refusal_to_manage
from bot.phases.wording import lead_names
from bot.rounds import membership, rules, store
from bot.rounds.messages import (
    POLL_AFTER_END,
    POLL_POSTED_TODAY,
    POLL_SENT,
    POLL_TEAM_TOO_SMALL,
    POLL_TEAMS_TOO_SIMILAR,
    POLL_TOO_SOON,
    POLL_WHILE_PAUSED,
)
from bot.rounds.model import Opening
from bot.rounds.opening import OpeningResult, open_now, talking_points_day
from bot.rounds.rules import RoundKind
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.mrkdwn import date_token
from bot.slack.request import Request

#: Action id of *Ask Now*; the button carries the channel.
POLL = "phases.poll"


async def poll(services: Services, request: Request) -> str:
    """Ask the questions now; return what to tell the person who asked for it.

    A weekly or closing round that would open within five days of it is skipped.

    Raises:
        Refused: no phase runs here, it is paused, this person may not ask, the last round is too
            near, or a small team's channel has today's questions already.
    """
    require_channel(request)
    workspace_id, channel_id = request.workspace_id, request.channel_id or ""
    phase = await _phase_to_poll(services, request)
    seen = await membership.read_channel(services, workspace_id, phase.phase_id)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        locked = await phase_store.lock(tx, workspace_id, phase.phase_id)
        if locked is None or not locked.is_active:
            raise Refused(POLL_AFTER_END)
        phase = locked
        if phase.is_paused or seen is None:
            raise Refused(POLL_WHILE_PAUSED)
        last = await store.last_opening(tx, workspace_id, channel_id)
        free = rules.next_poll_from(last)
        if last is not None and free is not None and now < free:
            raise Refused(POLL_TOO_SOON.format(last=date_token(last), free=date_token(free)))
        opening = Opening(kind=RoundKind.POLL, on=None, at=now)
        talk_subject = talking_points_day(phase, opening)
        key = keys.talking_points(talk_subject.phase_id, talk_subject.on)
        already_posted = await requeue.exists(tx, workspace_id, key)
        opened = await open_now(tx, services, workspace_id, phase, opening, seen)
        if already_posted and not opened.asked:
            raise Refused(POLL_POSTED_TODAY)
    return _reply(opened)


async def _phase_to_poll(services: Services, request: Request) -> Phase:
    async with services.db.reading() as reader:
        phase = await phase_store.active_in(reader, request.workspace_id, request.channel_id or "")
    if phase is None:
        raise await nothing_runs(services, request)
    refusal = refusal_to_manage(
        await actor_of(services, request), phase.lead_ids, lead_names(phase)
    )
    if refusal is not None:
        raise Refused(refusal.text)
    return phase


def _reply(opened: OpeningResult) -> str:
    if not opened.asked:
        return POLL_TEAMS_TOO_SIMILAR if opened.is_too_similar else POLL_TEAM_TOO_SMALL
    return POLL_SENT.format(asked=opened.asked, until=date_token(opened.closes_at))
