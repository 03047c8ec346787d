"""Results reach the channel itself if it is mostly the team, at most once a week."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.rules import reaches_channel

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("team", "people", "reaches"),
    [(8, 8, True), (8, 16, True), (8, 17, False), (5, 9, True), (1, 3, False), (0, 0, False)],
)
def test_channel_is_shown_results_if_half_of_its_people_are_in_the_team(
    team: int, people: int, reaches: bool
) -> None:
    assert reaches_channel(team=team, people=people, today=MONDAY, last=None) is reaches


@pytest.mark.parametrize(("days", "reaches"), [(0, False), (6, False), (7, True), (30, True)])
def test_channel_is_not_interrupted_again_within_a_week(days: int, reaches: bool) -> None:
    today = MONDAY + timedelta(days=days)

    assert reaches_channel(team=8, people=8, today=today, last=MONDAY) is reaches


@given(st.lists(st.integers(min_value=0, max_value=4), max_size=40))
def test_channel_is_interrupted_at_most_once_in_any_seven_days(gaps: list[int]) -> None:
    broadcasts: list[date] = []
    today = MONDAY
    for gap in gaps:
        today += timedelta(days=gap)
        last = broadcasts[-1] if broadcasts else None
        if reaches_channel(team=8, people=9, today=today, last=last):
            broadcasts.append(today)

    assert all(
        later - earlier >= timedelta(days=7) for earlier, later in itertools.pairwise(broadcasts)
    )
