"""Calls without a required argument, or with an empty one, are refused as Slack refuses them."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.playground.helpers import ANA, LAUNCH


@pytest.mark.parametrize("given", [None, ""])
@pytest.mark.parametrize(
    ("method", "arguments", "required"),
    [
        ("chat.postMessage", {"text": "Hello"}, "channel"),
        ("chat.update", {"channel": LAUNCH, "text": "Hello"}, "ts"),
        ("pins.add", {"channel": LAUNCH}, "timestamp"),
        ("bookmarks.list", {}, "channel_id"),
        ("users.info", {}, "user"),
        ("conversations.replies", {"channel": LAUNCH}, "ts"),
        ("views.publish", {"view": {"type": "home", "blocks": []}}, "user_id"),
    ],
)
async def test_call_without_a_required_argument_is_refused(
    api: AsyncWebClient, method: str, arguments: dict[str, object], required: str, given: str | None
) -> None:
    more = {} if given is None else {required: given}

    with pytest.raises(SlackApiError) as refused:
        await api.api_call(method, json={**arguments, **more})

    assert refused.value.response["error"] == "invalid_arguments"
    assert required in str(refused.value.response["response_metadata"])


async def test_call_with_all_required_arguments_is_accepted(api: AsyncWebClient) -> None:
    assert (await api.api_call("users.info", json={"user": ANA}))["ok"]
