"""Restore the pin, bookmark and text of an announcement whose held message proves delivered."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement import refresh
from bot.channel_health import pause
from bot.outbox import keys, requeue
from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.phases import store
from bot.phases.wording import EMOJI_NAMES, bookmark_title


async def restore_announcement(
    tx: AsyncConnection, workspace_id: str, key: MessageKey, now: datetime
) -> None:
    """Bring the announcement of a phase up to date once its delivery is certain.

    Does nothing for other messages. A running phase gets its pin and bookmark; an ended one only
    the edit that says so.
    """
    phase_id = key.phase_id
    if phase_id is None or key != keys.announcement(phase_id):
        return
    phase = await store.load(tx, workspace_id, phase_id)
    if phase is None:
        return
    await refresh.edit_announcement(tx, workspace_id, phase, now)
    if not phase.is_active:
        return
    await pause.update_missing_notices(tx, workspace_id, phase, now)
    mark = {
        "title": bookmark_title(phase),
        "emoji": EMOJI_NAMES[phase.kind],
    }
    for operation, payload in ((Operation.PIN, {}), (Operation.BOOKMARK, mark)):
        await requeue.repin(tx, workspace_id, operation, of=key, payload=payload, now=now)
