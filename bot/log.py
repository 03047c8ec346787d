"""Log lines: an event word and fields, never a payload, never a person with an answer."""

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

OURS = "imbalance"
log: Any = structlog.get_logger(OURS)

_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
#: Says which migrations are carried out, at INFO.
MIGRATIONS = "alembic.runtime.migration"
#: Libraries whose messages hold nothing of what people said.
_WITHOUT_PAYLOADS = {"imbalance", "alembic", "apscheduler", "psycopg", "sqlalchemy"}
#: aiohttp's errors about requests that are not HTTP, or not encoded as they say.
_NOT_HTTP = {"HttpProcessingError", "RequestPayloadError"}
#: Characters of one value, errors of one chain, frames of one error.
LONGEST_VALUE = 500
MOST_ERRORS = 8
MOST_FRAMES = 40
#: Fields that structlog needs, and a traceback, which has lines of its own.
_AS_THEY_ARE = {"_record", "_from_structlog", "exception"}
#: What stands in our lines where a name would tell of one person.
SOMEBODY = "somebody"


def configure(level: str = "INFO", format_: str = "json") -> None:
    """Send our lines, and the libraries', to standard error in one format.

    `level` is a name of the standard library's levels; `format_` is json, or text for people.
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
    # Below WARNING libraries tell of each call and print payloads: only we go lower.
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger(OURS).setLevel(level)
    logging.getLogger(MIGRATIONS).setLevel(max(logging.INFO, logging.getLevelName(level)))
    for name in ("apscheduler.scheduler", "psycopg"):
        # While the database hangs they warn at each tick and of each connection given up, of
        # which bot.db.health says enough.
        logging.getLogger(name).setLevel(logging.ERROR)


class _Handler(logging.StreamHandler[Any]):
    """Writes to a stream; of a line that it cannot write, it does not print the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):
            self.stream.write(f'{{"event": "line_lost", "logger": {json.dumps(record.name)}}}\n')


def _is_shown(line: logging.LogRecord) -> bool:
    """Whether an operator needs a line. Bolt sets levels of its own, so here is the last word."""
    if line.name == OURS:
        return True
    lowest = logging.INFO if line.name == MIGRATIONS else logging.WARNING
    return line.levelno >= lowest and not (_is_about_token(line) or _is_bad_request(line))


def _is_about_token(line: logging.LogRecord) -> bool:
    """Bolt finds SLACK_BOT_TOKEN in the environment and warns that it does not use it: right so."""
    return line.name.startswith("slack_bolt") and "`token` will be unused" in str(line.msg)


def _is_bad_request(line: logging.LogRecord) -> bool:
    """aiohttp answers with 400 what is not HTTP, and logs it as an error of the server."""
    kinds = type(line.exc_info[1]).__mro__ if line.exc_info else ()
    names = {kind.__name__ for kind in kinds}
    return line.name == "aiohttp.server" and not names.isdisjoint(_NOT_HTTP)


def _without_message(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace a library's message by the place in the library that it comes from.

    Slack's libraries, aiohttp and asyncio write payloads into their messages, and which do so
    changes with their versions. So all are taken to, but those known to have none.
    """
    record: logging.LogRecord = line["_record"]
    if record.name.partition(".")[0] not in _WITHOUT_PAYLOADS:
        line["event"] = f"{record.module}.{record.funcName}:{record.lineno}"
    return line


def printable_values(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut what is too long, and escape what could begin another line or move the cursor."""
    for name, value in line.items():
        if name not in _AS_THEY_ARE:
            line[name] = _printable(value)
    return line


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_line(str(name)): _printable(item) for name, item in value.items()}
    return _line(str(value))


def _line(text: str) -> str:
    cut = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    if cut.isprintable():
        return cut
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in cut
    )


def traceback_of(exc_info: Any) -> str:
    """Where it happened and what kind of error it is, without what most errors say.

    The text of an error may quote what could not be parsed, found or stored.
    """
    return "".join(_told(exc_info[1], set()))


def _told(error: BaseException, told: set[int]) -> Iterator[str]:
    told.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in told and len(told) < MOST_ERRORS:
        yield from _told(before, told)
        yield "\nwhich led to:\n"
    yield from traceback.format_tb(error.__traceback__, limit=-MOST_FRAMES)
    kind, said = type(error), _said_by(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    yield f"{name}: {said}\n" if said else f"{name}\n"
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(one, told)


def _said_by(error: BaseException) -> str:
    """What the system, a database or Slack named as the reason; nothing of other errors."""
    response = getattr(error, "response", None)
    answer = getattr(response, "data", response)
    if isinstance(answer, dict):  # SlackApiError
        return _line(str(answer.get("error", "")))
    # PostgreSQL quotes values where the data is at fault, and else only after the first line.
    is_postgresqls = type(error).__module__.partition(".")[0] == "psycopg"
    quotes = "DataError" in {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, OSError | ImportError | sqlite3.Error) or (is_postgresqls and not quotes):
        return _line(str(error).partition("\n")[0])
    return ""


def hide_people(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take people out of the names of messages and of what was due.

    Beside them stands the phase or round, which must not be said of one person.
    """
    for name in ("key", "subject"):
        parts = str(line.get(name) or "").split(":")
        if any(map(_PERSON.fullmatch, parts)):
            line[name] = ":".join(SOMEBODY if _PERSON.fullmatch(part) else part for part in parts)
    return line
