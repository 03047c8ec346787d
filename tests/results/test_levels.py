"""The figures of a closed round have one shape, whatever the answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.phases.privacy import Rounding
from bot.results.levels import (
    Participation,
    QuestionFigures,
    Share,
    change,
    participation,
    perception_gap,
    question_figures,
)

COUNTS = st.lists(st.integers(0, 12), min_size=5, max_size=5)


def level_of(
    counts: list[int], minimum: int = 4, rounding: Rounding = Rounding.HALF
) -> QuestionFigures | None:
    return question_figures("clarity", counts, minimum, rounding)


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


@given(COUNTS, st.sampled_from(Rounding))
def test_phrase_is_shown_from_eight_answers_unless_levels_are_whole(
    counts: list[int], rounding: Rounding
) -> None:
    found = level_of(counts, rounding=rounding)
    if found is None:
        return
    assert (found.share is not None) == (sum(counts) >= 8 and rounding is Rounding.HALF)


@given(COUNTS)
def test_whole_level_is_the_mean_rounded_to_a_whole_number(counts: list[int]) -> None:
    found = level_of(counts, rounding=Rounding.WHOLE)
    if found is None:
        return
    mean = sum(level * count for level, count in enumerate(counts, start=1)) / sum(counts)
    assert found.level.is_integer()
    assert abs(found.level - mean) <= 0.5
    assert 1 <= found.level <= 5


def test_change_is_shown_from_eight_answers() -> None:
    few, many, before = (level_of([0, 0, 0, n, 0]) for n in (7, 8, 4))
    assert few is not None
    assert many is not None

    assert change(few, before) is None
    assert change(many, before) == 0
    assert change(many, None) is None


def test_perception_gap_is_the_leads_mean_minus_the_shown_level() -> None:
    found = level_of([0, 4, 0, 0, 0])
    assert found is not None

    assert perception_gap([{"clarity": 5}, {"clarity": 4}], [found]) == {"clarity": 2.5}
    assert perception_gap([{"clarity": None}], [found]) == {}


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
    ("counts", "share"),
    [
        ([0, 0, 2, 8, 0], Share.NEARLY_ALL),
        ([0, 0, 3, 7, 0], Share.MOST),
        ([4, 0, 0, 0, 6], Share.MOST),
        ([0, 5, 0, 0, 5], Share.ABOUT_HALF),
        ([0, 6, 0, 4, 0], Share.ABOUT_HALF),
        ([0, 7, 0, 3, 0], Share.SOME),
        ([8, 0, 0, 0, 2], Share.SOME),
        ([9, 0, 0, 1, 0], Share.FEW),
        ([0, 0, 10, 0, 0], Share.FEW),
    ],
)
def test_share_of_fours_and_fives_is_one_of_five_phrases(counts: list[int], share: Share) -> None:
    found = level_of(counts)
    assert found is not None
    assert found.share is share


@pytest.mark.parametrize(
    ("answered", "asked", "word"),
    [
        (7, 7, None),
        (8, 8, Participation.MOST),
        (9, 15, Participation.MOST),
        (8, 14, Participation.ABOUT_HALF),
        (8, 20, Participation.ABOUT_HALF),
        (8, 21, Participation.FEWER),
    ],
)
def test_participation_is_a_word_from_eight_answers(
    answered: int, asked: int, word: Participation | None
) -> None:
    assert participation(answered, asked, Rounding.HALF) is word
    assert participation(answered, asked, Rounding.WHOLE) is None


def test_change_is_positive_for_a_rise_and_negative_for_a_fall() -> None:
    low, high = level_of([8, 0, 0, 0, 0]), level_of([0, 0, 0, 0, 8])
    assert low is not None
    assert high is not None
    assert change(low, high) == -4.0
    assert change(high, low) == 4.0
