"""A held message is there after all: what its announcement did without meanwhile is due again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.outbox import again
from bot.outbox.outbox import Operation
from bot.phases import lifecycle, messages, pausing, store


async def stands(tx: AsyncConnection, workspace_id: str, key: str, now: datetime) -> None:
    """If this is the announcement of a phase, let it stand as it would without the doubt.

    While the phase runs that is pinned and bookmarked; when it is over, it says so.
    """
    phase_id = key.rpartition(":")[2]
    if key != lifecycle.announcement_key(phase_id):
        return
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is None:
        return
    await lifecycle.tell(tx, workspace_id, phase_id, now)
    if not whole.phase.is_active:
        return
    await pausing.say_posted_again(tx, workspace_id, whole, now)
    mark = {
        "title": messages.bookmark_title(whole.phase),
        "emoji": messages.EMOJI_NAMES[whole.phase.kind],
    }
    for operation, payload in ((Operation.PIN, {}), (Operation.BOOKMARK, mark)):
        await again.mark_anew(tx, workspace_id, operation, of=key, payload=payload, now=now)
