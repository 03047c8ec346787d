"""Every change of the workspace is reported as one, so that it is saved and outlives a restart."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.clock import AdjustableClock
from bot.playground.fake_slack import workspace_changes as changes
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, User
from bot.playground.server import FakeSlack
from tests.harness import OWNER, WORKSPACE
from tests.playground.helpers import ANA, BEN, LAUNCH, MANIFEST

Change = Callable[[Core, Conversation], Any]

NEW = User(id="U0NEW", name="new", real_name="New", team_id=WORKSPACE, tz="UTC")

CHANGES: dict[str, Change] = {
    "change_user": lambda core, _: changes.change_user(core, core.workspace.users[BEN], tz="UTC"),
    "add_user": lambda core, _: changes.add_user(core, NEW),
    "join": lambda core, channel: changes.join(core, channel, OWNER),
    "leave": lambda core, channel: changes.leave(core, channel, BEN),
    "archive": lambda core, channel: changes.archive(core, channel, ANA),
    "rename": lambda core, channel: changes.rename(core, channel, "launched"),
    "delete": changes.delete,
    "change_id": lambda core, channel: changes.change_id(core, channel, "C0MOVED"),
    "restrict": lambda core, channel: changes.restrict(core, channel, "restricted_action"),
}


@pytest.mark.parametrize("name", list(CHANGES))
async def test_change_of_the_workspace_is_reported_to_be_saved(
    clock: AdjustableClock, name: str
) -> None:
    core = FakeSlack(clock=clock.now, manifest=MANIFEST).core
    reported: list[str] = []
    core.stream.on_change = lambda: reported.append(name)

    CHANGES[name](core, core.workspace.conversations[LAUNCH])

    assert reported
