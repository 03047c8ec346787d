"""Slack's own commands: whom they are about, and what they say where nobody is named."""

import pytest

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, LAUNCH


@pytest.mark.parametrize("command", ["/invite", "/kick", "/remove"])
async def test_command_about_others_changes_nobody_unless_it_names_them(
    slack: FakeSlack, command: str
) -> None:
    before = list(slack.workspace.conversations[LAUNCH].members)

    answer = await slack.as_user(ANA).command(command, LAUNCH)

    assert answer.error == "no_user"
    assert answer.text == f"Name somebody: {command} @name."
    assert slack.workspace.conversations[LAUNCH].members == before


@pytest.mark.parametrize(("command", "gone"), [("/remove @Ben", BEN), ("/leave", ANA)])
async def test_command_removes_the_person_it_is_about(
    slack: FakeSlack, command: str, gone: str
) -> None:
    before = set(slack.workspace.conversations[LAUNCH].members)

    await slack.as_user(ANA).command(command, LAUNCH)

    assert before - set(slack.workspace.conversations[LAUNCH].members) == {gone}
