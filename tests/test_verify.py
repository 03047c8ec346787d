"""`python -m bot verify-slack` against the stand-in, with people who do what it asks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.playground.server import StandIn
from bot.settings import Settings
from bot.verify import trials
from bot.verify.verify import verify
from tests.vocabulary import BEN, CHIARA, LAUNCH

SETTINGS_WITHOUT_DATABASE = "sqlite:///never-opened.db"


@pytest.fixture
def settings(standin: StandIn) -> Settings:
    return Settings(
        slack_bot_token=standin.bot_token,
        slack_app_token=standin.app_token,
        slack_api_url=standin.api_url,
        database_url=SETTINGS_WITHOUT_DATABASE,
    )


async def when(asked: str, slack: StandIn, act: Callable[[], Awaitable[object]]) -> None:
    """Act as soon as a message that says so stands in the channel."""
    for _ in range(1000):
        for message in slack.as_user(BEN).visible(LAUNCH):
            if asked in str(message.get("blocks")):
                await act()
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never asked: {asked}")


async def test_what_slack_does_by_itself(
    settings: Settings, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    said = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line[:4] for line in said] == ["ok  "] * 3
    assert "keeps both of two equal posts" in said[0]
    assert "all came" in said[1]
    assert "SETTLE_SECONDS=120 is right" in said[2]
    assert not [m for m in standin.as_user(BEN).visible(LAUNCH) if "Imbalance tries" in m["text"]]


async def test_what_only_people_can_tell(
    settings: Settings, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    ben, chiara = standin.as_user(BEN), standin.as_user(CHIARA)
    answers = {trials.CHOICE: "4", trials.WORDS: "a few"}

    async def people() -> None:
        await when("reload Slack", standin, lambda: ben.click(trials.SEND, values=answers))
        await when("On a phone", standin, lambda: ben.click(trials.SEND))
        await when("A picture", standin, lambda: ben.click(trials.SEE))
        await chiara.click(trials.SEE_NOT)

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
    standin: StandIn,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trials, "EVENT_SECONDS", 0.2)
    monkeypatch.setattr(standin.core.events, "emit", lambda *_args, **_more: None)
    standin.faults.fail_next("conversations.history", error="missing_scope", times=9)

    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    said = capsys.readouterr().out
    assert code == 1
    assert "LOOK  own metadata events: 0 of 5 came" in said
    assert "-     history: Slack says missing_scope." in said


async def test_a_wrong_token_is_said_first(
    settings: Settings, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.faults.fail_next("auth.test", error="invalid_auth")
    code = await verify(settings, LAUNCH, http=False, people=False, wait=0)

    assert code == 1
    assert "invalid_auth" in capsys.readouterr().out
