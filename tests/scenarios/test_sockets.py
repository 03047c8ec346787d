"""Socket Mode connections: renewal, loss, malformed messages and limits."""

import asyncio
import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

import bot.slack.app
from bot.app import Imbalance, StartupError
from bot.clock import AdjustableClock, monotonic
from bot.playground.server import FakeSlack
from bot.settings import Settings
from bot.slack.sockets import Connection, Sockets
from tests.harness import ANA, BEN, LAUNCH, BotHarness


async def wait_for_connections(slack: FakeSlack, count: int) -> bool:
    """Wait up to 20 s for this number of connections; return whether it was reached."""
    for _ in range(2000):
        if len([c for c in slack.core.sockets.connections if not c.leaving]) == count:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_bot_opens_two_connections(harness: BotHarness) -> None:
    assert await wait_for_connections(harness.slack, 2)


async def test_pending_request_is_acknowledged_before_its_connection_is_renewed(
    harness: BotHarness,
) -> None:
    assert await wait_for_connections(harness.slack, 2)
    harness.slack.faults.fail_next("*", hang=0.5)
    command = asyncio.create_task(harness.slack.as_user(ANA).command("/imbalance start", LAUNCH))
    await asyncio.sleep(0.1)
    renewed = harness.slack.faults.refresh_sockets()
    assert renewed is not None
    await renewed

    assert (await command).status == 200
    assert await wait_for_connections(harness.slack, 2)


