"""A location inside a payload, as a JSON pointer, and the problems found there."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Surface = Literal["message", "modal", "home"]


def utf16(text: str) -> int:
    """Return the length in UTF-16 units, the strictest way Slack might count characters."""
    return len(text) + (0 if text.isascii() else sum(sign > "\uffff" for sign in text))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something Slack would refuse, and its location."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


@dataclass(frozen=True, kw_only=True)
class Check:
    """The check of one payload: its surface, and the problems found so far."""

    surface: Surface
    has_file: Callable[[str], bool] | None = None  # None: files are not looked up
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Node:
    """A value and its location."""

    check: Check
    value: Any
    pointer: str = ""

    def at(self, key: str | int) -> "Node":
        return Node(self.check, self.value[key], f"{self.pointer}/{key}")

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(key) is not None

    @property
    def kind(self) -> str:
        """Return its type, if it is an object that has one."""
        kind = self.value.get("type") if isinstance(self.value, dict) else None
        return kind if isinstance(kind, str) else ""

    def listed(self, key: str) -> list[Any]:
        """Return the list under a key, or an empty one."""
        value = self.value.get(key)
        return value if isinstance(value, list) else []

    def wrong(self, message: str) -> None:
        self.check.problems.append(Problem(pointer=self.pointer, message=message))

    def keys(self, required: Collection[str], optional: Collection[str] = ()) -> bool:
        """Check that it is an object with all required keys and no unknown ones."""
        if not isinstance(self.value, dict):
            self.wrong("must be an object")
            return False
        missing = [key for key in required if not self.has(key)]
        for key in missing:
            self.wrong(f"missing required field: {key}")
        for key in self.value.keys() - set(required) - set(optional) - {"type"}:
            self.wrong(f"invalid additional property: {key}")
        return not missing

    def items(self, least: int, most: int) -> Iterator["Node"]:
        """Yield its items, after checking that it is a list of a permitted size."""
        if not isinstance(self.value, list):
            self.wrong("must be an array")
            return
        if len(self.value) < least:
            self.wrong(f"no fewer than {least} items allowed")
        if len(self.value) > most:
            self.wrong(f"no more than {most} items allowed")
        for index in range(len(self.value)):
            yield self.at(index)

    def string(self, most: int, least: int = 1) -> bool:
        """Check that it is a string of a permitted length, in UTF-16 units."""
        if not isinstance(self.value, str):
            self.wrong("must be a string")
        elif utf16(self.value) > most:
            self.wrong(f"must be less than {most + 1} characters")
        elif utf16(self.value) < least:
            self.wrong(f"must be more than {least - 1} characters")
        else:
            return True
        return False

    def strings(self, **most: int) -> None:
        """Check that each of these keys, if present, is a string within the given length."""
        for key, limit in most.items():
            if self.has(key):
                self.at(key).string(limit)

    def one_of(self, choices: Collection[str]) -> bool:
        if isinstance(self.value, str) and self.value in choices:
            return True
        self.wrong(f"must be one of {', '.join(sorted(choices))}")
        return False

    def whole(self, least: int, most: int) -> None:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.wrong("must be an integer")
        elif not least <= self.value <= most:
            self.wrong(f"must be between {least} and {most}")

    def booleans(self, *keys: str) -> None:
        for key in keys:
            if self.has(key) and not isinstance(self.value[key], bool):
                self.at(key).wrong("must be a boolean")

    def text(self, most: int, *, plain: bool = True, least: int = 1) -> None:
        """Check a text object; `plain` forbids mrkdwn."""
        if not self.keys(("type", "text"), ("emoji", "verbatim")):
            return
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if not self.at("type").one_of(kinds):
            return
        other = "verbatim" if self.value["type"] == "plain_text" else "emoji"
        if other in self.value:
            self.wrong(f"invalid additional property: {other}")
        self.booleans("emoji", "verbatim")
        self.at("text").string(most, least)

    def texts(self, **most: int) -> None:
        """Check that each of these keys, if present, is a plain text object."""
        for key, limit in most.items():
            if self.has(key):
                self.at(key).text(limit)
