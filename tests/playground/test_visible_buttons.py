"""Nobody can press a button that they cannot see."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.fake_slack.block_actions import find_element
from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, LAUNCH, actions, button


async def test_button_in_a_direct_message_is_found_by_its_reader_alone(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    await api.chat_postMessage(channel=BEN, text="for Ben", blocks=[actions(button("go"))])

    container, _ = find_element(slack.core, BEN, "go", None, None, None)
    assert container["type"] == "message"
    with pytest.raises(LookupError):
        find_element(slack.core, ANA, "go", None, None, None)


@pytest.mark.parametrize("channel", [None, LAUNCH])
async def test_button_in_an_ephemeral_message_is_found_by_its_reader_alone(
    slack: FakeSlack, api: AsyncWebClient, channel: str | None
) -> None:
    blocks = [actions(button("go"))]
    await api.chat_postEphemeral(channel=LAUNCH, user=BEN, text="for Ben", blocks=blocks)

    find_element(slack.core, BEN, "go", channel, None, None)
    with pytest.raises(LookupError):
        find_element(slack.core, ANA, "go", channel, None, None)
