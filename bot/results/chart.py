"""A picture of a phase's results: facts and their description here, drawn in a child process.

matplotlib is large and busy, so it never loads into the bot itself.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

DRAW_SECONDS = 20.0
LOW_PRIORITY = 10
DRAWING = "bot.results.chart_process"


class DrawingFailed(Exception):
    """The child process did not draw; the message says what it said."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One question over the rounds; None where a round may not be shown."""

    label: str
    levels: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class ChartFacts:
    """What the picture shows: the same rounds for every line, oldest first."""

    rounds: tuple[str, ...]  # "Start", "Week 2"
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def alt_text(facts: ChartFacts) -> str:
    """The picture in words: each question's newest level, and where it came from."""
    return "Levels from 1 to 5. " + " ".join(_in_words(line, facts.rounds) for line in facts.lines)


def _in_words(line: Line, rounds: Sequence[str]) -> str:
    shown = [
        (name, level) for name, level in zip(rounds, line.levels, strict=True) if level is not None
    ]
    if not shown:
        return f"{line.label} Not enough answers."
    path = ", ".join(f"{name} {level:g}" for name, level in shown)
    return f"{line.label} {path}."


async def draw_in_child(facts: dict[str, Any]) -> bytes:
    """The picture of `ChartFacts.as_json()` as PNG.

    Raises:
        DrawingFailed: it took over 20 s, or matplotlib failed.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        DRAWING,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    with suppress(OSError):  # a picture can wait, people cannot
        os.setpriority(os.PRIO_PROCESS, child.pid, LOW_PRIORITY)
    try:
        async with asyncio.timeout(DRAW_SECONDS):
            png, said = await child.communicate(json.dumps(facts).encode())
    except TimeoutError as error:
        raise DrawingFailed(f"not drawn within {DRAW_SECONDS:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise DrawingFailed(said.decode(errors="replace")[-500:])
    return png
