"""Who may extend and end a phase: its leads and workspace admins, asked again at every click."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.phases import store
from bot.phases.model import WholePhase
from bot.phases.rules import Actor, refusal_to_manage
from bot.phases.wording import lead_names
from bot.services import Services
from bot.slack.errors import Refused

GONE = "Nothing was changed: this phase is not known any more. `/imbalance` shows what runs here."


@dataclass(frozen=True, kw_only=True)
class Managing:
    """Somebody who wants to change a phase."""

    workspace_id: str
    phase_id: str
    user_id: str

    async def actor(self, services: Services) -> Actor:
        """What Slack says of them; read before any transaction."""
        client = services.client_for(self.workspace_id)
        person = await services.people.one(client, self.workspace_id, self.user_id)
        return Actor(
            user_id=self.user_id,
            is_full_member=person is not None and person.is_full_member,
            is_admin=person is not None and person.is_admin,
        )


async def admitted(tx: AsyncConnection, who: Managing, actor: Actor) -> WholePhase:
    """The phase, kept from others' changes until the transaction ends.

    Raises:
        Refused: they may not change it, or it is gone.
    """
    if await store.phase_to_change(tx, who.workspace_id, who.phase_id) is None:
        raise Refused(GONE)
    return await may_manage(tx, who, actor)


async def may_manage(tx: AsyncConnection, who: Managing, actor: Actor) -> WholePhase:
    """The phase, for a form; nothing is locked.

    Raises:
        Refused: they may not change it, or it is gone.
    """
    whole = await store.whole(tx, who.workspace_id, who.phase_id)
    if whole is None:
        raise Refused(GONE)
    leads = [one.user_id for one in whole.leads]
    refusal = refusal_to_manage(actor, leads, lead_names(whole))
    if refusal is not None:
        raise Refused(refusal.text)
    return whole
