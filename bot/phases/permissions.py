"""Permissions to start, extend and end a phase, checked at every action, and what to do instead."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.dates import day
from bot.phases import store
from bot.phases.model import Phase
from bot.phases.rules import Actor, PhaseLimits, refusal_to_manage, refusal_to_start_any
from bot.phases.wording import lead_names
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.mrkdwn import channel, join_names, quote_within
from bot.slack.people import Person
from bot.slack.request import Request
from bot.workspaces.rules import WorkspaceSettings
from bot.workspaces.store import settings_of

GONE = "I can't find this phase any more. `/imbalance` in its channel shows what's running there."
NO_PHASE = "No phase is running in this channel."
PHASE_ENDED = "The phase in {channel} ended on {day}."
START_ONE = "`/imbalance start` begins one, and shows a preview before anything is posted."
START_NEXT = "`/imbalance start` begins a new one, with a promise of its own."

IN_A_DIRECT_MESSAGE = (
    "A phase belongs to a channel, where the whole team can read it. Type the same in your team's "
    "channel."
)
CANNOT_POST = (
    "I can't post in the channel right now, and the team should read this. Try again once I can: "
    "`/imbalance status` there says what's wrong."
)
NAMES_SHOWN = 600  # characters of the names of those who may start phases


def require_channel(request: Request) -> None:
    """Refuse what only makes sense in a channel, before anything is typed into a form.

    Raises:
        Refused: this is a direct message, or one of a group.
    """
    if request.is_in_direct_message:
        raise Refused(IN_A_DIRECT_MESSAGE)


def require_writable(phase: Phase) -> Phase:
    """Return the phase.

    Raises:
        Refused: nothing can be posted in its channel now.
    """
    if phase.is_paused:
        raise Refused(CANNOT_POST)
    return phase


async def actor_of(services: Services, request: Request) -> Actor:
    """Return the role of the person who asks, as Slack gives it. Never inside a transaction."""
    client = services.client_for(request.workspace_id)
    person = await services.people.get(client, request.workspace_id, request.user_id)
    return actor_from(request.user_id, person)


def actor_from(user_id: str, person: Person | None) -> Actor:
    """Return the role of somebody; `person` None: Slack does not know them."""
    return Actor(
        user_id=user_id,
        is_full_member=person is not None and person.is_full_member,
        is_admin=person is not None and person.is_admin,
    )


async def refusal_to_start(
    services: Services, workspace_id: str, actor: Actor, settings: WorkspaceSettings
) -> str | None:
    """Return why this person may start no phase, and whom to ask; None: they may.

    Never inside a transaction.
    """
    limits = PhaseLimits.of(settings)
    if refusal_to_start_any(actor, limits, "") is None:
        return None
    client = services.client_for(workspace_id)
    starters = (settings.starters or ()) if actor.is_full_member else ()
    people = await services.people.get_many(client, workspace_id, starters)
    names = quote_within(join_names([person.name for person in people.values()]), NAMES_SHOWN)
    refusal = refusal_to_start_any(actor, limits, names)
    return refusal.text if refusal else None


async def nothing_runs(services: Services, request: Request, ended: Phase | None = None) -> Refused:
    """Return that no phase runs, with what this person can do about it.

    `ended` is the phase that ran last, if it is to be named.
    """
    actor = await actor_of(services, request)
    async with services.db.reading() as reader:
        settings = await settings_of(reader, request.workspace_id)
    refusal = await refusal_to_start(services, request.workspace_id, actor, settings)
    if ended is None:
        return Refused(f"{NO_PHASE} {refusal or START_ONE}")
    today = ended.day_of(services.clock.now())
    over = PHASE_ENDED.format(channel=channel(ended.channel_id), day=day(ended.ended_on, today))
    return Refused(f"{over} {refusal or START_NEXT}")


async def phase_to_manage(services: Services, request: Request) -> Phase:
    """Return the phase that is the request's target, for a form; nothing is locked.

    Raises:
        Refused: this person may not change it, or it is gone.
    """
    actor = await actor_of(services, request)
    async with services.db.reading() as reader:
        return await _managed(reader, request, actor)


async def running_phase_to_manage(services: Services, request: Request) -> Phase:
    """Return the phase that is the request's target, for a form that needs it to be running.

    Raises:
        Refused: it has ended, this person may not change it, or it is gone.
    """
    async with services.db.reading() as reader:
        phase = await store.load(reader, request.workspace_id, request.target_id)
    if phase is not None and not phase.is_active:
        raise await nothing_runs(services, request, phase)
    return await phase_to_manage(services, request)


async def lock_to_manage(tx: AsyncConnection, request: Request, actor: Actor) -> Phase:
    """Return the phase that is the request's target, locked until the transaction ends.

    Raises:
        Refused: this person may not change it, or it is gone.
    """
    if await store.lock(tx, request.workspace_id, request.target_id) is None:
        raise Refused(GONE)
    return await _managed(tx, request, actor)


async def latest_unwrapped_phase(services: Services, request: Request) -> Phase:
    """Return the channel's newest phase, unless its wrap-up was written.

    Raises:
        Refused: there is none, or this is no channel.
    """
    require_channel(request)
    async with services.db.reading() as reader:
        latest = await store.latest_in(reader, request.workspace_id, request.channel_id or "")
    if latest is None or latest.wrapped_up_at is not None:
        raise await nothing_runs(services, request, latest)
    return latest


async def _managed(tx: AsyncConnection, request: Request, actor: Actor) -> Phase:
    phase = await store.load(tx, request.workspace_id, request.target_id)
    if phase is None:
        raise Refused(GONE)
    refusal = refusal_to_manage(actor, phase.lead_ids, lead_names(phase))
    if refusal is not None:
        raise Refused(refusal.text)
    return phase
