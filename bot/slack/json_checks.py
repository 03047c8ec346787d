"""Checks of the shape of JSON. Each takes a value and names the field that does not fit."""

from collections.abc import Callable
from typing import Any

#: Returns the path of the first field that does not fit, "" for the value itself; None if all fit.
Check = Callable[[Any], str | None]

#: The first second beyond the range of a datetime.
_END_OF_TIME = 253_402_300_800


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else ""


def mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else ""


def unix_time(value: Any) -> str | None:
    """Check for seconds since 1970."""
    return None if isinstance(value, int) and 0 <= value < _END_OF_TIME else ""


def identifier(longest: int) -> Check:
    """Check for an id or timestamp as Slack makes them: short, printable ASCII."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, str) and 0 < len(value) <= longest
        return None if fits and value.isascii() and value.isprintable() else ""

    return check


def slack_id(kinds: str) -> Check:
    """Check for an id of Slack's; its first letter says of which kind it may be."""
    fits_id = identifier(32)

    def check(value: Any) -> str | None:
        if fits_id(value) is not None or value[0] not in kinds:
            return ""
        return None if value.isalnum() and value == value.upper() else ""

    return check


def optional(inner: Check) -> Check:
    """Allow null or a missing field as well."""
    return lambda value: None if value is None else inner(value)


def fields(**checks: Check) -> Check:
    """Check for an object with these fields; others do not matter."""
    pairs = tuple(checks.items())

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return ""
        for name, inner in pairs:
            bad_path = inner(value.get(name))
            if bad_path is not None:
                return _path(name, bad_path)
        return None

    return check


def values(inner: Check) -> Check:
    """Check for an object whose values all fit, whatever their names."""

    def check(value: Any) -> str | None:
        return _first(value.values(), inner) if isinstance(value, dict) else ""

    return check


def items(inner: Check, *, at_least: int = 0) -> Check:
    """Check for a list whose items all fit."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list) or len(value) < at_least:
            return ""
        return _first(value, inner)

    return check


def _first(values: Any, inner: Check) -> str | None:
    for value in values:
        bad_path = inner(value)
        if bad_path is not None:
            return _path("*", bad_path)
    return None


def _path(name: str, inner: str) -> str:
    return f"{name}.{inner}" if inner else name
