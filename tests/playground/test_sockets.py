"""Socket Mode: frames, deadlines, retries and several connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession, WSMsgType
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, CHIARA, LAUNCH, METADATA, SECRET, error_name


class RawSocket:
    """A Socket Mode connection, frame by frame."""

    def __init__(self, slack: FakeSlack, session: ClientSession) -> None:
        self.slack, self.session = slack, session

    async def open(self) -> dict[str, Any]:
        """Connect. Returns Slack's hello."""
        client = AsyncWebClient(
            self.slack.app_token, base_url=self.slack.api_url, session=self.session
        )
        url = (await client.apps_connections_open(app_token=self.slack.app_token))["url"]
        self.url = url
        self.socket = await self.session.ws_connect(url, autoping=False)
        return await self.receive()

    async def receive(self) -> dict[str, Any]:
        return dict(json.loads((await self.socket.receive(timeout=20)).data))

    async def acknowledge(self, envelope: dict[str, Any], **payload: Any) -> None:
        answer = {"envelope_id": envelope["envelope_id"]}
        await self.socket.send_json(answer | ({"payload": payload} if payload else {}))


@pytest.fixture
async def raw(slack: FakeSlack, session: ClientSession) -> AsyncIterator[RawSocket]:
    socket = RawSocket(slack, session)
    yield socket
    if not socket.socket.closed:
        await socket.socket.close()


async def test_hello_comes_first_and_a_socket_url_works_once(
    raw: RawSocket, session: ClientSession
) -> None:
    hello = await raw.open()

    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0IMBAL"}
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(raw.url)


async def test_pong_repeats_the_payload_of_the_ping(slack: FakeSlack, raw: RawSocket) -> None:
    await raw.open()
    await raw.socket.ping(b"sdk-ping-pong:1.5")
    frame = await raw.socket.receive(timeout=20)
    assert (frame.type, frame.data) == (WSMsgType.PONG, b"sdk-ping-pong:1.5")

    slack.faults.silent_sockets = True
    await raw.socket.ping(b"anyone?")
    with pytest.raises(TimeoutError):
        await raw.socket.receive(timeout=0.05)


async def test_command_waits_for_its_acknowledgement(slack: FakeSlack, raw: RawSocket) -> None:
    await raw.open()
    typing = asyncio.create_task(slack.as_user(ANA).command("/note add milk", LAUNCH))
    envelope = await raw.receive()
    with pytest.raises(TimeoutError, match="/note"):
        await slack.settled(timeout=0.05)
    await raw.acknowledge(envelope, text="added")

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    payload = envelope["payload"]
    assert (payload["command"], payload["text"]) == ("/note", "add milk")
    assert payload["channel_name"] == "launch"
    assert (await typing).text == "added"


async def test_event_envelope_carries_the_whole_callback(slack: FakeSlack, raw: RawSocket) -> None:
    await raw.open()
    delivered = slack.set_tz(ANA, "Asia/Tokyo")
    envelope = await raw.receive()
    await raw.acknowledge(envelope)

    payload = envelope["payload"]
    assert (envelope["type"], envelope["retry_attempt"]) == ("events_api", 0)
    assert payload["type"] == "event_callback"
    assert payload["event_id"].startswith("Ev")
    assert payload["authorizations"][0]["user_id"] == "U0IMBAL"
    assert payload["event"]["user"]["tz"] == "Asia/Tokyo"
    assert delivered is not None
    assert await delivered


async def test_unacknowledged_event_is_redelivered_with_the_same_id(
    slack: FakeSlack, raw: RawSocket
) -> None:
    slack.core.dispatch.retry_after = (0, 0, 0)
    await raw.open()
    slack.faults.lose_acks()
    slack.core.dispatch.ack_seconds = 0.05
    delivered = slack.set_tz(ANA, "Asia/Tokyo")
    first = await raw.receive()
    await raw.acknowledge(first)
    second = await raw.receive()
    await raw.acknowledge(second)

    assert first["envelope_id"] != second["envelope_id"]
    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "http_timeout")
    assert delivered is not None
    assert await delivered


async def test_event_is_given_up_after_three_retries(slack: FakeSlack, raw: RawSocket) -> None:
    slack.core.dispatch.retry_after = (0, 0, 0)
    slack.core.dispatch.ack_seconds = 0.02
    await raw.open()
    delivered = slack.set_tz(ANA, "Asia/Tokyo")
    assert delivered is not None

    assert not await delivered
    assert [(await raw.receive())["retry_attempt"] for _ in range(4)] == [0, 1, 2, 3]
    assert slack.problems == ["event user_change: not acknowledged"]


async def test_events_can_be_duplicated_and_reordered(slack: FakeSlack, raw: RawSocket) -> None:
    await raw.open()
    slack.faults.duplicate_events()
    slack.core.events.hold()
    slack.set_tz(ANA, "Asia/Tokyo")
    slack.set_tz(BEN, "Asia/Tokyo")
    releasing = asyncio.create_task(slack.core.events.release(backwards=True))
    people = []
    for _ in range(3):
        envelope = await raw.receive()
        people.append(envelope["payload"]["event"]["user"]["id"])
        await raw.acknowledge(envelope)
    await releasing

    assert people == [BEN, BEN, ANA]


