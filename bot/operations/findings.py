"""Findings of `doctor`: one line per check, with advice."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    LOOK = "look"  # works, but somebody should look at it
    WRONG = "wrong"  # does not work until somebody acts


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check."""

    level: Severity
    text: str

    def __str__(self) -> str:
        return f"{self.level:<6} {self.text}"


def ok(text: str) -> Finding:
    return Finding(level=Severity.OK, text=text)


def attention(text: str) -> Finding:
    return Finding(level=Severity.LOOK, text=text)


def problem(text: str) -> Finding:
    return Finding(level=Severity.WRONG, text=text)
