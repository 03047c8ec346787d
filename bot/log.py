"""Log lines: an event word and fields, never a payload, never a person with an answer."""

import logging
import sys
from typing import Any

import structlog

log: Any = structlog.get_logger("imbalance")

#: These print whole payloads at DEBUG, so they never go below INFO.
_TALKATIVE = ("slack_bolt", "slack_sdk", "sqlalchemy", "aiohttp", "apscheduler", "asyncio")


def configure(level: str = "INFO", format_: str = "json") -> None:
    """Send our lines, and the libraries', to standard error in one format.

    `level` is a name of the standard library's levels; `format_` is json, or text for people.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
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
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))
    for name in ("aiohttp.access", "apscheduler", "sqlalchemy"):  # a line for each call or tick
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("apscheduler.scheduler", "psycopg"):
        # While the database hangs they warn at each tick and of each connection given up, of
        # which bot.db.health says enough.
        logging.getLogger(name).setLevel(logging.ERROR)
