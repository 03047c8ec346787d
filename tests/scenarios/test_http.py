"""The bot in HTTP mode, and the verification of request signatures."""

from contextlib import suppress
from dataclasses import replace

import pytest
from aiohttp import ClientConnectorError, ClientSession
from slack_sdk.signature import SignatureVerifier

from bot.app import Imbalance
from bot.clock import AdjustableClock, real_now
from bot.metrics import refused_signatures
from bot.settings import Settings
from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.operations.test_process import free_port
from tests.scenarios.lead import Lead

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BODY = "command=%2Fimbalance&text=help&team_id=T0PLAY&user_id=U0ANA&channel_id=C0LAUNCH"


@pytest.fixture
def harness(harness_over_http: BotHarness) -> BotHarness:
    return harness_over_http


async def test_phase_starts_and_gets_answers_over_http(harness: BotHarness) -> None:
    await Lead(harness).starts("results 2w")
    await harness.wait(days=1)
    await harness.slack.let_team_answer()
    await harness.settle()

    assert "Results sprint until" in harness.slack.as_user(ANA).visible(LAUNCH)[0]["text"]
    assert harness.slack.as_user(BEN).dm_with_bot()[-1]["text"].startswith("Thanks")
    assert harness.slack.problems == []


async def test_http_mode_is_ready_without_a_socket(harness: BotHarness) -> None:
    assert await harness.bot.not_ready() == {}
    assert harness.slack.core.sockets.connections == []


def signed(timestamp: str, body: str = BODY) -> dict[str, str]:
    verifier = SignatureVerifier("playground-signing-secret")
    signature = verifier.generate_signature(timestamp=timestamp, body=body)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}


def timestamp_now(offset: int = 0) -> str:
    return str(int(real_now().timestamp()) + offset)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(timestamp_now(-400)),
        {**signed(timestamp_now()), "X-Slack-Signature": "v0=" + "0" * 64},
        {**signed(timestamp_now()), "X-Slack-Signature": "ünsigned"},
        {**signed(timestamp_now()), "X-Slack-Request-Timestamp": "yesterday"},
        signed(timestamp_now(), body="another body"),
    ],
    ids=["none", "stale", "wrong", "not ascii", "not a number", "other body"],
)
async def test_request_without_a_valid_signature_is_refused_and_counted(
    harness: BotHarness, headers: dict[str, str]
) -> None:
    before = refused_signatures._value.get()
    status = await post(harness, headers)

    assert status == 401
    assert refused_signatures._value.get() == before + 1


async def test_signed_request_is_answered(harness: BotHarness) -> None:
    assert await post(harness, signed(timestamp_now())) == 200


async def post(harness: BotHarness, headers: dict[str, str]) -> int:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with ClientSession() as session:
        url = str(harness.slack.request_url)
        async with session.post(url, data=BODY, headers={**form, **headers}) as answer:
            return answer.status


async def test_slack_and_metrics_are_served_at_their_own_addresses(
    settings: Settings, clock: AdjustableClock
) -> None:
    metrics_port = free_port()
    app = Imbalance(
        replace(
            settings, http_host="127.0.0.2", metrics_host="127.0.0.3", metrics_port=metrics_port
        ),
        clock,
        http=True,
    )
    await app.start()
    addresses = {
        f"http://127.0.0.{last}:{port}{path}"
        for last in (1, 2, 3)
        for port, path in ((app.http_port, "/slack/events"), (metrics_port, "/healthz"))
    }
    answering = set()
    async with ClientSession() as session:
        for address in addresses:
            with suppress(ClientConnectorError):
                async with session.get(address):
                    answering.add(address)
    await app.stop()

    assert answering == {
        f"http://127.0.0.2:{app.http_port}/slack/events",
        f"http://127.0.0.3:{metrics_port}/healthz",
    }
