"""Which lines of libraries operators are spared: only those known to need nobody."""

import logging

import pytest
from aiohttp.http_exceptions import BadStatusLine

from bot import log

UNUSED = "As `installation_store` is set, `token` will be unused."


@pytest.mark.parametrize(
    ("logger", "level", "message", "error", "is_shown"),
    [
        ("aiohttp.server", logging.ERROR, "Error handling request", BadStatusLine(""), False),
        ("aiohttp.server", logging.ERROR, "Error handling request", ValueError(), True),
        ("aiohttp.server", logging.ERROR, "Error handling request", None, True),
        ("aiohttp.client", logging.ERROR, "Unreadable response", BadStatusLine(""), True),
        ("slack_bolt.AsyncApp", logging.WARNING, UNUSED, None, False),
        ("slack_bolt.AsyncApp", logging.WARNING, "Unhandled request", None, True),
        ("slack_sdk.web", logging.WARNING, UNUSED, None, True),
        ("asyncio", logging.WARNING, "Executing took 2 seconds", None, True),
        ("asyncio", logging.INFO, "poll took 2 seconds", None, False),
        (log.LOGGER_NAME, logging.DEBUG, "message_sent", None, True),
        (log.MIGRATIONS, logging.INFO, "Running upgrade", None, True),
        (log.MIGRATIONS, logging.DEBUG, "new branch", None, False),
    ],
)
def test_line_is_hidden_only_if_it_needs_nobody(
    logger: str, level: int, message: str, error: Exception | None, is_shown: bool
) -> None:
    raised = None if error is None else (type(error), error, None)
    record = logging.LogRecord(logger, level, "server.py", 1, message, None, raised)

    assert log._is_shown(record) is is_shown
