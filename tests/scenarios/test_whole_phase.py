"""A two-week results sprint with eight people: every visible call, as a snapshot."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.playground.server import FakeSlack
from tests.harness import ANA, BotHarness
from tests.scenarios.lead import Lead

#: Calls that people can see, and the verb for each in the log.
VISIBLE_CALLS = {
    "chat.postMessage": "says",
    "chat.update": "edits",
    "pins.add": "pins",
    "pins.remove": "unpins",
    "bookmarks.add": "bookmarks",
    "bookmarks.remove": "takes the bookmark back",
}
DAYS_LEFT = "Results sprint until"


class Log:
    """The bot's visible calls, one line each, without the daily update of the days left."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._read = 0
        self.lines: list[str] = []

    def add(self, now: datetime) -> None:
        fresh = self._slack.calls[self._read :]
        self._read = len(self._slack.calls)
        self.lines += sorted(self._lines(fresh, f"{now:%a %d %b %H:%M} UTC"))

    def _lines(self, calls: list, when: str) -> Iterator[str]:
        for call in calls:
            verb = VISIBLE_CALLS.get(call.method)
            text = call.args.get("text") or ""
            if verb is None or (verb == "edits" and DAYS_LEFT in text):
                continue
            where = call.args.get("channel") or call.args.get("channel_id")
            thread = " in the thread" if call.args.get("thread_ts") else ""
            if call.args.get("reply_broadcast"):
                thread += " and in the channel"
            yield f"{when}  {verb} {self._named(where)}{thread}  {text}".rstrip()

    def _named(self, place: str) -> str:
        for user in self._slack.workspace.users.values():
            if place in (user.id, self._direct(user.id)):
                return user.real_name.split()[0]
        return "#launch"

    def _direct(self, user_id: str) -> str | None:
        found = self._slack.as_user(user_id).direct_message
        return found.id if found else None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_weeks_message_by_message(
    harness: BotHarness, snapshot: SnapshotAssertion
) -> None:
    log = Log(harness.slack)
    await Lead(harness).starts("results 2w")
    log.add(harness.clock.now())
    until = harness.clock.now() + timedelta(weeks=5)
    while (due := await harness.bot.next_due()) is not None and due <= until:
        await harness.travel_to(due)
        log.add(harness.clock.now())
        if await harness.slack.let_team_answer():
            await harness.settle()
            log.add(harness.clock.now())

    assert harness.slack.problems == []
    assert log.lines == snapshot(extension_class=JSONSnapshotExtension)
    visible = [line for line in log.lines if "says Ana" in line or "says #launch" in line]
    assert len(visible) > 10
    assert not any(ANA in line for line in log.lines)
