"""How many messages people get, and when, over six and eight weeks, whatever they use."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.agenda.slots import zone_of
from tests.harness import ANA, BEN, LAUNCH, BotHarness
from tests.scenarios.busy_team import BusyTeam
from tests.scenarios.lead import Lead

WEEKS = timedelta(weeks=6)
#: Two working days, with a weekend between them.
ASKED_BEFORE = timedelta(days=4)
PASSED_ON = re.compile("concerns? from your team|replied to what you count on")
#: What each of these phases has to have said, so that it counts.
EVERYTHING = (
    "*Ana promises:*",
    "Did this happen?",
    "One more thing can wait",
    "answered an anonymous concern",
    "replied to what you count on",
    "decided to change something",
    "*What happened:* One customer has it.",
    "now that it's over",
)
EVERYTHING_IN_SPRINT = (*EVERYTHING, "Is there room to recover?")
EVERYTHING_IN_TRUST = (*EVERYTHING, "hasn't decided yet", "How we work", "shared a mistake")
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

    check_direct_messages(harness, ends_at)
    broadcasts = Counter(map(_week, _broadcasts(harness)))
    assert set(broadcasts.values()) == ({1} if answers else set())


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "weeks", "promises_weekly", "decides_on"),
    [
        ("results 4w", 6, True, datetime(2026, 12, 3, tzinfo=UTC)),
        ("trust 6w", 8, False, datetime(2026, 12, 4, tzinfo=UTC)),
    ],
    ids=["sprint and recovery", "trust-building"],
)
async def test_phase_with_everything_in_it_stays_calm(
    harness: BotHarness, kind: str, weeks: int, promises_weekly: bool, decides_on: datetime
) -> None:
    """The lead promises, decides and wraps up; members propose, object and raise a concern."""
    team = BusyTeam(harness, promises_weekly=promises_weekly)
    began = harness.clock.now()
    await team.starts(kind, decides_on=decides_on)
    length = timedelta(weeks=int(kind.split()[1].removesuffix("w")))
    await team.lives_until(began + timedelta(weeks=weeks))

    check_direct_messages(harness, began + length)
    broadcasts = _broadcasts(harness)
    assert set(Counter(map(_week, broadcasts)).values()) == {1}
    assert all(8 <= at.astimezone(zone_of("Europe/Lisbon")).hour < 20 for at in broadcasts)
    said = _all_texts(harness)
    for words in EVERYTHING_IN_SPRINT if kind.startswith("results") else EVERYTHING_IN_TRUST:
        assert words in said, words
    assert harness.slack.problems == []


def check_direct_messages(harness: BotHarness, ends_at: datetime) -> None:
    """Check when each person's messages came, and how many in each week.

    What a colleague writes to a lead is passed on, and is not one of the bot's own messages.
    """
    for user in harness.slack.workspace.users.values():
        messages = _direct_messages(harness, user.id, user.tz)
        assert all(8 <= at.hour < 20 and at.weekday() < 5 for at, _ in messages), user.id
        end = ends_at.astimezone(zone_of(user.tz))
        # A lead is asked two working days before the end whether to end or extend.
        last_weeks = {_week(end), _week(end - ASKED_BEFORE)} if user.id == ANA else {_week(end)}
        own = Counter(_week(at) for at, text in messages if not PASSED_ON.search(text))
        for week, count in own.items():
            assert count <= (3 if week in last_weeks else 2), (user.id, week)


def _week(at: datetime) -> Week:
    return at.isocalendar()[:2]


def _direct_messages(
    harness: BotHarness, user_id: str, zone: str | None
) -> list[tuple[datetime, str]]:
    person = harness.slack.as_user(user_id)
    sent = person.dm_with_bot() if person.direct_message else []
    return [
        (datetime.fromtimestamp(float(message["ts"]), zone_of(zone)), message["text"])
        for message in sent
    ]


def _broadcasts(harness: BotHarness) -> list[datetime]:
    seen = harness.slack.as_user(BEN).visible(LAUNCH)
    return [
        datetime.fromtimestamp(float(message["ts"]), UTC)
        for message in seen
        if message.get("subtype") == "thread_broadcast"
    ]


def _all_texts(harness: BotHarness) -> str:
    """Return the text of everything that was posted or changed, edits included."""
    return "\n".join(str(call.args) for call in harness.slack.calls)
