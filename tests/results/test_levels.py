"""The shown figures of a closed round never reveal one person's answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.levels import (
    WORDS,
    QuestionFigures,
    change,
    comparable,
    level_words,
    perception_gap,
    question_figures,
)

COUNTS = st.lists(st.integers(0, 12), min_size=5, max_size=5)


def level_of(counts: list[int], minimum: int = 4) -> QuestionFigures | None:
    return question_figures("clarity", counts, minimum)


@given(COUNTS, st.integers(4, 12))
def test_nothing_is_shown_below_the_minimum(counts: list[int], minimum: int) -> None:
    assert (level_of(counts, minimum) is None) == (sum(counts) < minimum)


@given(COUNTS)
def test_level_is_the_mean_rounded_to_a_half(counts: list[int]) -> None:
    found = level_of(counts)
    if found is None:
        return
    mean = sum(level * count for level, count in enumerate(counts, start=1)) / sum(counts)
    assert (found.level * 2).is_integer()
    assert abs(found.level - mean) <= 0.25
    assert 1 <= found.level <= 5


@given(COUNTS)
def test_no_band_holds_a_single_answer(counts: list[int]) -> None:
    found = level_of(counts)
    if found is None or found.bands is None:
        return
    assert all(band.answers != 1 for band in found.bands)
    assert sum(band.answers for band in found.bands) == found.answers
    assert (found.bands[0].first, found.bands[-1].last) == (1, 5)
    assert len(found.bands) <= 3


@given(COUNTS)
def test_bands_are_shown_from_eight_answers_and_a_share_below(counts: list[int]) -> None:
    found = level_of(counts)
    if found is None:
        return
    assert (found.bands is None) == (found.answers < 8)
    assert (found.high_count is None) == (found.answers >= 8)


@given(COUNTS)
def test_equal_counts_give_equal_figures(counts: list[int]) -> None:
    assert level_of(counts) == level_of(list(counts))


@given(st.sets(st.integers(0, 20)), st.integers(21, 30))
def test_rounds_differing_by_one_person_are_not_comparable(team: set[int], newcomer: int) -> None:
    before = {str(member) for member in team}

    assert not comparable(before | {str(newcomer)}, before)
    assert comparable(before, before)
    assert comparable(before | {"a", "b"}, before)


def test_change_needs_a_comparable_previous_round() -> None:
    now, before = level_of([0, 0, 0, 4, 0]), level_of([0, 0, 4, 0, 0])
    assert now is not None

    assert change(now, before, ["a"], ["a"]) == 1
    assert change(now, before, ["a"], ["a", "b"]) is None
    assert change(now, None, ["a"], ["a"]) is None


def test_perception_gap_is_the_leads_mean_minus_the_shown_level() -> None:
    found = level_of([0, 4, 0, 0, 0])
    assert found is not None

    assert perception_gap([{"clarity": 5}, {"clarity": 4}], [found]) == {"clarity": 2.5}
    assert perception_gap([{"clarity": None}], [found]) == {}


def test_levels_are_described_in_words() -> None:
    found = level_of([0, 0, 0, 4, 0])
    assert found is not None

    assert found.words == "Mostly clear (4 of 5)"
    assert level_words("clarity", 3.5) == "More than half clear"
    assert level_words("ego", 5) == "Room for mistakes"


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        ([3, 1, 0, 0, 0], 1.5),  # 1.25: an exact quarter rounds up
        ([1, 3, 0, 0, 0], 2.0),  # 1.75
        ([0, 3, 1, 0, 0], 2.5),  # 2.25
        ([0, 0, 0, 3, 1], 4.5),  # 4.25
        ([0, 0, 0, 1, 3], 5.0),  # 4.75
        ([4, 1, 0, 0, 0], 1.0),  # 1.2
        ([0, 0, 0, 1, 4], 5.0),  # 4.8
        ([0, 0, 3, 2, 0], 3.5),  # 3.4
        ([5, 0, 0, 0, 0], 1.0),
    ],
)
def test_level_rounds_to_the_nearest_half_and_up_at_the_midpoint(
    counts: list[int], level: float
) -> None:
    found = level_of(counts)
    assert found is not None
    assert found.level == level


@pytest.mark.parametrize(
    ("counts", "high"), [([1, 1, 2, 1, 2], 3), ([0, 0, 7, 0, 0], 0), ([0, 0, 0, 0, 4], 4)]
)
def test_share_below_eight_answers_counts_fours_and_fives(counts: list[int], high: int) -> None:
    found = level_of(counts)
    assert found is not None
    assert (found.high_count, found.bands) == (high, None)


@pytest.mark.parametrize(
    ("counts", "bands"),
    [
        ([1, 1, 2, 2, 2], [(1, 2, 2), (3, 3, 2), (4, 5, 4)]),
        ([0, 0, 4, 2, 2], [(1, 2, 0), (3, 3, 4), (4, 5, 4)]),
        ([1, 0, 3, 2, 2], [(1, 3, 4), (4, 5, 4)]),  # the lowest merges upwards
        ([2, 2, 1, 2, 1], [(1, 3, 5), (4, 5, 3)]),  # the middle one merges downwards
        ([2, 2, 3, 1, 0], [(1, 2, 4), (3, 5, 4)]),
        ([0, 0, 1, 4, 3], [(1, 5, 8)]),  # merged with an empty band it is still a single answer
    ],
)
def test_band_with_one_answer_is_merged_with_its_neighbour(
    counts: list[int], bands: list[tuple[int, int, int]]
) -> None:
    found = level_of(counts)
    assert found is not None
    assert found.bands is not None
    assert [(band.first, band.last, band.answers) for band in found.bands] == bands


def test_change_is_positive_for_a_rise_and_negative_for_a_fall() -> None:
    low, high = level_of([4, 0, 0, 0, 0]), level_of([0, 0, 0, 0, 4])
    assert low is not None
    assert high is not None
    assert change(low, high, ["a"], ["a"]) == -4.0
    assert change(high, low, ["a", "b"], ["c", "d"]) == 4.0
    assert change(high, low, ["a", "b"], ["a", "b", "c"]) is None


@pytest.mark.parametrize("key", sorted(WORDS))
def test_each_half_level_has_its_own_words(key: str) -> None:
    words = [level_words(key, half / 2) for half in range(2, 11)]

    assert words == list(WORDS[key])
    assert len(set(words)) == 9
