"""Which messages *Is This on Hold?* takes for the bot's own."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncBoltContext

from bot.on_hold import handlers

OURS = {"user": "U0IMBAL", "bot_id": "B0IMBAL"}


@pytest.mark.parametrize(
    ("message", "identity", "expected"),
    [
        ({"user": "U0BEN"}, {"bot_user_id": "U0IMBAL", "bot_id": "B0IMBAL"}, False),
        ({"user": "U0BEN"}, {"bot_user_id": "U0IMBAL", "bot_id": None}, False),
        (OURS, {"bot_user_id": "U0IMBAL", "bot_id": None}, True),
        ({"bot_id": "B0IMBAL"}, {"bot_user_id": "U0IMBAL", "bot_id": "B0IMBAL"}, True),
        ({"bot_id": "B0OTHER"}, {"bot_user_id": "U0IMBAL", "bot_id": "B0IMBAL"}, False),
    ],
)
def test_message_of_a_person_is_never_the_bots(
    message: dict[str, Any], identity: dict[str, Any], expected: bool
) -> None:
    """A server that does not tell the bot's id must not turn every message into one of ours."""
    assert handlers._is_ours(message, AsyncBoltContext(identity)) is expected
