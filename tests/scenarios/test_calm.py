"""How many messages people get, and when, over six weeks, whether the team answers or not."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.agenda.slots import zone_of
from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.scenarios.lead import Lead

WEEKS = timedelta(weeks=6)
#: Two working days, with a weekend between them.
ASKED_BEFORE = timedelta(days=4)
Week = tuple[int, int]  # year and number, from Monday to Sunday where the person is


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("kind", "answers"), [("results 2w", False), ("trust 5w", True)])
async def test_six_weeks_stay_calm_for_everybody(
    harness: BotHarness, ana: Lead, kind: str, answers: bool
) -> None:
    await ana.starts(kind)
    until = harness.clock.now() + WEEKS
    ends_at = datetime.max.replace(tzinfo=UTC)
    while (due := await harness.bot.next_due()) is not None and due <= until:
        await harness.travel_to(due)
        if answers and await harness.slack.let_team_answer():
            await harness.settle()
        if "ended" in harness.slack.as_user(BEN).visible(LAUNCH)[0]["text"]:
            ends_at = min(ends_at, due)

    for user in harness.slack.workspace.users.values():
        times = _direct_messages(harness, user.id, user.tz)
        assert all(8 <= at.hour < 20 and at.weekday() < 5 for at in times), user.id
        end = ends_at.astimezone(zone_of(user.tz))
        # A lead is asked two working days before the end whether to end or extend.
        last_weeks = {_week(end), _week(end - ASKED_BEFORE)} if user.id == ANA else {_week(end)}
        for week, count in Counter(map(_week, times)).items():
            assert count <= (3 if week in last_weeks else 2), (user.id, week)
    broadcasts = Counter(map(_week, _broadcasts(harness)))
    assert set(broadcasts.values()) == ({1} if answers else set())


def _week(at: datetime) -> Week:
    return at.isocalendar()[:2]


def _direct_messages(harness: BotHarness, user_id: str, zone: str | None) -> list[datetime]:
    person = harness.slack.as_user(user_id)
    sent = person.dm_with_bot() if person.direct_message else []
    return [datetime.fromtimestamp(float(message["ts"]), zone_of(zone)) for message in sent]


def _broadcasts(harness: BotHarness) -> list[datetime]:
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    return [
        datetime.fromtimestamp(float(message["ts"]), UTC)
        for message in seen
        if message.get("subtype") == "thread_broadcast"
    ]
