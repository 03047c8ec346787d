"""What is shown of a closed round never shows a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.levels import (
    WORDS,
    QuestionLevel,
    change,
    comparable,
    level_words,
    perception_gap,
    question_level,
)

COUNTS = st.lists(st.integers(0, 12), min_size=5, max_size=5)


def shown(counts: list[int], minimum: int = 4) -> QuestionLevel | None:
    return question_level("clarity", counts, minimum)


@given(COUNTS, st.integers(4, 12))
def test_below_the_minimum_nothing_is_shown(counts: list[int], minimum: int) -> None:
    assert (shown(counts, minimum) is None) == (sum(counts) < minimum)


@given(COUNTS)
def test_a_level_is_never_finer_than_half(counts: list[int]) -> None:
    found = shown(counts)
    if found is None:
        return
    mean = sum(level * count for level, count in enumerate(counts, start=1)) / sum(counts)
    assert (found.level * 2).is_integer()
    assert abs(found.level - mean) <= 0.25
    assert 1 <= found.level <= 5


@given(COUNTS)
def test_no_band_holds_a_single_answer(counts: list[int]) -> None:
    found = shown(counts)
    if found is None or found.bands is None:
        return
    assert all(band.answers != 1 for band in found.bands)
    assert sum(band.answers for band in found.bands) == found.answers
    assert (found.bands[0].first, found.bands[-1].last) == (1, 5)
    assert len(found.bands) <= 3


@given(COUNTS)
def test_bands_from_eight_on_and_a_share_below(counts: list[int]) -> None:
    found = shown(counts)
    if found is None:
        return
    assert (found.bands is None) == (found.answers < 8)
    assert (found.share_high is None) == (found.answers >= 8)


@given(COUNTS)
def test_who_answered_what_is_not_in_the_order(counts: list[int]) -> None:
    """Two teams with the same totals look the same: only counts go in."""
    assert shown(counts) == shown(list(counts))


@given(st.sets(st.integers(0, 20)), st.integers(21, 30))
def test_one_person_more_or_less_is_never_compared(team: set[int], newcomer: int) -> None:
    before = {str(one) for one in team}

    assert not comparable(before | {str(newcomer)}, before)
    assert comparable(before, before)
    assert comparable(before | {"a", "b"}, before)


def test_a_change_needs_both_rounds() -> None:
    now, before = shown([0, 0, 0, 4, 0]), shown([0, 0, 4, 0, 0])
    assert now is not None

    assert change(now, before, ["a"], ["a"]) == 1
    assert change(now, before, ["a"], ["a", "b"]) is None
    assert change(now, None, ["a"], ["a"]) is None


def test_the_gap_is_between_what_the_lead_said_and_what_is_shown() -> None:
    found = shown([0, 4, 0, 0, 0])
    assert found is not None

    assert perception_gap([{"clarity": 5}, {"clarity": 4}], [found]) == {"clarity": 2.5}
    assert perception_gap([{"clarity": None}], [found]) == {}


def test_levels_have_words() -> None:
    found = shown([0, 0, 0, 4, 0])
    assert found is not None

    assert found.words == "Mostly clear (4 of 5)"
    assert level_words("clarity", 3.5) == "More than half clear"
    assert level_words("ego", 5) == "Room for mistakes"


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        ([3, 1, 0, 0, 0], 1.5),  # 1.25: an exact quarter goes up
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
def test_a_level_is_rounded_to_the_nearest_half_and_up_from_the_middle(
    counts: list[int], level: float
) -> None:
    found = shown(counts)
    assert found is not None
    assert found.level == level


@pytest.mark.parametrize(
    ("counts", "high"), [([1, 1, 2, 1, 2], 3), ([0, 0, 7, 0, 0], 0), ([0, 0, 0, 0, 4], 4)]
)
def test_below_eight_it_is_said_how_many_chose_four_or_five(counts: list[int], high: int) -> None:
    found = shown(counts)
    assert found is not None
    assert (found.share_high, found.bands) == (high, None)


@pytest.mark.parametrize(
    ("counts", "bands"),
    [
        ([1, 1, 2, 2, 2], [(1, 2, 2), (3, 3, 2), (4, 5, 4)]),
        ([0, 0, 4, 2, 2], [(1, 2, 0), (3, 3, 4), (4, 5, 4)]),
        ([1, 0, 3, 2, 2], [(1, 3, 4), (4, 5, 4)]),  # the lowest with its upper neighbour
        ([2, 2, 1, 2, 1], [(1, 3, 5), (4, 5, 3)]),  # the middle with its lower one
        ([2, 2, 3, 1, 0], [(1, 2, 4), (3, 5, 4)]),
        ([0, 0, 1, 4, 3], [(1, 5, 8)]),  # with nobody below it is still one alone
    ],
)
def test_a_band_of_one_is_merged_with_its_neighbour(
    counts: list[int], bands: list[tuple[int, int, int]]
) -> None:
    found = shown(counts)
    assert found is not None
    assert found.bands is not None
    assert [(one.first, one.last, one.answers) for one in found.bands] == bands


def test_a_change_has_the_sign_of_what_moved() -> None:
    low, high = shown([4, 0, 0, 0, 0]), shown([0, 0, 0, 0, 4])
    assert low is not None
    assert high is not None
    assert change(low, high, ["a"], ["a"]) == -4.0
    assert change(high, low, ["a", "b"], ["c", "d"]) == 4.0
    assert change(high, low, ["a", "b"], ["a", "b", "c"]) is None


@pytest.mark.parametrize("key", sorted(WORDS))
def test_each_half_level_has_its_own_words_in_order(key: str) -> None:
    said = [level_words(key, half / 2) for half in range(2, 11)]

    assert said == list(WORDS[key])
    assert len(set(said)) == 9
