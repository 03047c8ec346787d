"""The message to whoever installed the bot."""

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.installing import messages
from bot.playground.fake_slack.checks import check_blocks


def test_first_steps_match_snapshot(snapshot: SnapshotAssertion) -> None:
    message = messages.first_steps()

    assert check_blocks(message.blocks, "message") == []
    assert len(message.text) <= 80
    assert message.payload == snapshot.use_extension(JSONSnapshotExtension)
