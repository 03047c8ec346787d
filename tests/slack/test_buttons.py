"""Buttons as they are sent to Slack."""

from bot.slack.content import button


def test_button_without_a_value_sends_none() -> None:
    assert "value" not in button("Start", "phase.start").to_dict()
    assert button("Start", "phase.start", "p1").to_dict()["value"] == "p1"
