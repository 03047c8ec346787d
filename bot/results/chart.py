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


class DrawingFailed(Exception):
    """The child process did not draw; the message gives its error output."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One question's levels over the rounds; None where a round may not be shown."""

    label: str
    levels: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class ChartFacts:
    """The data of the chart: the same rounds for every line, oldest first."""

    rounds: tuple[str, ...]  # "Start", "Week 2"
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def alt_text(facts: ChartFacts) -> str:
    """Return the chart in words: each question's levels, round by round."""
    return "Levels from 1 to 5. " + " ".join(
        _levels_in_words(line, facts.rounds) for line in facts.lines
    )


def _levels_in_words(line: Line, rounds: Sequence[str]) -> str:
    shown = [
        (name, level) for name, level in zip(rounds, line.levels, strict=True) if level is not None
    ]
    if not shown:
        return f"{line.label} Not enough answers."
    path = ", ".join(f"{name} {level:g}" for name, level in shown)
    return f"{line.label} {path}."


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
