"""The child process that draws: chart data as JSON on standard input, PNG on standard output.

A phase is bars on the scale for a single round, lines from the second on; a channel's history is
lines over its shaded phases. Everything is named where it stands, and no meaning is in a colour
alone. How it all looks is in `chart.mplstyle`.
"""

import json
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from textwrap import shorten
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

matplotlib.use("Agg")

STYLE = Path(__file__).with_name("chart.mplstyle")
WIDTH = 3.6  # inches: 1,080 pixels
BAR_ROW, LINE_ROW = 0.72, 1.2
BAR_FOOT, LINE_FOOT, HEAD = 0.32, 0.62, 0.34  # inches below and above the rows
LOWEST, HIGHEST = 1, 5
LONGEST_LABEL = 42
#: Up to this many rounds, each level is written at its place; else the first and the newest.
MOST_LEVELS_WRITTEN = 6
#: Shortest distance of two names on the time axis, as a share of it.
NAME_APART = 0.19
TRACK, PHASE, QUIET = "#E8E8E8", "#F3F3F3", "#545454"
START, END = "Start {day}", "End {day}"
#: Each kind of days in a history has a pattern of its own.
SHADES: dict[str, dict[str, Any]] = {
    "results_sprint": {"facecolor": "#DCDCDC", "edgecolor": "#DCDCDC"},
    "trust_building": {"facecolor": "#F3F3F3", "edgecolor": "#DADADA", "hatch": ".."},
    "recovery": {"facecolor": "#FFFFFF", "edgecolor": "#D8D8D8", "hatch": "////"},
}
PHASES = ("results_sprint", "trust_building")
HISTORY_FOOT = 0.84
TOO_FEW_MARK: dict[str, Any] = {"color": QUIET, "markerfacecolor": "white", "markersize": 3.5}
TOO_FEW, TOO_FEW_SHORT = "Too few answers", "too few"


def draw(facts: dict[str, Any]) -> bytes:
    """Return the chart as PNG, a row for each question."""
    with matplotlib.style.context(STYLE):
        if "spans" in facts:
            figure = _history(facts)
        else:
            figure = _bars(facts) if len(facts["rounds"]) == 1 else _lines(facts)
        png = BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _rows(lines: list[dict[str, Any]], row: float, foot: float) -> tuple[Figure, list[Axes]]:
    count = len(lines)
    height = row * count + foot + HEAD
    figure = Figure(figsize=(WIDTH, height))
    axes = [figure.add_subplot(count, 1, number) for number in range(1, count + 1)]
    top, bottom = 1 - HEAD / height, foot / height
    figure.subplots_adjust(
        left=0.055, right=0.86, top=top, bottom=bottom, hspace=0.34 / (row - 0.34)
    )
    for line, each in zip(lines, axes, strict=True):
        each.set_title(shorten(line["label"], LONGEST_LABEL, placeholder="…"))
    return figure, axes


def _bars(facts: dict[str, Any]) -> Figure:
    figure, rows = _rows(facts["lines"], BAR_ROW, BAR_FOOT)
    for number, (line, axes) in enumerate(zip(facts["lines"], rows, strict=True)):
        level = line["levels"][0]
        axes.set_xlim(LOWEST, HIGHEST)
        axes.set_ylim(-0.5, 0.5)
        axes.set_yticks([])
        axes.barh(0, HIGHEST - LOWEST, left=LOWEST, height=0.9, color=TRACK)
        axes.set_xticks(range(LOWEST, HIGHEST + 1))
        axes.grid(axis="x", color="white")
        axes.set_axisbelow(False)
        if number < len(rows) - 1:
            axes.tick_params(labelbottom=False)
        if level is None:
            axes.text(LOWEST + 0.1, 0, TOO_FEW, color=QUIET, va="center_baseline")
            continue
        # The lowest level is a thin bar: none at all would look as if nothing were known.
        axes.barh(0, max(level - LOWEST, 0.05), left=LOWEST, height=0.9, color=f"C{number}")
        _write_level(axes, (HIGHEST, 0), level)
    return figure


def _lines(facts: dict[str, Any]) -> Figure:
    figure, rows = _rows(facts["lines"], LINE_ROW, LINE_FOOT)
    days = [shown["day"] for shown in facts["rounds"]]
    last = max(facts["days"], days[-1], 1)
    for number, (line, axes) in enumerate(zip(facts["lines"], rows, strict=True)):
        axes.set_xlim(-0.07 * last, 1.02 * last)
        _mark_levels(axes)
        axes.axvspan(0, facts["days"], color=PHASE, zorder=0)
        for edge in (0, facts["days"]):
            axes.axvline(edge, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)), marker="")
        axes.set_xticks(days, _names(facts["rounds"], last))
        if number < len(rows) - 1:
            axes.tick_params(labelbottom=False)
        _draw_path(axes, days, line["levels"], f"C{number}")
    _mark_phase(rows[-1], facts, last)
    return figure


def _mark_levels(axes: Axes) -> None:
    axes.set_ylim(0.6, 5.4)
    axes.set_yticks([1, 3, 5])
    axes.grid(visible=False, axis="x")


