"""Log lines: an event word and fields, never a payload, never a person with an answer."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

OURS = "imbalance"
log: Any = structlog.get_logger(OURS)

#: What the id in a name is of: the name of a message, or of something due. Else a phase's.
_ABOUT = {
    **dict.fromkeys(("ask", "reflect", "remind", "lead_results", "results", "comments"), "round"),
    **dict.fromkeys(("close_round", "scrub", "show_results"), "round"),
    "tell_of_unsaid": "message",
}
_OUR_ID = re.compile(r"[0-9a-f]{32}")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
#: What stands in our lines where a name would tell of one person.
SOMEBODY = "somebody"


def configure(level: str = "INFO", format_: str = "json") -> None:
    """Send our lines, and the libraries', to standard error in one format.

    `level` is a name of the standard library's levels; `format_` is json, or text for people.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        say_what_about,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # At DEBUG libraries print payloads and rows, and so answers: only we go below INFO.
    root.setLevel(max(logging.INFO, logging.getLevelName(level)))
    logging.getLogger(OURS).setLevel(level)
    for name in ("aiohttp.access", "apscheduler", "sqlalchemy"):  # a line for each call or tick
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # what it consists of
    logging.getLogger("slack_bolt.AsyncApp").addFilter(_is_news)
    for name in ("apscheduler.scheduler", "psycopg"):
        # While the database hangs they warn at each tick and of each connection given up, of
        # which bot.db.health says enough.
        logging.getLogger(name).setLevel(logging.ERROR)


def _is_news(line: logging.LogRecord) -> bool:
    """Bolt finds SLACK_BOT_TOKEN in the environment and warns that it does not use it: right so."""
    return "`token` will be unused" not in str(line.msg)


def say_what_about(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Name the phase or round that a line is about, and nobody it was about.

    Both stand in the key of a message and, beside its action, in the subject of what was due.
    """
    for name in ("key", "subject"):
        parts = str(line.get(name) or "").split(":")
        ours = next((at for at, part in enumerate(parts) if _OUR_ID.fullmatch(part)), None)
        if ours is not None:
            kind = line.get("action") if name == "subject" else parts[ours - 1]
            line.setdefault(_ABOUT.get(str(kind), "phase"), parts[ours])
        if any(map(_PERSON.fullmatch, parts)):
            line[name] = ":".join(SOMEBODY if _PERSON.fullmatch(part) else part for part in parts)
    return line
