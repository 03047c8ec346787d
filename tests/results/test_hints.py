"""Hints for leads: drawn from the shown figures only, each with one thing to try."""

import pytest

from bot.results.hints import ADVICE, NAMES, Occasion, hints

QUESTIONS = ("clarity", "trust", "ego")


@pytest.mark.parametrize("key", QUESTIONS)
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
def test_low_level_of_any_question_gives_a_hint_that_depends_on_the_phase_length(
    key: str, levels: list[float | None], weeks: float, is_given: bool
) -> None:
    found = hints({key: levels}, {}, {}, weeks)

    assert [hint.key for hint in found] == ([key] if is_given else [])


@pytest.mark.parametrize("key", QUESTIONS)
@pytest.mark.parametrize(
    ("change", "is_given"), [(-1.0, True), (-2.5, True), (-0.5, False), (2.0, False)]
)
def test_fall_of_one_or_more_gives_a_hint(key: str, change: float, is_given: bool) -> None:
    found = hints({key: [4.5, 3.5]}, {key: change}, {}, 2)

    assert [hint.key for hint in found] == ([key] if is_given else [])
    assert all(f"fell by {-change:g}, to 3.5 of 5" in hint.text for hint in found)


@pytest.mark.parametrize(
    ("gap", "begins"),
    [
        (1.5, "Clarity: you rate it higher than your team does (4.5, 3). What is plain to you"),
        (2.0, "Clarity: you rate it higher than your team does (5, 3). What is plain to you"),
        (-1.5, "Clarity: you rate it lower than your team does (1.5, 3). What feels open to you"),
        (1.0, ""),
        (1.4, ""),
        (-1.0, ""),
        (-1.4, ""),
    ],
)
def test_gap_of_one_and_a_half_levels_or_more_gives_a_hint(gap: float, begins: str) -> None:
    found = hints({"clarity": [3.0]}, {}, {"clarity": gap}, 2)

    assert bool(found) == bool(begins)
    assert all(hint.text.startswith(begins) for hint in found)


def test_low_level_hint_says_twice_in_a_row_only_in_long_phases() -> None:
    (in_short_phase,) = hints({"ego": [2.5]}, {}, {}, 3)
    (in_long_phase,) = hints({"ego": [2.5, 2.0]}, {}, {}, 4)

    assert in_short_phase.text == (
        "Room for mistakes is low (2.5 of 5). People may fear what a slip costs right now. "
        "Try this: tell one mistake of your own this week, and what you changed."
    )
    assert in_long_phase.text.startswith("Room for mistakes has been low twice in a row (2 of 5")


def test_every_hint_has_an_observation_a_meaning_and_one_thing_to_try() -> None:
    low: dict[str, list[float | None]] = {key: [2.0, 2.0] for key in QUESTIONS}
    falls, higher = dict.fromkeys(QUESTIONS, -2.0), dict.fromkeys(QUESTIONS, 2.0)
    lower = dict.fromkeys(QUESTIONS, -2.0)
    found = [
        *hints(low, falls, higher, 2),
        *hints(low, {}, {}, 5),
        *hints({key: [4.0] for key in QUESTIONS}, {}, lower, 2),
    ]

    assert len(found) == len(Occasion) * len(QUESTIONS)
    assert len({hint.text for hint in found}) == len(found)
    for hint in found:
        assert hint.text.startswith(NAMES[hint.key])
        assert hint.text.count(". Try this: ") == 1
    assert set(ADVICE) == set(Occasion)
