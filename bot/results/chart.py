"""The chart of a phase's results: its data and alt text here, drawn in a child process.

matplotlib is large and uses much CPU, so it is never loaded into the bot itself.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DRAW_SECONDS = 20.0
LOW_PRIORITY = 10
#: Run as a file: as a module, it would load all of the bot, 50 MB, before it draws.
CHART_SCRIPT = Path(__file__).with_name("chart_process.py")

TOO_FEW = "too few answers"
SCALE = "Levels from 1 to 5, in a phase from {start} to {end}."


class DrawingFailed(Exception):
    """The child process did not draw; the message gives its error output."""


@dataclass(frozen=True, kw_only=True)
class ChartRound:
    """One round on the time axis."""

    name: str  # "First", "Week 2"
    day: int  # days since the phase's start


@dataclass(frozen=True, kw_only=True)
class Line:
    """One question's levels over the rounds; None where a round may not be shown."""

    label: str
    levels: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class ChartFacts:
    """The data of the chart: the same rounds for every line, oldest first."""

    rounds: tuple[ChartRound, ...]
    lines: tuple[Line, ...]
    start: str  # the phase's first day in words, "23 Nov"
    end: str  # the day on which it ends or ended
    days: int  # from the start to the end

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def alt_text(facts: ChartFacts) -> str:
    """Return the chart in words: each question's levels, round by round."""
    names = [shown.name for shown in facts.rounds]
    scale = SCALE.format(start=facts.start, end=facts.end)
    return " ".join([scale, *(_levels_in_words(line, names) for line in facts.lines)])


def _levels_in_words(line: Line, rounds: Sequence[str]) -> str:
    path = ", ".join(
        f"{name} {TOO_FEW if level is None else f'{level:g}'}"
        for name, level in zip(rounds, line.levels, strict=True)
    )
    return f"{line.label}: {path}."


async def draw_in_child(facts: dict[str, Any]) -> bytes:
    """Return the chart of `ChartFacts.as_json()` as PNG.

    Raises:
        DrawingFailed: it took over 20 s, or matplotlib failed.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHART_SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    with suppress(OSError):  # a chart can wait, people cannot
        os.setpriority(os.PRIO_PROCESS, child.pid, LOW_PRIORITY)
    try:
        async with asyncio.timeout(DRAW_SECONDS):
            png, errors = await child.communicate(json.dumps(facts).encode())
    except TimeoutError as error:
        raise DrawingFailed(f"not drawn within {DRAW_SECONDS:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise DrawingFailed(errors.decode(errors="replace")[-500:])
    return png
