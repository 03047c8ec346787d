"""An announcement stands after all: its pin and bookmark, given up meanwhile, are due again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.outbox import again
from bot.outbox.operating import Listed
from bot.outbox.outbox import Operation
from bot.phases import lifecycle, messages, store


async def catch_up(tx: AsyncConnection, message: Listed, now: datetime) -> None:
    """If this is the announcement of a phase that runs, make up for what it had to do without."""
    phase_id = message.key.rpartition(":")[2]
    if message.key != lifecycle.announcement_key(phase_id):
        return
    workspace_id = message.workspace_id
    whole = await store.whole(tx, workspace_id, phase_id)
    if whole is None or not whole.phase.is_active:
        return
    mark = {
        "title": messages.bookmark_title(whole.phase),
        "emoji": messages.EMOJI_NAMES[whole.phase.kind],
    }
    for operation, payload in ((Operation.PIN, {}), (Operation.BOOKMARK, mark)):
        await again.mark_anew(tx, workspace_id, operation, of=message.key, payload=payload, now=now)
    await lifecycle.tell(tx, workspace_id, phase_id, now)
