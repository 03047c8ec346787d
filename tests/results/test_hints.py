"""The lead is told what the shown figures say, with one thing to try, and nothing finer."""

import pytest

from bot.results.hints import hints


@pytest.mark.parametrize(
    ("levels", "weeks", "told"),
    [
        ([2.5], 2, True),
        ([3.0], 2, False),
        ([2.5], 5, False),
        ([2.5, 2.0], 5, True),
        ([2.5, 2.5], 5, True),
        ([2.5], 3, True),
        ([2.5, 2.5], 22 / 7, True),
        ([3.0, 2.5], 22 / 7, False),
        ([2.5, 3.0], 2, False),
        ([2.0, 2.0, 3.0], 5, False),
        ([3.0, 2.0, 2.5], 5, True),
        ([2.0, None], 5, False),
        ([None], 2, False),
        ([], 2, False),
    ],
)
def test_low_clarity(levels: list[float | None], weeks: int, told: bool) -> None:
    found = hints(levels, {}, {}, weeks)

    assert bool(found) == told


@pytest.mark.parametrize(
    ("gap", "begins"),
    [
        (1.5, "You see it clearer than the team does (4.5 against 3)"),
        (2.0, "You see it clearer than the team does (5 against 3)"),
        (-1.5, "The team sees it clearer than you do (3 against 1.5)"),
        (1.0, ""),
        (1.4, ""),
        (-1.0, ""),
        (-1.4, ""),
    ],
)
def test_a_wide_gap(gap: float, begins: str) -> None:
    found = hints([], {"clarity": 3.0}, {"clarity": gap}, 2)

    assert bool(found) == bool(begins)
    assert all(signal.text.startswith(begins) for signal in found)


def test_a_short_phase_says_one_round_and_a_long_one_two() -> None:
    (one,) = hints([2.5], {}, {}, 3)
    (two,) = hints([2.5, 2.0], {}, {}, 4)

    assert one.text.startswith("Low on Clear and doable (2.5 of 5)")
    assert two.text.startswith("Two rounds low")


def test_each_question_has_its_own_gap() -> None:
    found = hints([], {"trust": 2.0, "ego": 4.5}, {"trust": 2.0, "ego": -2.0, "clarity": 0.5}, 2)

    assert [(one.key, one.text[:28]) for one in found] == [
        ("trust", "You see more trust than the "),
        ("ego", "The team sees more room for "),
    ]
