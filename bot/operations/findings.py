"""Findings of `doctor`: one line for each check, with what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it is."""

    OK = "ok"
    LOOK = "look"  # it works; somebody should look at this
    WRONG = "wrong"  # it does not work until somebody does something


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    text: str

    def __str__(self) -> str:
        return f"{self.level:<6} {self.text}"


def ok(text: str) -> Finding:
    return Finding(level=Level.OK, text=text)


def look(text: str) -> Finding:
    return Finding(level=Level.LOOK, text=text)


def wrong(text: str) -> Finding:
    return Finding(level=Level.WRONG, text=text)
