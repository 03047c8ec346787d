"""The child process that draws: chart data as JSON on standard input, PNG on standard output.

The chart has its own background, so it is legible in light and dark mode; it is as wide as a phone
shows it, at three times the density; and no meaning is in a colour alone.
"""

import json
import sys
from io import BytesIO
from textwrap import shorten
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

matplotlib.use("Agg")

WIDTH, ROW_HEIGHT = 3.6, 1.25  # inches; at 300 dots an inch 1,080 pixels wide
DOTS_PER_INCH = 300
PAPER, INK, QUIET, RULE = "#FFFFFF", "#1D1C1D", "#616061", "#DDDDDD"
COLOURS = ("#1264A3", "#007A5A", "#8C3A9E")
LONGEST_LABEL = 42
MAX_NAMED_ROUNDS = 6  # up to this many rounds are each named on the axis


def draw(facts: dict[str, Any]) -> bytes:
    """Return the chart: a row per question, its levels over the rounds, the newest written out."""
    lines = facts["lines"]
    canvas = Canvas(figsize=(WIDTH, ROW_HEIGHT * len(lines) + 0.2), dpi=DOTS_PER_INCH)
    canvas.set_facecolor(PAPER)
    for index, line in enumerate(lines):
        axes = canvas.add_subplot(len(lines), 1, index + 1)
        _draw_row(axes, line, COLOURS[index % len(COLOURS)])
        _label_rounds(axes, facts["rounds"], named=index == len(lines) - 1)
    canvas.subplots_adjust(left=0.06, right=0.86, top=0.93, bottom=0.11, hspace=0.55)
    png = BytesIO()
    canvas.savefig(png, format="png", facecolor=PAPER)
    return png.getvalue()


def _draw_row(axes: Axes, line: dict[str, Any], colour: str) -> None:
    shown = [(index, level) for index, level in enumerate(line["levels"]) if level is not None]
    label = shorten(line["label"], LONGEST_LABEL, placeholder="…")
    axes.set_title(label, loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_ylim(0.6, 5.4)
    axes.set_yticks([1, 3, 5])
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.tick_params(axis="both", labelsize=8.5, colors=QUIET, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    if not shown:
        axes.text(0, 3, "Not enough answers", fontsize=8, color=QUIET, va="center")
        return
    indices, levels = zip(*shown, strict=True)
    axes.plot(indices, levels, color=colour, linewidth=2, marker="o", markersize=5)
    axes.annotate(
        f"{levels[-1]:g}",
        (indices[-1], levels[-1]),
        xytext=(9, 0),
        textcoords="offset points",
        fontsize=13,
        fontweight="bold",
        color=INK,
        va="center",
        annotation_clip=False,
    )


def _label_rounds(axes: Axes, names: list[str], *, named: bool) -> None:
    last = max(len(names) - 1, 1)
    axes.set_xlim(-0.12 * last, last * 1.02)
    axes.set_xticks(range(len(names)))
    few = len(names) <= MAX_NAMED_ROUNDS
    ends = (0, len(names) - 1)
    texts = [name if few or index in ends else "" for index, name in enumerate(names)]
    axes.set_xticklabels(texts if named else [""] * len(names))


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
