"""Each workspace's token is read when it is first needed, however many calls need it."""

import asyncio

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event

from bot.clock import AdjustableClock
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.workspaces.clients import Clients
from bot.workspaces.installation_store import InstallationStore
from tests.workspaces.test_installation_store import ONE, OTHER, installation

KEY = b"o" * 32


async def test_calls_at_once_read_a_token_once(db: Database, clock: AdjustableClock) -> None:
    installations = InstallationStore(db, clock, KeyRing([KEY]))
    for workspace_id in (ONE, OTHER):
        await installations.async_save(installation(workspace_id, f"xoxb-{workspace_id}"))
    clients = Clients(AsyncWebClient(), installations)
    reads: list[str] = []
    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: reads.append(call[2]))

    found = await asyncio.gather(*(clients.bot_of(one) for one in (ONE, OTHER) * 20))

    assert [bot.bot_token for bot in found if bot] == [f"xoxb-{ONE}", f"xoxb-{OTHER}"] * 20
    assert len([read for read in reads if "installations" in read]) == 2


async def test_calls_refused_at_once_use_the_newer_token(
    db: Database, clock: AdjustableClock
) -> None:
    installations = InstallationStore(db, clock, KeyRing([KEY]))
    await installations.async_save(installation(ONE, "xoxb-first"))
    clients = Clients(AsyncWebClient(), installations)
    assert await clients.bot_of(ONE)
    await installations.async_save(installation(ONE, "xoxb-second"))

    refused = (clients.bot_of(ONE, refused="xoxb-first") for _ in range(20))
    found = await asyncio.gather(*refused)

    assert {bot.bot_token for bot in found if bot} == {"xoxb-second"}
    assert await clients.bot_of(ONE, refused="xoxb-second") is None
