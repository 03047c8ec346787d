"""Group direct messages: seen by their members alone, and shaped as Slack's."""

from bot.clock import AdjustableClock
from bot.playground.fake_slack.json_shapes import conversation_object
from bot.playground.server import FakeSlack
from tests.harness import CHIARA
from tests.playground.helpers import ANA, BEN, LAUNCH, MANIFEST


def test_group_message_is_private_to_its_members(clock: AdjustableClock) -> None:
    workspace = FakeSlack(clock=clock.now, manifest=MANIFEST).workspace
    opened = workspace.open_group_message([ANA, BEN])

    assert opened in workspace.visible_to(BEN)
    assert opened not in workspace.visible_to(CHIARA)
    shape = conversation_object(opened, ANA)
    assert (shape["is_mpim"], shape["is_private"], shape["is_channel"]) == (True, True, False)


def test_times_of_a_conversation_are_in_seconds_and_milliseconds(clock: AdjustableClock) -> None:
    workspace = FakeSlack(clock=clock.now, manifest=MANIFEST).workspace
    for conversation in (workspace.conversations[LAUNCH], workspace.open_direct_message(ANA, BEN)):
        shape = conversation_object(conversation, ANA)
        assert 0 < shape["created"] < 10**11
        assert shape["updated"] == shape["created"] * 1000
