"""Follow-up of a held message that proves delivered after all, or is sent again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.announcement import refresh
from bot.channel_health import pause
from bot.outbox import keys, requeue
from bot.outbox.enqueue import Operation
from bot.outbox.keys import MessageKey
from bot.phases import store
from bot.phases.wording import EMOJI_NAMES, bookmark_title
from bot.results.links import schedule_link


async def follow_up(tx: AsyncConnection, workspace_id: str, key: MessageKey, now: datetime) -> None:
    """Do what was left undone because nobody could tell whether this message was in Slack."""
    if key.phase_id is not None and key == keys.announcement(key.phase_id):
        await _restore_announcement(tx, workspace_id, key, now)
    elif key.round_id is not None and key == keys.results(key.round_id):
        await schedule_link(tx, workspace_id, key.round_id, now)


async def _restore_announcement(
    tx: AsyncConnection, workspace_id: str, key: MessageKey, now: datetime
) -> None:
    """Bring the announcement of a phase up to date.

    A running phase gets its pin and bookmark; an ended one only the edit that says so.
    """
    phase = await store.load(tx, workspace_id, str(key.phase_id))
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
