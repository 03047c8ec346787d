"""Parsing of `/imbalance …`: the subcommand, its arguments, and the likely meaning of a typo."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

NAME = "/imbalance"


@dataclass(frozen=True, kw_only=True)
class Command:
    """One use of the slash command. `name` is empty for the bare command."""

    name: str
    arguments: tuple[str, ...]


def parse(text: str) -> Command:
    """Parse the text after the command's name. Never fails; case does not matter."""
    words = text.split()
    name = words[0].lower() if words else ""
    return Command(name=name, arguments=tuple(words[1:]))


def suggestion(name: str, known: Sequence[str]) -> str | None:
    """Return the known subcommand closest to a mistyped one, or None."""
    nearest = get_close_matches(name, known, n=1, cutoff=0.6)
    return nearest[0] if nearest else None


def typed(body: Mapping[str, Any]) -> Command:
    """Return the command of a payload; without a text it is the bare command."""
    return parse(body.get("text") or "")


def is_subcommand(*names: str) -> Callable[[Mapping[str, Any]], Awaitable[bool]]:
    """Return a Bolt matcher for uses of the command with one of these subcommands."""

    async def matches(body: Mapping[str, Any]) -> bool:
        return typed(body).name in names

    return matches
