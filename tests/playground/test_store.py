"""The state of the fake Slack is saved and survives a restart."""

import asyncio
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, LAUNCH, MANIFEST, home, section


async def test_state_survives_a_restart(clock: AdjustableClock, tmp_path: Path) -> None:
    store = tmp_path / "data" / "slack.json"
    first = FakeSlack(clock=clock.now, manifest=MANIFEST, store=store)
    await first.start()
    client = AsyncWebClient(first.bot_token, base_url=first.api_url)
    upload = await client.files_upload_v2(content=b"png", filename="a.png")
    posted = await client.chat_postMessage(channel=ANA, text="kept")
    await client.views_publish(user_id=ANA, view=home(section()))
    first.set_tz(BEN, "Asia/Tokyo")
    await first.stop()

    second = FakeSlack(clock=clock.now, manifest=MANIFEST, store=store)
    await second.start()
    client = AsyncWebClient(second.bot_token, base_url=second.api_url)
    later = await client.chat_postMessage(channel=posted["channel"], text="later")
    texts = [message["text"] for message in second.as_user(ANA).dm_with_bot()]
    assert texts == ["kept", "later"]
    assert later["ts"] > posted["ts"]
    assert second.workspace.users[BEN].tz == "Asia/Tokyo"
    assert second.as_user(ANA).home is not None
    assert second.workspace.contents[upload["files"][0]["id"]] == b"png"
    await second.stop()


async def test_state_is_saved_while_running(
    clock: AdjustableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.playground.fake_slack.store.SAVE_AFTER_SECONDS", 0)
    store = tmp_path / "slack.json"
    running = FakeSlack(clock=clock.now, manifest=MANIFEST, store=store)
    await running.start()
    client = AsyncWebClient(running.bot_token, base_url=running.api_url)
    await client.chat_postMessage(channel=LAUNCH, text="kept")
    assert running.store is not None
    await asyncio.wait_for(running.store.saved.wait(), timeout=5)

    assert "kept" in store.read_text()
    await running.stop()
