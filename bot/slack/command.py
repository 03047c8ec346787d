"""Parsing of `/imbalance …`: the subcommand, its arguments, and the likely meaning of a typo."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bot.slack.errors import Refused

#: The command's name in our manifest, and in every sentence of ours, where it follows a backtick.
#: What people wrote is quoted, so that nothing follows a backtick of theirs.
NAME = "/imbalance"
#: Whoever installs the app may give the command another name, so handlers take any.
ANY = re.compile("")
_IN_SENTENCES = re.compile(rf"(?<=`){NAME}(?![\w-])")
#: Shown for words after a subcommand that takes none.
TAKES_NOTHING = f"`{NAME} {{name}}` takes nothing after it. Type only that."
#: Slack's limit is 32 characters; marks would break out of the sentence.
_USABLE = re.compile(r"/[^\s/`*~<>&]{1,31}")


class InstalledName:
    """The command's name in the app as it is installed. A process serves one app, so one name."""

    def __init__(self) -> None:
        self.name = NAME

    def learn(self, name: str | None) -> bool:
        """Use this name from now on, if it is one. Return whether it is new."""
        if name is None or name == self.name or not _USABLE.fullmatch(name):
            return False
        self.name = name
        return True

    def in_text(self, text: str) -> str:
        """Return one of our sentences with this name."""
        return text if self.name == NAME else _IN_SENTENCES.sub(self.name, text)

    def in_blocks(self, value: Any) -> Any:
        """Return blocks, or a view, with this name in every text."""
        if self.name == NAME:
            return value
        if isinstance(value, list):
            return [self.in_blocks(item) for item in value]
        if not isinstance(value, dict):
            return value
        renamed = {key: self.in_blocks(item) for key, item in value.items()}
        text = renamed.get("text")
        return {**renamed, "text": self.in_text(text)} if isinstance(text, str) else renamed


installed = InstalledName()


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


def typed_text(body: Mapping[str, Any]) -> str:
    """Return the text after the command's name, escaped by Slack; empty if there is none."""
    return body.get("text") or ""


def require_no_arguments(body: Mapping[str, Any]) -> None:
    """Refuse a command that would ignore words after it, before it does anything.

    Raises:
        Refused: words follow the subcommand.
    """
    command = parse(typed_text(body))
    if command.arguments:
        raise Refused(TAKES_NOTHING.format(name=command.name))


def suggestion(name: str, known: Sequence[str]) -> str | None:
    """Return the known subcommand closest to a mistyped one, or None."""
    nearest = get_close_matches(name, known, n=1, cutoff=0.6)
    return nearest[0] if nearest else None


def is_subcommand(*names: str) -> Callable[[Mapping[str, Any]], Awaitable[bool]]:
    """Return a Bolt matcher for uses of the command with one of these subcommands."""

    async def matches(body: Mapping[str, Any]) -> bool:
        return parse(typed_text(body)).name in names

    return matches
