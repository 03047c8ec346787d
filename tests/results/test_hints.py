"""Hints for leads: drawn from the shown figures only, each with one thing to try."""

import pytest

from bot.results.hints import hints


@pytest.mark.parametrize(
    ("levels", "weeks", "is_given"),
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
def test_low_clarity_hint_depends_on_levels_and_phase_length(
    levels: list[float | None], weeks: int, is_given: bool
) -> None:
    found = hints(levels, {}, {}, weeks)

    assert bool(found) == is_given


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
def test_gap_of_one_and_a_half_levels_or_more_gives_a_hint(gap: float, begins: str) -> None:
    found = hints([], {"clarity": 3.0}, {"clarity": gap}, 2)

    assert bool(found) == bool(begins)
    assert all(hint.text.startswith(begins) for hint in found)


def test_low_clarity_hint_mentions_two_rounds_only_in_long_phases() -> None:
    (in_short_phase,) = hints([2.5], {}, {}, 3)
    (in_long_phase,) = hints([2.5, 2.0], {}, {}, 4)

    assert in_short_phase.text.startswith("Low on Clear and doable (2.5 of 5)")
    assert in_long_phase.text.startswith("Two rounds low")


def test_gap_hints_are_given_per_question() -> None:
    found = hints([], {"trust": 2.0, "ego": 4.5}, {"trust": 2.0, "ego": -2.0, "clarity": 0.5}, 2)

    assert [(hint.key, hint.text[:28]) for hint in found] == [
        ("trust", "You see more trust than the "),
        ("ego", "The team sees more room for "),
    ]
