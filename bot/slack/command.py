"""`/imbalance …` taken apart: subcommand, arguments, and what a typo probably meant."""

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
    """The text after the command's name. Never fails; upper case is as good as lower."""
    words = text.split()
    name = words[0].lower() if words else ""
    return Command(name=name, arguments=tuple(words[1:]))


def suggestion(name: str, known: Sequence[str]) -> str | None:
    """The known subcommand nearest to a mistyped one, or None."""
    nearest = get_close_matches(name, known, n=1, cutoff=0.6)
    return nearest[0] if nearest else None


def named(*names: str) -> Callable[[Mapping[str, Any]], Awaitable[bool]]:
    """A Bolt matcher: is this use of the command one of these subcommands?"""

    async def matches(body: Mapping[str, Any]) -> bool:
        return parse(body.get("text", "")).name in names

    return matches
