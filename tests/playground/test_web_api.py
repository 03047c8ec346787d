"""The Web API: arguments, tokens, scopes, membership, paging, rate limits and faults."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    ARCHIVED,
    BEN,
    BOT,
    LAUNCH,
    OTTO,
    PARTNER,
    PLATFORM,
    SECRET,
    XAVIER,
    error_name,
)


async def test_auth_test_identifies_the_app(api: AsyncWebClient) -> None:
    answer = await api.auth_test()

    assert (answer["team_id"], answer["user_id"]) == ("T0PLAY", BOT)
    assert "chat:write" in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize("encoding", ["query", "form", "json"])
async def test_arguments_may_come_as_query_form_or_json(
    slack: FakeSlack, session: ClientSession, encoding: str
) -> None:
    args = {"user": ANA, "include_locale": "true", "team_id": "T0PLAY", "no_such_arg": "x"}
    sent: dict[str, Any] = {{"query": "params", "form": "data", "json": "json"}[encoding]: args}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}users.info"
    async with session.post(url, headers=headers, **sent) as response:
        user = (await response.json())["user"]

    assert (user["tz"], user["locale"]) == ("Europe/Lisbon", "en-GB")


@pytest.mark.parametrize(("body", "error"), [(b"{", "invalid_json"), (b"[1]", "json_not_object")])
async def test_body_that_is_not_a_json_object_is_refused(
    slack: FakeSlack, session: ClientSession, body: bytes, error: str
) -> None:
    headers = {"Authorization": "Bearer xoxb-playground", "Content-Type": "application/json"}
    async with session.post(f"{slack.api_url}auth.test", data=body, headers=headers) as response:
        assert (await response.json())["error"] == error


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-other", "auth.test", "invalid_auth"),
        ("xapp-playground", "auth.test", "not_allowed_token_type"),
        ("xoxb-playground", "apps.connections.open", "not_allowed_token_type"),
        ("xoxb-playground", "chat.shout", "unknown_method"),
    ],
)
async def test_wrong_tokens_and_unknown_methods_are_refused(
    slack: FakeSlack, token: str, method: str, error: str
) -> None:
    client = AsyncWebClient(token, base_url=slack.api_url, retry_handlers=[])
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method)

    assert error_name(refused.value) == error


async def test_missing_scope_is_named(slack: FakeSlack, api: AsyncWebClient) -> None:
    slack.scopes.discard("chat:write")
    with pytest.raises(SlackApiError) as refused:
        await api.chat_postMessage(channel=LAUNCH, text="hello")

    assert error_name(refused.value) == "missing_scope"
    assert refused.value.response["needed"] == "chat:write"
    assert "users:read" in refused.value.response["provided"]


async def test_required_read_scope_depends_on_the_channel_type(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.scopes.discard("groups:read")
    slack.join(SECRET, BOT)
    assert (await api.conversations_info(channel=LAUNCH))["channel"]["is_member"]
    with pytest.raises(SlackApiError) as refused:
        await api.conversations_info(channel=SECRET)

    assert refused.value.response["needed"] == "groups:read"


async def test_token_is_refused_after_uninstalling(slack: FakeSlack, api: AsyncWebClient) -> None:
    slack.uninstall()
    with pytest.raises(SlackApiError) as refused:
        await api.auth_test()

    assert error_name(refused.value) == "account_inactive"


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHER", "channel_not_found"),
        (SECRET, "channel_not_found"),
        (PLATFORM, "not_in_channel"),
        (ARCHIVED, "is_archived"),
        ("U0NOBODY", "channel_not_found"),
        (OTTO, "user_disabled"),
        ("USLACKBOT", "cannot_dm_bot"),
        ("U0CIB", "cannot_dm_bot"),
    ],
)
async def test_post_to_an_unsuitable_conversation_is_refused(
    api: AsyncWebClient, channel: str, error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await api.chat_postMessage(channel=channel, text="hello")

    assert error_name(refused.value) == error


async def test_external_user_can_be_reached_only_with_a_shared_channel(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    await api.chat_postMessage(channel=XAVIER, text="hello")
    slack.leave(PARTNER, XAVIER)
    with pytest.raises(SlackApiError) as refused:
        await api.conversations_open(users=XAVIER)

    assert error_name(refused.value) == "user_not_visible"


async def test_public_channel_can_be_joined_and_posted_to(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    first = await api.conversations_join(channel=PLATFORM)
    again = await api.conversations_join(channel=PLATFORM)
    await api.chat_postMessage(channel=PLATFORM, text="hello")

    assert (first.get("warning"), again["warning"]) == (None, "already_in_channel")
    with pytest.raises(SlackApiError):
        await api.conversations_join(channel=SECRET)


async def test_channel_members_are_listed_in_pages(api: AsyncWebClient) -> None:
    pages = []
    async for page in await api.conversations_members(channel=LAUNCH, limit=5):
        pages.append(page["members"])

    assert [len(members) for members in pages] == [5, 5, 2]
    assert {ANA, OTTO, BOT, "U0GST", "U0CIB"} <= {user for page in pages for user in page}
    with pytest.raises(SlackApiError) as refused:
        await api.conversations_members(channel=LAUNCH, cursor="???")
    assert error_name(refused.value) == "invalid_cursor"


async def test_channels_are_listed_by_type(slack: FakeSlack, api: AsyncWebClient) -> None:
    listed = await api.conversations_list(exclude_archived=True)
    mine = await api.users_conversations(types="public_channel,private_channel")

    assert {"general", "launch", "platform", "partner"} == {c["name"] for c in listed["channels"]}
    assert "platform" not in {c["name"] for c in mine["channels"]}


async def test_user_profiles(api: AsyncWebClient) -> None:
    owner = (await api.users_info(user="U0OWN"))["user"]
    guest = (await api.users_info(user="U0GST"))["user"]
    otto = (await api.users_info(user=OTTO))["user"]
    outsider = (await api.users_info(user=XAVIER))["user"]

    assert (owner["is_admin"], guest["is_restricted"]) == (True, True)
    assert (otto["deleted"], otto.get("tz")) == (True, None)
    assert outsider["team_id"] == "T0OTHER"
    assert len((await api.users_list())["members"]) == 15


async def test_rate_limits_can_be_switched_on(slack: FakeSlack, api: AsyncWebClient) -> None:
    slack.faults.rate_limits = True
    burst = [api.chat_postMessage(channel=LAUNCH, text="hello") for _ in range(5)]
    with pytest.raises(SlackApiError) as refused:
        await asyncio.gather(*burst)
    await api.chat_postMessage(channel=ANA, text="another channel")

    assert refused.value.response.status_code == 429
    assert int(refused.value.response.headers["Retry-After"]) >= 1
    with pytest.raises(SlackApiError):
        await asyncio.gather(*[api.pins_list(channel=LAUNCH) for _ in range(21)])


async def test_history_limits_of_unlisted_apps_can_be_switched_on(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.faults.slow_history = True
    for number in range(20):
        await api.chat_postMessage(channel=LAUNCH, text=str(number))
    read = await api.conversations_history(channel=LAUNCH, limit=100)

    assert (len(read["messages"]), read["has_more"]) == (15, True)
    with pytest.raises(SlackApiError):
        await api.conversations_history(channel=LAUNCH)


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"status": 500}, 500), ({"status": 429, "retry_after": 7}, 429), ({"error": "odd"}, 200)],
)
async def test_call_can_be_made_to_fail(
    slack: FakeSlack, api: AsyncWebClient, fault: dict[str, Any], status: int
) -> None:
    slack.faults.fail_next("chat.postMessage", **fault)
    with pytest.raises(SlackApiError) as refused:
        await api.chat_postMessage(channel=LAUNCH, text="lost")
    await api.chat_postMessage(channel=LAUNCH, text="kept")

    assert refused.value.response.status_code == status
    assert [message["text"] for message in slack.as_user(ANA).visible(LAUNCH)] == ["kept"]


@pytest.mark.parametrize("fault", [{"status": 503}, {"error": "fatal_error"}, {"drop": True}])
async def test_call_can_fail_after_it_took_effect(
    slack: FakeSlack, api: AsyncWebClient, fault: dict[str, Any]
) -> None:
    slack.faults.fail_next("chat.postMessage", after_accept=True, **fault)
    with pytest.raises((SlackApiError, ClientError)):
        await api.chat_postMessage(channel=LAUNCH, text="said")

    assert [message["text"] for message in slack.as_user(ANA).visible(LAUNCH)] == ["said"]


async def test_hanging_call_ends_when_the_server_stops(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    slack.faults.fail_next("auth.test", hang=60)
    waiting = asyncio.create_task(api.auth_test())
    await asyncio.wait([waiting], timeout=0.1)
    with pytest.raises(TimeoutError, match=r"auth\.test"):
        await slack.settled(timeout=0.1)
    slack.faults.stopping.set()

    assert (await waiting)["ok"]


async def test_every_call_is_recorded(slack: FakeSlack, api: AsyncWebClient) -> None:
    slack.faults.fail_next("*", error="odd")
    with pytest.raises(SlackApiError):
        await api.users_info(user=BEN)
    await api.users_info(user=BEN)

    kept = [(call.method, call.args["user"], call.response["ok"]) for call in slack.calls]
    assert kept == [("users.info", BEN, False), ("users.info", BEN, True)]


async def test_two_servers_are_independent(slack: FakeSlack, api: AsyncWebClient) -> None:
    other = FakeSlack(clock=slack.workspace.now, manifest={})
    await other.start()
    await api.chat_postMessage(channel=LAUNCH, text="hello")

    assert other.workspace.messages(LAUNCH) == []
    assert other.url != slack.url
    await other.stop()


async def test_blocks_validate_reports_invalid_blocks(api: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await api.api_call("blocks.validate", params={"blocks": json.dumps([{"type": "nope"}])})

    assert refused.value.response["errors"][0]["pointer"] == "/blocks/0"


async def test_reset_restores_the_example_workspace(slack: FakeSlack, api: AsyncWebClient) -> None:
    await api.chat_postMessage(channel=ANA, text="hello")
    slack.deactivate(BEN)
    slack.reset()

    assert slack.workspace.users[BEN].deleted is False
    assert slack.as_user(ANA).dm_with_bot() == []
    assert slack.calls == []