def _history(facts: dict[str, Any]) -> Figure:
    """Draw every question over the days of all phases, a path for each phase."""
    spans = facts["spans"]
    figure, rows = _rows(facts["rows"], LINE_ROW, HISTORY_FOOT)
    days = [level["day"] for line in facts["rows"] for path in line["paths"] for level in path]
    last = max([span["last"] for span in spans] + days + [1])
    begins = [
        {"name": span["label"], "day": span["first"]} for span in spans if span["kind"] in PHASES
    ]
    newest = max(days)
    for number, (line, axes) in enumerate(zip(facts["rows"], rows, strict=True)):
        axes.set_xlim(-0.02 * last, 1.02 * last)
        _mark_levels(axes)
        for span in spans:
            axes.axvspan(
                span["first"], span["last"] + 1, linewidth=0, zorder=0, **SHADES[span["kind"]]
            )
        axes.set_xticks([each["day"] for each in begins], _names(begins, last), ha="left")
        if number < len(rows) - 1:
            axes.tick_params(labelbottom=False)
        for path in line["paths"]:
            _draw_path_of_phase(axes, path, f"C{number}", is_newest=path[-1]["day"] == newest)
    _explain_patterns(figure, facts)
    return figure


def _explain_patterns(figure: Figure, facts: dict[str, Any]) -> None:
    names = {span["kind"]: span["name"] for span in facts["spans"]}
    patterns: list[Artist] = [
        Patch(label=name, linewidth=0, **SHADES[kind]) for kind, name in names.items()
    ]
    paths = [path for line in facts["rows"] for path in line["paths"]]
    if any(level["level"] is None for path in paths for level in path):
        patterns.append(Line2D([], [], label=TOO_FEW, linestyle="", **TOO_FEW_MARK))
    figure.legend(handles=patterns, loc="lower left", ncol=2, frameon=False, fontsize=9)


def _draw_path_of_phase(
    axes: Axes, path: list[dict[str, Any]], colour: str, *, is_newest: bool
) -> None:
    """Draw a phase's levels; the newest of all is written, the others are in the alt text."""
    shown = [(level["day"], level["level"]) for level in path if level["level"] is not None]
    for level in path:
        if level["level"] is None:
            axes.plot([level["day"]], [LOWEST], **TOO_FEW_MARK)
    if shown:
        axes.plot(
            [day for day, _ in shown], [level for _, level in shown], color=colour, markersize=3.5
        )
    if shown and is_newest:
        _write_level(axes, shown[-1], shown[-1][1])


def _draw_path(axes: Axes, days: list[int], levels: list[float | None], colour: str) -> None:
    """Draw a line through the shown levels, broken and named where a round shows none."""
    shown = [(day, level) for day, level in zip(days, levels, strict=True) if level is not None]
    missing = [day for day, level in zip(days, levels, strict=True) if level is None]
    for (day, level), (next_day, next_level) in pairwise(shown):
        is_broken = any(day < gap < next_day for gap in missing)
        style = (0, (1, 2)) if is_broken else "-"
        axes.plot([day, next_day], [level, next_level], color=colour, linestyle=style, marker="")
    axes.plot([day for day, _ in shown], [level for _, level in shown], color=colour, linestyle="")
    for day in missing:
        axes.plot([day], [LOWEST], color=QUIET, markerfacecolor="white", markersize=4.5)
    named = missing if len(days) <= MOST_LEVELS_WRITTEN else missing[:1]
    for day in named:
        side = "left" if day == days[0] else "right" if day == days[-1] else "center"
        axes.annotate(
            TOO_FEW_SHORT,
            (day, LOWEST),
            xytext=(0, 5),
            textcoords="offset points",
            ha=side,
            color=QUIET,
            bbox={"facecolor": PHASE, "edgecolor": "none", "pad": 0.5},
        )
    are_few = len(days) <= MOST_LEVELS_WRITTEN
    for day, level in shown[:-1] if are_few else shown[:1]:
        axes.annotate(
            f"{level:g}",
            (day, level),
            xytext=(0, 5 if level < HIGHEST else -12),
            textcoords="offset points",
            ha="center",
            path_effects=[withStroke(linewidth=2.5, foreground=PHASE)],
        )
    for day, level in shown[-1:]:
        _write_level(axes, (day, level), level)


def _write_level(axes: Axes, place: tuple[float, float], level: float) -> None:
    """Write the newest level, large, to the right of its place."""
    axes.annotate(
        f"{level:g}",
        place,
        xytext=(7, 0),
        textcoords="offset points",
        fontsize=13,
        fontweight="bold",
        va="center_baseline",
        annotation_clip=False,
    )


def _names(rounds: list[dict[str, Any]], last: int) -> list[str]:
    """Return the rounds' names, empty where there is no room; the newest is always named."""
    named: list[str] = []
    at = float("inf")
    for shown in reversed(rounds):
        has_room = (at - shown["day"]) / last >= NAME_APART
        named.append(shown["name"] if has_room else "")
        at = shown["day"] if has_room else at
    return named[::-1]


def _mark_phase(axes: Axes, facts: dict[str, Any], last: int) -> None:
    """Write the phase's first and last day below the axis."""
    side = "right" if facts["days"] > 0.75 * last else "left"
    marks = (
        (0, START.format(day=facts["start"]), "left"),
        (facts["days"], END.format(day=facts["end"]), side),
    )
    for day, text, alignment in marks:
        axes.annotate(
            text,
            (day, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -21),
            textcoords="offset points",
            ha=alignment,
            va="top",
        )


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
