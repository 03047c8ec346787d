"""The lead is told what the shown figures say, with one thing to try, and nothing finer."""

import pytest

from bot.results.signals import signals


@pytest.mark.parametrize(
    ("levels", "weeks", "told"),
    [
        ([2.5], 2, True),
        ([3.0], 2, False),
        ([2.5], 5, False),
        ([2.5, 2.0], 5, True),
        ([2.0, None], 5, False),
        ([None], 2, False),
        ([], 2, False),
    ],
)
def test_low_clarity(levels: list[float | None], weeks: int, told: bool) -> None:
    found = signals(levels, {}, {}, weeks)

    assert bool(found) == told


@pytest.mark.parametrize(
    ("gap", "begins"),
    [(1.5, "You see it clearer than"), (-1.5, "The team sees it clearer"), (1.0, "")],
)
def test_a_wide_gap(gap: float, begins: str) -> None:
    found = signals([], {"clarity": 3.0}, {"clarity": gap}, 2)

    assert bool(found) == bool(begins)
    assert all(signal.text.startswith(begins) for signal in found)
