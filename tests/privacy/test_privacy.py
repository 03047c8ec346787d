"""What a reader can conclude stays within the goal, and the analysis itself finds what is there."""

import sys

import pytest

from bot.phases.privacy import Rounding
from tests.privacy import checks, inference, table
from tests.privacy.__main__ import main
from tests.privacy.answers import DISTRIBUTIONS, chance, histograms
from tests.privacy.shown import one_round

SIZES = (4, 5, 7, 8, 9)
EACH = pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)


@EACH
def test_all_histograms_together_are_certain(distribution: tuple[float, ...]) -> None:
    assert len(histograms(4)) == 70
    assert sum(chance(answers, distribution) for answers in histograms(6)) == pytest.approx(1)


@EACH
def test_that_exactly_one_person_was_low_is_certain_in_at_most_one_round_in_a_thousand(
    distribution: tuple[float, ...],
) -> None:
    assert all(inference.lone_low(people, distribution).certain <= table.GOAL for people in SIZES)


def test_lone_low_person_is_found_where_seven_fours_and_a_one_are_told_apart() -> None:
    """The rest that remains: the analysis must see it, or it would see nothing."""
    typical = DISTRIBUTIONS["typical"]
    expected = chance((1, 0, 0, 7, 0), typical)

    assert inference.lone_low(8, typical).certain == pytest.approx(expected)


@EACH
def test_joiner_of_a_small_team_and_second_channel_reveal_nothing(
    distribution: tuple[float, ...],
) -> None:
    for people in (4, 7):
        joined = inference.joiner(people, distribution)
        assert (joined.level.certain, joined.low.certain) == (0, 0)
    for people in SIZES:
        assert inference.two_channels(people, distribution).level.certain == 0


@EACH
@pytest.mark.parametrize("people", [6, 8, 9])
def test_leaver_reveals_less_than_somebody_who_is_away(
    people: int, distribution: tuple[float, ...]
) -> None:
    left = inference.leaver(people, distribution).level.certain

    assert left < 0.6 * inference.absentee(people, distribution).level.certain


def test_colluders_know_the_last_answer_where_one_sum_only_gives_the_level() -> None:
    """Three fives and one more: 5 or 4 gives level 5, 3 or 2 gives 4.5, and 1 alone gives 4."""
    fives_and_ones = (0.5, 0.0, 0.0, 0.0, 0.5)
    assert inference.colluders(4, fives_and_ones).level.certain == 1
    assert inference.colluders(4, (0.0, 0.0, 0.0, 0.5, 0.5)).level.certain < 1


def test_below_the_minimum_everything_looks_alike() -> None:
    seen = {one_round(answers, 4) for answers in histograms(3)}

    assert len(seen) == 1
    assert len({one_round(answers, 8, Rounding.WHOLE) for answers in histograms(8)}) == 5


@pytest.mark.parametrize("distribution", checks.DISTRIBUTIONS.values(), ids=checks.DISTRIBUTIONS)
def test_check_never_makes_it_certain_that_exactly_one_person_said_no(
    distribution: tuple[float, ...],
) -> None:
    assert [checks.lone_no(people, distribution).certain for people in table.PEOPLE] == [
        0 for _ in table.PEOPLE
    ]


def test_check_tells_who_was_away_only_where_the_word_changes() -> None:
    """Of four, three remain, which are too few: nothing follows. Of five, the word may change."""
    split = checks.DISTRIBUTIONS["split"]

    assert checks.absentee(4, split).certain == 0
    assert 0 < checks.absentee(5, split).certain < checks.colluders(5, split).certain < 0.5


def test_answers_to_the_check_look_alike_below_the_minimum() -> None:
    assert {checks.shown(answers, 4) for answers in histograms(3, checks.ANSWERS)} == {None}


def test_command_prints_the_tables_and_fails_where_the_goal_is_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["privacy", "--quick"])
    monkeypatch.setattr(table, "GOAL", 0.0001)

    assert main() == 1
    printed = capsys.readouterr().out
    assert printed.count("|      9 |") == len(DISTRIBUTIONS) + len(checks.DISTRIBUTIONS)
    assert "goal 0.01 %: MISSED" in printed
