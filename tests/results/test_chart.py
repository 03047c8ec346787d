"""The chart as it is drawn: its size, its kind, its words, and its one style."""

import json
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib import rc_params_from_file, rcParams
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text

from bot.results import chart_process
from bot.results.chart import CHART_SCRIPT

FIRST = {"name": "First", "day": 1}
AFTER: dict[str, Any] = {"name": "2 wk after", "day": 25}


def facts(rounds: list[dict[str, Any]], *levels: list[float | None]) -> dict[str, Any]:
    labels = ("Clear and doable", "Trust under pressure", "Room for mistakes")
    lines = [
        {"label": label, "levels": shown} for label, shown in zip(labels, levels, strict=False)
    ]
    return {"rounds": rounds, "lines": lines, "start": "23 Nov", "end": "4 Dec", "days": 11}


def weeks(count: int) -> list[dict[str, Any]]:
    return [FIRST, *({"name": f"Week {n}", "day": 7 * n - 6} for n in range(2, count + 1))]


def drawn(monkeypatch: pytest.MonkeyPatch, shown: dict[str, Any]) -> Figure:
    """Draw, and return the figure instead of the picture."""
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    chart_process.draw(shown)
    return figures[0]


def words(figure: Figure) -> list[str]:
    figure.canvas.draw_idle()
    found = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    return [text.get_text() for text in found]


def test_picture_is_wide_enough_for_a_phone_and_has_its_own_background() -> None:
    png = chart_process.draw(facts(weeks(2), [3.0, 4.0], [3.0, 4.0], [None, 2.5]))

    assert png.startswith(b"\x89PNG")
    width, _ = struct.unpack(">II", png[16:24])
    assert width == 1_080
    assert rc_params_from_file(chart_process.STYLE)["figure.facecolor"] == "#FFFFFF"


def test_style_sheet_alone_sets_the_look_and_only_while_drawing() -> None:
    before = dict(rcParams)
    chart_process.draw(facts([FIRST], [3.0]))

    assert dict(rcParams) == before


def test_first_round_is_bars_on_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn(monkeypatch, facts([FIRST], [3.5], [1.0], [None]))

    widths = [
        [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
        for axes in figure.axes
    ]
    assert widths[0] == [4, 2.5]
    assert 0 < widths[1][1] < 0.5  # the lowest level is seen
    assert widths[2] == [4]  # the scale alone
    assert {"3.5", "1", "Too few answers", "Clear and doable"} <= set(words(figure))


def test_later_rounds_are_lines_with_every_level_and_missing_round_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figure = drawn(monkeypatch, facts([*weeks(3)], [3.5, None, 4.0], [2.0, None, 5.0]))
    texts = words(figure)

    assert texts.count("too few") == 2
    assert {"3.5", "4", "2", "5", "Start 23 Nov", "End 4 Dec", "First", "Week 3"} <= set(texts)


def test_long_phase_names_its_first_and_newest_levels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[float | None] = [3.0, None, None, *[4.0] * 8, 4.5]
    figure = drawn(monkeypatch, facts(weeks(12), levels))
    numbers = [
        note.get_text()
        for note in figure.axes[0].texts
        if isinstance(note, Annotation) and note.get_text()[0].isdigit()
    ]

    assert numbers == ["3", "4.5"]
    assert words(figure).count("too few") == 1
    assert "Week 12" in words(figure)


def test_start_and_end_of_the_phase_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn(monkeypatch, facts([FIRST, AFTER], [3.0, 4.0]))
    (axes,) = figure.axes
    across = [line.get_xydata() for line in axes.lines]
    marks = [points[0, 0] for points in map(np.asarray, across) if list(points[:, 1]) == [0, 1]]

    assert marks == [0, 11]
    assert axes.get_xlim()[1] > AFTER["day"]


@pytest.mark.parametrize(
    "levels", [[None], [None, None], [None, 3.0], [5.0, None], [1.0, 1.0]], ids=str
)
def test_any_pattern_of_levels_can_be_drawn(levels: list[float | None]) -> None:
    assert chart_process.draw(facts(weeks(len(levels)), levels, levels, levels))


def test_script_draws_the_facts_on_its_standard_input() -> None:
    command = [sys.executable, str(CHART_SCRIPT)]
    given = json.dumps(facts([FIRST], [3.5], [4.0], [2.0])).encode()

    assert subprocess.check_output(command, input=given).startswith(b"\x89PNG")