async def test_request_arriving_while_a_websocket_url_is_fetched_is_acknowledged(
    harness: BotHarness,
) -> None:
    assert await wait_for_connections(harness.slack, 2)
    old, other = harness.slack.core.sockets.connections
    other.leaving = True  # all requests arrive on the connection being renewed
    harness.slack.faults.fail_next("apps.connections.open", hang=0.4)
    await old.send({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
    await asyncio.sleep(0.1)
    harness.slack.faults.fail_next("*", hang=0.8)

    response = await harness.slack.as_user(ANA).command("/imbalance start", LAUNCH)

    assert response.status == 200
    old.leaving = True
    assert await wait_for_connections(harness.slack, 1)  # the new one; the other two are leaving


async def test_rate_limited_websocket_url_request_waits_for_retry_after(
    fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def authorize(**_: Any) -> None:
        return None

    monkeypatch.setattr("bot.slack.sockets.CONNECT_SECONDS", 1)  # shorter than the wait
    fake_slack.faults.fail_next("apps.connections.open", status=429, retry_after=2)
    client = AsyncWebClient(base_url=fake_slack.api_url, retry_handlers=[])
    app = bot.slack.app.build_bolt_app(client, authorize)
    connection = Connection(app, fake_slack.app_token, asyncio.Lock())
    began = monotonic()
    await connection.connect()

    assert monotonic() - began >= 2
    assert await connection.is_connected()
    await connection.shut_down()


async def test_commands_during_a_renewal_are_answered(harness: BotHarness) -> None:
    assert await wait_for_connections(harness.slack, 2)
    for _ in range(3):
        harness.slack.faults.refresh_sockets()
        for person in (ANA, BEN):
            response = await harness.slack.as_user(person).command("/imbalance help", LAUNCH)
            assert response.status == 200


async def test_bot_is_ready_while_one_connection_is_left(
    harness: BotHarness, bot: Imbalance, fake_slack: FakeSlack
) -> None:
    assert await wait_for_connections(fake_slack, 2)
    lost = fake_slack.core.sockets.connections[0]
    assert lost.request.transport is not None
    lost.request.transport.abort()
    await asyncio.sleep(0.05)

    assert "socket" not in await bot.not_ready()
    response = await harness.slack.as_user(ANA).command("/imbalance help", LAUNCH)
    assert response.status == 200


async def test_bot_is_not_ready_before_the_first_connection(
    settings: Settings, clock: AdjustableClock
) -> None:
    starting = Imbalance(settings, clock)
    assert list(await starting.not_ready()) == ["socket"]
    await starting.db.close()


async def test_refused_app_token_is_named_at_startup(
    settings: Settings, clock: AdjustableClock
) -> None:
    starting = Imbalance(replace(settings, slack_app_token="xapp-wrong"), clock)

    with pytest.raises(StartupError, match="Slack refused SLACK_APP_TOKEN: invalid_auth"):
        await starting.start()
    await starting.stop()


async def test_bot_reconnects_after_losing_both_connections(harness: BotHarness) -> None:
    assert await wait_for_connections(harness.slack, 2)
    harness.slack.faults.cut_sockets()
    response = await harness.slack.as_user(ANA).command("/imbalance help", LAUNCH)

    assert response.status == 200


@pytest.fixture
def frequent_connection_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bot check its connections very often; must be requested before the bot."""
    monkeypatch.setattr("bot.slack.sockets.CHECK_INTERVAL_SECONDS", 0.01)


async def test_reconnect_interval_grows_while_slack_refuses_connections(
    frequent_connection_checks: None, harness: BotHarness, fake_slack: FakeSlack
) -> None:
    assert await wait_for_connections(fake_slack, 2)
    fake_slack.faults.fail_next("apps.connections.open", error="internal_error", times=8)

    with capture_logs() as logs:
        fake_slack.faults.cut_sockets()
        for _ in range(1000):
            waits = [line["again_in"] for line in logs if line["event"] == "socket_url_not_issued"]
            if len(waits) == 8:
                break
            await asyncio.sleep(0.01)

    assert len(waits) == 8
    assert max(waits) >= 8 * min(waits)
    assert await wait_for_connections(fake_slack, 2)
    response = await harness.slack.as_user(ANA).command("/imbalance help", LAUNCH)
    assert response.status == 200


async def test_reaching_the_connection_limit_logs_a_warning(
    harness: BotHarness, bot: Imbalance, fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await wait_for_connections(fake_slack, 2)
    monkeypatch.setattr("bot.slack.sockets.MAX_CONNECTIONS", 3)
    app = AsyncApp(client=bot.client)
    another = Sockets(app, fake_slack.app_token, count=1)

    with capture_logs() as logs:
        await another.connect()
        for _ in range(300):
            if another.foreign_connections:
                break
            await asyncio.sleep(0.01)
    await another.close()

    (line,) = [line for line in logs if line["event"] == "socket_limit_reached"]
    assert (line["log_level"], line["open"]) == ("warning", 3)
    assert another.foreign_connections == 2


PAYLOADS: tuple[Any, ...] = (None, [], 17, "violet", {}, {"type": []}, {"event": "violet"})
INCOMPLETE: tuple[dict[str, Any], ...] = (
    {"type": "event_callback"},
    {"type": "event_callback", "event": None},
    {"type": "block_actions", "actions": [], "user": None, "team": 17},
    {"type": "view_submission", "view": None},
)
MALFORMED = (
    "violet",
    "[]",
    "null",
    "{violet",
    '{"type":' + "9" * 5000 + "}",
    "[" * 100_000,
    '{"type": []}',
    '{"type": "hello", "num_connections": "violet"}',
    *(
        json.dumps({"type": kind, "envelope_id": "e", "payload": payload})
        for kind in ("interactive", "events_api", "slash_commands")
        for payload in PAYLOADS
    ),
    *(
        json.dumps({"type": "events_api", "envelope_id": "e", "payload": payload})
        for payload in INCOMPLETE
    ),
    '{"type": "events_api", "envelope_id": 17, "payload": {}}',
    '{"type": "events_api", "envelope_id": "e", "payload": {}, "retry_reason": []}',
)


async def test_malformed_messages_do_not_break_a_connection(
    written: io.StringIO, harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.sockets.DRAIN_SECONDS", 60)  # longer than `wait_for_connections`
    assert await wait_for_connections(harness.slack, 2)
    for connection in harness.slack.core.sockets.connections:
        for message in MALFORMED:
            await connection.socket.send_str(message)
    for _ in range(2):
        response = await harness.slack.as_user(ANA).command("/imbalance help", LAUNCH)
        assert response.status == 200
    renewed = harness.slack.faults.refresh_sockets()
    assert renewed is not None
    await renewed

    assert await wait_for_connections(harness.slack, 2)
    assert "socket_message_malformed" in written.getvalue()
    assert "request_malformed" in written.getvalue()
    for word in ("exception", "violet"):
        assert word not in written.getvalue()


def bolt_app(slack: FakeSlack) -> AsyncApp:
    return AsyncApp(
        client=AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    )


async def test_connection_count_is_taken_from_the_hello_message(
    fake_slack: FakeSlack,
) -> None:
    """The tenth connection, the last that Slack allows, is logged; other messages do not count."""
    app = bolt_app(fake_slack)
    sockets = Sockets(app, fake_slack.app_token, count=2)
    one, other = sockets._connections
    assert sockets.foreign_connections == 0

    with capture_logs() as logs:
        for connection, number in ((one, 1), (other, 9), (one, 10)):
            hello = {"type": "hello", "num_connections": number}
            await connection._greeted(connection, hello, "")
            await connection._greeted(connection, {"type": "disconnect"}, "")
            assert connection.app_connections == number
    assert sockets.foreign_connections == 8
    assert [line["open"] for line in logs if line["event"] == "socket_limit_reached"] == [10]
    await asyncio.gather(one.shut_down(), other.shut_down())


async def test_connection_is_idle_once_every_message_is_processed(
    fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disconnect message is not waited for, since its handler waits for all the others."""
    app = bolt_app(fake_slack)
    connection = Connection(app, fake_slack.app_token, asyncio.Lock())

    async def renewed(*_: Any, **__: Any) -> None:
        return

    monkeypatch.setattr(connection, "connect_to_new_endpoint", renewed)
    connection.message_processor.cancel()  # the test processes the queue by hand
    for _ in "123":
        await connection.enqueue_message("{}")
    processed = [{"type": "hello"}, {"type": "disconnect"}, {"type": "hello"}]
    idle = []
    connection.message_listeners.clear()
    leaving = asyncio.create_task(connection.shut_down())
    for message in processed:
        await asyncio.sleep(0)
        idle.append(connection._idle.is_set() or connection.closed)
        await connection.run_message_listeners(message, "{}")

    assert (idle, connection._idle.is_set()) == ([False] * 3, True)
    assert connection._under_way == 0
    await leaving
    assert connection.closed


async def test_only_one_connection_is_renewed_at_a_time(
    fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bolt_app(fake_slack)
    sockets = Sockets(app, fake_slack.app_token, count=2)
    under_way: list[int] = []
    most = 0

    async def connect(*_: Any) -> None:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        for _turn in range(3):
            await asyncio.sleep(0)
        under_way.pop()

    monkeypatch.setattr(Connection, "connect", connect)
    await asyncio.gather(*(one.connect_to_new_endpoint() for one in sockets._connections))

    assert most == 1
    await asyncio.gather(*(one.shut_down() for one in sockets._connections))


@pytest.mark.parametrize(
    ("error", "connected_before", "raises"),
    [
        ("invalid_auth", False, True),
        ("invalid_auth", True, False),
        ("internal_error", False, False),
    ],
)
async def test_refused_token_raises_only_on_the_first_connection(
    fake_slack: FakeSlack,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    connected_before: bool,
    raises: bool,
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    shim = SimpleNamespace(sleep=sleep, timeout=asyncio.timeout)
    monkeypatch.setattr("bot.slack.sockets.jittered", lambda seconds: seconds)
    app = bolt_app(fake_slack)
    connection = Connection(app, fake_slack.app_token, asyncio.Lock())
    monkeypatch.setattr("bot.slack.sockets.asyncio", shim)
    connection.current_session = connected_before or None  # type: ignore[assignment]
    fake_slack.faults.fail_next("apps.connections.open", error=error, times=6)
    if raises:
        with pytest.raises(SlackApiError):
            await connection.issue_new_wss_url()
        assert waits == []
    else:
        assert (await connection.issue_new_wss_url()).startswith("ws")
        assert waits == [1, 2, 4, 8, 10, 10]
    connection.current_session = None
    await connection.shut_down()
