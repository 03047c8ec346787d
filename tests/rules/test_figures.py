"""What is shown of a closed round never shows a person."""

from hypothesis import given
from hypothesis import strategies as st

from bot.results.figures import Figure, change, comparable, figure, level_words, perception_gap

COUNTS = st.lists(st.integers(0, 12), min_size=5, max_size=5)


def shown(counts: list[int], minimum: int = 4) -> Figure | None:
    return figure("clarity", counts, minimum)


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
