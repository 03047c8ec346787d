"""Set-aside work comes back on a day; in a message that is read later, it is back since then."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.dates import day
from bot.ending import messages
from bot.slack.content import Content
from tests.ending.ended_phases import ENDED_ON, WORDS, over
from tests.harness import BEN

BACK = date(2026, 12, 21)  # the Monday after the end
ON, SINCE = f"on {day(BACK)}", f"since {day(BACK)}"
DAYS = [
    (ENDED_ON, ON),
    (BACK - timedelta(days=1), ON),
    (BACK, ON),  # it is that very day
    (BACK + timedelta(days=1), SINCE),
    (BACK + timedelta(days=30), SINCE),
]


def shown(said: Content) -> str:
    return json.dumps(said.blocks)


@pytest.mark.parametrize(("today", "when"), DAYS)
def test_the_channel_reads_it_in_the_wrap_up(today: date, when: str) -> None:
    said = shown(messages.wrapped_up(over(**WORDS), changed=True, today=today))

    assert when in said
    assert {ON: SINCE, SINCE: ON}[when] not in said


@pytest.mark.parametrize(("today", "when"), DAYS)
def test_a_member_reads_it_in_the_goodbye(today: date, when: str) -> None:
    ended = over()
    member = next(person for person in ended.phase.people if person.user_id == BEN)
    said = shown(messages.goodbye(ended, member, today))

    assert when in said
    assert {ON: SINCE, SINCE: ON}[when] not in said


@pytest.mark.parametrize(
    ("ended_on", "back"),
    [(18, 21), (19, 21), (20, 21), (21, 22)],  # Friday to Monday
)
def test_it_comes_back_on_the_working_day_after_the_end(ended_on: int, back: int) -> None:
    ended = replace(over(), ended_on=date(2026, 12, ended_on))

    assert f"on {day(date(2026, 12, back))}" in shown(messages.closing(ended))
