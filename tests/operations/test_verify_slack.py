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

SETTINGS_WITHOUT_DATABASE = "sqlite:///never-opened.db"


@pytest.fixture
def settings(fake_slack: FakeSlack) -> Settings:
    return Settings(
        slack_bot_token=fake_slack.bot_token,
        slack_app_token=fake_slack.app_token,
        slack_api_url=fake_slack.api_url,
        database_url=SETTINGS_WITHOUT_DATABASE,
    )


async def when(asked: str, slack: FakeSlack, act: Callable[[], Awaitable[object]]) -> None:
    """Act as soon as a message that says so stands in the channel."""
    for _ in range(1000):
        for message in slack.as_user(BEN).visible(LAUNCH):
            if asked in str(message.get("blocks")):
                await act()
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never asked: {asked}")


async def test_what_slack_does_by_itself(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    first, *said = capsys.readouterr().out.splitlines()
    assert code == 0
    assert first.startswith("Stop the bot first")
    assert [line[:4] for line in said] == ["ok  "] * 3
    assert "keeps both of two equal posts" in said[0]
    assert "all came" in said[1]
    assert "SETTLE_SECONDS=120 is right" in said[2]
    assert not [
        m for m in fake_slack.as_user(BEN).visible(LAUNCH) if "Imbalance tries" in m["text"]
    ]


async def test_what_only_people_can_tell(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    ben, chiara = fake_slack.as_user(BEN), fake_slack.as_user(CHIARA)
    answers = {verify_trials.CHOICE: "4", verify_trials.WORDS: "a few"}

    async def people() -> None:
        await when(
            "reload Slack", fake_slack, lambda: ben.click(verify_trials.SEND, values=answers)
        )
        await when("On a phone", fake_slack, lambda: ben.click(verify_trials.SEND))
        await when("A picture", fake_slack, lambda: ben.click(verify_trials.SEE))
        await chiara.click(verify_trials.SEE_NOT)

    acting = asyncio.create_task(people())
    code = await verify(settings, LAUNCH, http=False, people=True, wait=1)
    await acting

    said = capsys.readouterr().out
    assert code == 1
    assert "ok    inputs after a reload: the choice and the words arrived." in said
    assert "LOOK  inputs on a phone: choice lost, words lost." in said
    assert "LOOK  picture: 1 of 2 see it." in said


async def test_missing_events_and_scopes_are_named(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify_trials, "EVENT_SECONDS", 0.2)
    monkeypatch.setattr(fake_slack.core.events, "emit", lambda *_args, **_more: None)
    fake_slack.faults.fail_next("conversations.history", error="missing_scope", times=9)

    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    said = capsys.readouterr().out
    assert code == 1
    assert "LOOK  own metadata events: 0 of 5 came" in said
    assert "-     history: could not be tried (missing_scope)." in said


async def test_a_wrong_token_is_said_first(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_slack.faults.fail_next("auth.test", error="invalid_auth")
    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    assert code == 1
    assert "invalid_auth" in capsys.readouterr().out


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=["cut", "503"])
async def test_a_call_without_an_answer_costs_one_trial(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    fault: dict[str, Any],
) -> None:
    fake_slack.faults.fail_next("chat.postMessage", **fault)
    fake_slack.faults.fail_next("chat.delete", **fault)

    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    _, *said = capsys.readouterr().out.splitlines()
    assert code == 0
    assert said[0].startswith("-     twice: could not be tried (")
    assert "own metadata events: all came" in said[1]
    assert "SETTLE_SECONDS=120 is right" in said[2]
    assert said[3] == "LOOK  1 trial messages could not be deleted: delete them"


async def test_events_that_a_running_bot_heard_are_not_called_lost(
    settings: Settings,
    fake_slack: FakeSlack,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify_trials, "EVENT_SECONDS", 0.2)
    client = AsyncWebClient(settings.slack_bot_token, base_url=settings.slack_api_url)
    bot = Sockets(AsyncApp(client=client), settings.slack_app_token, count=1)
    await bot.connect()
    bots = fake_slack.core.sockets.connections[0]
    monkeypatch.setattr(fake_slack.core.sockets, "_one", partial(asyncio.sleep, 0, bots))

    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    await bot.close()
    said = capsys.readouterr().out
    assert code == 0
    assert "-     own metadata events: 0 of 5 came" in said
    assert "Others hold 1 of the app's connections" in said


async def test_a_port_that_the_bot_holds_is_named(
    settings: Settings, fake_slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = Site(web.Application(), "0.0.0.0", 0)
    port = await taken.start()
    over_http = replace(settings, slack_signing_secret="s", http_port=port)

    code = await verify(over_http, LAUNCH, http=True, people=False, wait=0)
    await taken.stop()

    assert code == 1
    assert f"Port {port} is in use: stop the bot." in capsys.readouterr().out
