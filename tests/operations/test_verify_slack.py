"""`python -m bot verify-slack` against the fake Slack, with people who do what it asks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.operations import verify_trials
from bot.operations.verify_slack import verify
from bot.playground.server import FakeSlack
from bot.settings import Settings
from bot.slack.sockets import Sockets
from bot.web import Site
from tests.harness import BEN, CHIARA, LAUNCH

UNUSED_DATABASE_URL = "sqlite:///never-opened.db"


@pytest.fixture
def settings(fake_slack: FakeSlack) -> Settings:
    return Settings(
        slack_bot_token=fake_slack.bot_token,
        slack_app_token=fake_slack.app_token,
        slack_api_url=fake_slack.api_url,
        database_url=UNUSED_DATABASE_URL,
    )


async def act_when_posted(
    text: str, slack: FakeSlack, act: Callable[[], Awaitable[object]]
) -> None:
    """Act as soon as a message with this text is in the channel."""
    for _ in range(1000):
        for message in slack.as_user(BEN).visible(LAUNCH):
            if text in str(message.get("blocks")):
                await act()
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not posted: {text}")


async def test_trials_without_people(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    first, *output = capsys.readouterr().out.splitlines()
    assert exit_code == 0
    assert first.startswith("Stop the bot first")
    assert [line[:4] for line in output] == ["ok  "] * 3
    assert "keeps both of two equal posts" in output[0]
    assert "all came" in output[1]
    assert "SETTLE_SECONDS=120 is right" in output[2]
    assert not [
        m for m in fake_slack.as_user(BEN).visible(LAUNCH) if "Imbalance tries" in m["text"]
    ]


async def test_trials_with_people(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    ben, chiara = fake_slack.as_user(BEN), fake_slack.as_user(CHIARA)
    answers = {verify_trials.CHOICE: "4", verify_trials.WORDS: "a few"}

    async def people() -> None:
        await act_when_posted(
            "reload Slack", fake_slack, lambda: ben.click(verify_trials.SEND, values=answers)
        )
        await act_when_posted("On a phone", fake_slack, lambda: ben.click(verify_trials.SEND))
        await act_when_posted("A picture", fake_slack, lambda: ben.click(verify_trials.SEE))
        await chiara.click(verify_trials.SEE_NOT)

    acting = asyncio.create_task(people())
    exit_code = await verify(settings, LAUNCH, http=False, people=True, wait=1)
    await acting

    output = capsys.readouterr().out
    assert exit_code == 1
    assert "ok    inputs after a reload: the choice and the words arrived." in output
    assert "LOOK  inputs on a phone: choice lost, words lost." in output
    assert "LOOK  picture: 1 of 2 see it." in output


async def test_missing_events_and_scopes_are_named(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify_trials, "EVENT_SECONDS", 0.2)
    monkeypatch.setattr(fake_slack.core.events, "emit", lambda *_args, **_more: None)
    fake_slack.faults.fail_next("conversations.history", error="missing_scope", times=9)

    exit_code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    output = capsys.readouterr().out
    assert exit_code == 1
    assert "LOOK  own metadata events: 0 of 5 came" in output
    assert "-     history: could not be tried (missing_scope)." in output


async def test_wrong_token_is_reported(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_slack.faults.fail_next("auth.test", error="invalid_auth")
    exit_code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    assert exit_code == 1
    assert "invalid_auth" in capsys.readouterr().out


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=["cut", "503"])
async def test_unanswered_call_fails_only_its_own_trial(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    fault: dict[str, Any],
) -> None:
    fake_slack.faults.fail_next("chat.postMessage", **fault)
    fake_slack.faults.fail_next("chat.delete", **fault)

    exit_code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    _, *output = capsys.readouterr().out.splitlines()
    assert exit_code == 0
    assert output[0].startswith("-     twice: could not be tried (")
    assert "own metadata events: all came" in output[1]
    assert "SETTLE_SECONDS=120 is right" in output[2]
    assert output[3] == "LOOK  1 trial messages could not be deleted: delete them"


async def test_events_received_by_a_running_bot_are_not_called_lost(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify_trials, "EVENT_SECONDS", 0.2)
    client = AsyncWebClient(settings.slack_bot_token, base_url=settings.slack_api_url)
    bot = Sockets(AsyncApp(client=client), settings.slack_app_token, count=1)
    await bot.connect()
    bot_connection = fake_slack.core.sockets.connections[0]
    monkeypatch.setattr(fake_slack.core.sockets, "_one", partial(asyncio.sleep, 0, bot_connection))

    exit_code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    await bot.close()
    output = capsys.readouterr().out
    assert exit_code == 0
    assert "-     own metadata events: 0 of 5 came" in output
    assert "Others hold 1 of the app's connections" in output


async def test_port_in_use_is_named(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    other_site = Site(web.Application(), "0.0.0.0", 0)
    port = await other_site.start()
    over_http = replace(settings, slack_signing_secret="s", http_port=port)

    exit_code = await verify(over_http, LAUNCH, http=True, people=False, wait=0)
    await other_site.stop()

    assert exit_code == 1
    output = capsys.readouterr().out
    assert f"Port {port} is in use by another program." in output
    assert "Or stop the bot." in output
