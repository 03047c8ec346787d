"""Log lines: an event name and fields; never a payload, never a person with an answer."""

import json
import logging
import re
import sqlite3
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Any

import structlog

LOGGER_NAME = "imbalance"
log: Any = structlog.get_logger(LOGGER_NAME)

_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
#: Logs which migrations are run, at INFO.
MIGRATIONS = "alembic.runtime.migration"
#: Libraries whose messages contain nothing that people wrote.
_WITHOUT_PAYLOADS = {"imbalance", "alembic", "apscheduler", "psycopg", "sqlalchemy"}
#: aiohttp's errors about requests that are not HTTP, or have the wrong encoding.
_NOT_HTTP = {"HttpProcessingError", "RequestPayloadError"}
#: Limits: characters of a value, errors in a chain, frames of an error.
LONGEST_VALUE = 500
MOST_ERRORS = 8
MOST_FRAMES = 40
#: Fields that structlog needs, and the traceback, which has lines of its own.
_UNCHANGED = {"_record", "_from_structlog", "exception"}
#: Replaces a name that would identify a person in our lines.
SOMEBODY = "somebody"


def configure(level: str = "INFO", format_: str = "json") -> None:
    """Send our lines, and the libraries', to standard error in one format.

    `level` is the name of a standard library level; `format_` is json, or text for people.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        hide_people,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(traceback_of),
        printable_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if format_ == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = _Handler(sys.stderr)
    handler.addFilter(_is_shown)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_without_message, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Below WARNING, libraries log each call and print payloads: only our own level may be lower.
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger(LOGGER_NAME).setLevel(level)
    logging.getLogger(MIGRATIONS).setLevel(max(logging.INFO, logging.getLevelName(level)))
    for name in ("apscheduler.scheduler", "psycopg"):
        # While the database hangs they warn at each tick and of each abandoned connection, of which
        # bot.db.health logs enough.
        logging.getLogger(name).setLevel(logging.ERROR)


class _Handler(logging.StreamHandler[Any]):
    """A stream handler that does not print the arguments of a line that it cannot write."""

    def handleError(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):
            self.stream.write(f'{{"event": "line_lost", "logger": {json.dumps(record.name)}}}\n')


def _is_shown(record: logging.LogRecord) -> bool:
    """Return whether an operator needs a line. Bolt sets levels of its own, so this decides."""
    if record.name == LOGGER_NAME:
        return True
    lowest = logging.INFO if record.name == MIGRATIONS else logging.WARNING
    return record.levelno >= lowest and not (_is_about_token(record) or _is_bad_request(record))


def _is_about_token(record: logging.LogRecord) -> bool:
    """Return whether Bolt warns that it ignores the environment's SLACK_BOT_TOKEN, as it should."""
    return record.name.startswith("slack_bolt") and "`token` will be unused" in str(record.msg)


def _is_bad_request(record: logging.LogRecord) -> bool:
    """Return whether aiohttp logs a request that is not HTTP as an error of the server.

    It answers such a request with 400.
    """
    kinds = type(record.exc_info[1]).__mro__ if record.exc_info else ()
    names = {kind.__name__ for kind in kinds}
    return record.name == "aiohttp.server" and not names.isdisjoint(_NOT_HTTP)


def _without_message(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace a library's message by the place in the library that it comes from.

    Slack's libraries, aiohttp and asyncio write payloads into their messages, and which of them do
    so changes with their versions. So all are assumed to, except those known not to.
    """
    record: logging.LogRecord = line["_record"]
    if record.name.partition(".")[0] not in _WITHOUT_PAYLOADS:
        line["event"] = f"{record.module}.{record.funcName}:{record.lineno}"
    return line


def printable_values(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut values that are too long; escape what could begin a new line or move the cursor."""
    for name, value in line.items():
        if name not in _UNCHANGED:
            line[name] = _printable(value)
    return line


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_one_line(str(name)): _printable(item) for name, item in value.items()}
    return _one_line(str(value))


def _one_line(text: str) -> str:
    cut = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    if cut.isprintable():
        return cut
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut
    )


def traceback_of(exc_info: Any) -> str:
    """Return where an error happened and its kind, without the message of most errors.

    An error's message may quote what could not be parsed, found or stored.
    """
    return "".join(_traceback_lines(exc_info[1], set()))


def _traceback_lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen and len(seen) < MOST_ERRORS:
        yield from _traceback_lines(cause, seen)
        yield "\nwhich led to:\n"
    yield from traceback.format_tb(error.__traceback__, limit=-MOST_FRAMES)
    kind, reason = type(error), _safe_reason(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    yield f"{name}: {reason}\n" if reason else f"{name}\n"
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _traceback_lines(inner, seen)


def _safe_reason(error: BaseException) -> str:
    """Return the reason that the system, a database or Slack named; nothing of other errors."""
    response = getattr(error, "response", None)
    answer = getattr(response, "data", response)
    if isinstance(answer, dict):  # SlackApiError
        return _one_line(str(answer.get("error", "")))
    # PostgreSQL quotes values if the data is at fault, and otherwise only after the first line.
    is_psycopg_error = type(error).__module__.partition(".")[0] == "psycopg"
    may_quote = "DataError" in {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, OSError | ImportError | sqlite3.Error) or (
        is_psycopg_error and not may_quote
    ):
        return _one_line(str(error).partition("\n")[0])
    return ""


def hide_people(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Remove people from message keys and agenda subjects, and the id of a message to a person.

    The same line names the phase or round, which must not be linked to a person; and the id leads
    to the recipient, in the database, in `outbox list` and in the message's metadata.
    """
    for name in ("key", "subject"):
        parts = str(line.get(name) or "").split(":")
        if any(map(_PERSON.fullmatch, parts)):
            line[name] = ":".join(SOMEBODY if _PERSON.fullmatch(part) else part for part in parts)
            line.pop("message", None)
    return line