async def test_payload_goes_to_a_connection_opened_after_the_refresh(
    slack: FakeSlack, session: ClientSession
) -> None:
    first, second = RawSocket(slack, session), RawSocket(slack, session)
    await first.open()
    assert (await second.open())["num_connections"] == 2
    await slack.core.sockets.refresh()
    assert (await first.receive())["reason"] == "refresh_requested"
    third = RawSocket(slack, session)
    await third.open()

    asyncio.get_running_loop().call_later(0, slack.set_tz, ANA, "Asia/Tokyo")
    envelope = await third.receive()
    await third.acknowledge(envelope)
    for socket in (first, second, third):
        await socket.socket.close()


async def test_eleventh_connection_is_refused(
    slack: FakeSlack, session: ClientSession, api: AsyncWebClient
) -> None:
    sockets = [RawSocket(slack, session) for _ in range(10)]
    for socket in sockets:
        await socket.open()
    with pytest.raises(SlackApiError) as refused:
        await RawSocket(slack, session).open()

    assert error_name(refused.value) == "too_many_websockets"
    for socket in sockets:
        await socket.socket.close()


async def test_unacknowledged_event_of_a_cut_connection_is_redelivered(
    slack: FakeSlack, session: ClientSession
) -> None:
    first, second = RawSocket(slack, session), RawSocket(slack, session)
    await first.open()
    delivered = slack.set_tz(ANA, "Asia/Tokyo")
    envelope = await first.receive()
    await second.open()
    slack.faults.cut_sockets()  # both of them; a third one takes over
    third = RawSocket(slack, session)
    await third.open()
    again = await third.receive()
    await third.acknowledge(again)

    assert again["payload"]["event_id"] == envelope["payload"]["event_id"]
    assert delivered is not None
    assert await delivered
    await third.socket.close()


async def test_bolt_reconnects_after_a_refresh(
    slack: FakeSlack, app: AsyncApp, socket: AsyncSocketModeHandler
) -> None:
    @app.command("/note")
    async def note(ack: Any) -> None:
        await ack("noted")

    slack.faults.refresh_sockets()
    for person in (ANA, BEN, CHIARA):
        assert (await slack.as_user(person).command("/note", LAUNCH)).text == "noted"


async def test_command_without_a_connection_fails_at_once(slack: FakeSlack) -> None:
    result = await slack.as_user(ANA).command("/note", LAUNCH)

    assert (result.status, result.error) == (0, "dispatch_failed")
    assert slack.problems == ["/note: not acknowledged (dispatch_failed)"]


async def test_slow_acknowledgement_times_out(
    slack: FakeSlack, app: AsyncApp, socket: AsyncSocketModeHandler
) -> None:
    slack.core.dispatch.ack_seconds = 0.05

    @app.command("/note")
    async def note(ack: Any) -> None:
        await asyncio.sleep(0.2)
        await ack()

    assert (await slack.as_user(ANA).command("/note", LAUNCH)).error == "operation_timeout"


async def test_events_the_app_cannot_see_or_did_not_subscribe_to_are_not_sent(
    slack: FakeSlack,
) -> None:
    assert slack.archive(SECRET) is None  # private, and the app is not in it
    assert slack.leave("C0PLATF", BEN) is None  # the app is not in it
    with pytest.raises(ValueError, match="channel_shared"):
        await slack.emit({"type": "channel_shared", "channel": LAUNCH})


async def test_metadata_events_are_sent_for_own_messages(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient, socket: AsyncSocketModeHandler
) -> None:
    received_events: list[dict[str, Any]] = []
    for kind in ("posted", "updated", "deleted"):

        @app.event(f"message_metadata_{kind}")
        async def record(event: dict[str, Any]) -> None:
            received_events.append(event)

    posted = await api.chat_postMessage(channel=LAUNCH, text="hello", metadata=METADATA)
    other = {**METADATA, "event_type": "other"}
    await api.chat_postMessage(channel=LAUNCH, text="not subscribed", metadata=other)
    await slack.settled()
    changed = {**METADATA, "event_payload": {"id": "43"}}
    await api.chat_update(channel=LAUNCH, ts=posted["ts"], text="hello", metadata=changed)
    await slack.settled()
    await api.chat_delete(channel=LAUNCH, ts=posted["ts"])
    await slack.settled()

    assert [event["type"].rsplit("_", 1)[1] for event in received_events] == [
        "posted",
        "updated",
        "deleted",
    ]
    assert {event["message_ts"] for event in received_events} == {posted["ts"]}
    assert received_events[0]["metadata"] == METADATA
    assert received_events[1]["previous_metadata"] == METADATA
