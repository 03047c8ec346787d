"""Permissions to extend and end a phase, checked at every action."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases import store
from bot.phases.model import Phase
from bot.phases.rules import Actor, refusal_to_manage
from bot.phases.wording import lead_names
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request

GONE = "Nothing was changed: this phase is not known any more. `/imbalance` shows what runs here."
NO_PHASE = (
    "Nothing was changed: no phase runs in this channel. `/imbalance start` begins one, with a "
    "preview before anything is said."
)

IN_A_DIRECT_MESSAGE = (
    "A phase belongs to a channel, where the whole team can read it. Type the same in your team's "
    "channel."
)


def require_channel(request: Request) -> None:
    """Refuse what only makes sense in a channel, before anything is typed into a form.

    Raises:
        Refused: this is a direct message, or one of a group.
    """
    if request.is_in_direct_message:
        raise Refused(IN_A_DIRECT_MESSAGE)


async def actor_of(services: Services, request: Request) -> Actor:
    """Return the role of the person who asks, as Slack gives it. Never inside a transaction."""
    client = services.client_for(request.workspace_id)
    person = await services.people.get(client, request.workspace_id, request.user_id)
    return Actor(
        user_id=request.user_id,
        is_full_member=person is not None and person.is_full_member,
        is_admin=person is not None and person.is_admin,
    )


async def phase_to_manage(services: Services, request: Request) -> Phase:
    """Return the phase that is the request's target, for a form; nothing is locked.

    Raises:
        Refused: this person may not change it, or it is gone.
    """
    actor = await actor_of(services, request)
    async with services.db.reading() as reader:
        return await _managed(reader, request, actor)


async def lock_to_manage(tx: AsyncConnection, request: Request, actor: Actor) -> Phase:
    """Return the phase that is the request's target, locked until the transaction ends.

    Raises:
        Refused: this person may not change it, or it is gone.
    """
    if await store.lock(tx, request.workspace_id, request.target_id) is None:
        raise Refused(GONE)
    return await _managed(tx, request, actor)


async def latest_unwrapped_phase(reader: AsyncConnection, request: Request) -> Phase:
    """Return the channel's newest phase, unless its wrap-up was written.

    Raises:
        Refused: there is none, or this is no channel.
    """
    require_channel(request)
    latest = await store.latest_in(reader, request.workspace_id, request.channel_id or "")
    if latest is None or latest.wrapped_up_at is not None:
        raise Refused(NO_PHASE)
    return latest


async def _managed(tx: AsyncConnection, request: Request, actor: Actor) -> Phase:
    phase = await store.load(tx, request.workspace_id, request.target_id)
    if phase is None:
        raise Refused(GONE)
    leads = [lead.user_id for lead in phase.leads]
    refusal = refusal_to_manage(actor, leads, lead_names(phase))
    if refusal is not None:
        raise Refused(refusal.text)
    return phase
