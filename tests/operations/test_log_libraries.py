"""Libraries cannot log payloads or forge lines, and their real warnings are logged."""

import asyncio
import gc
import io
import json
import logging
import sqlite3
from typing import Any

import pytest
from psycopg.errors import InvalidTextRepresentation, UniqueViolation
from slack_sdk.errors import SlackApiError

from bot.log import log
from tests.harness import BotHarness
from tests.scenarios.requests import PRESSED, STATE, form, post, signed

BOTH_FORMATS = pytest.mark.parametrize("written", ["DEBUG json", "DEBUG text"], indirect=True)
SECRET = "violet giraffe"
ANSWER = {**PRESSED, "state": {"values": {**STATE["values"], "b": {"a": {"value": SECRET}}}}}
LIBRARIES = (
    "slack_bolt.AsyncRequestVerification",
    "slack_bolt.AsyncApp",
    "slack_sdk.web.async_base_client",
    "slack_sdk.socket_mode.aiohttp",
    "aiohttp.access",
    "aiohttp.server",
    "asyncio",
    "urllib3.connectionpool",
    "app.py:handler",
)
FORGED = 'first\n{"event": "forged"}\r\x1b[2Jlast\u2028\u202e\ud800'


@pytest.mark.parametrize(
    "written", ["INFO json", "INFO text", "DEBUG json", "DEBUG text"], indirect=True
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_submission_with_a_wrong_signature_is_not_logged(
    written: io.StringIO, harness_over_http: BotHarness
) -> None:
    body = form(ANSWER)
    for headers in ({}, signed(b"other"), signed(body, -400), signed(body, 400)):
        assert await post(harness_over_http, body, headers) == 401

    assert written.getvalue().count("signature_refused") == 4
    assert not leaks(written)
    assert "U0BEN" not in written.getvalue()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_bodies_with_wrong_signatures_do_not_fill_the_log(
    written: io.StringIO, harness_over_http: BotHarness
) -> None:
    body = b"\nforged " * (1024 * 1024 // 8)
    for _ in range(20):
        assert await post(harness_over_http, body, signed(b"another body")) == 401

    assert len(written.getvalue()) < 10_000
    assert "forged" not in written.getvalue()


@BOTH_FORMATS
@pytest.mark.parametrize("name", LIBRARIES)
def test_library_messages_are_not_logged(written: io.StringIO, name: str) -> None:
    library = logging.getLogger(name)
    before = library.level
    library.setLevel(logging.DEBUG)
    for level in range(logging.DEBUG, logging.CRITICAL + 1, 10):
        library.log(level, f"body: {SECRET}")
        library.log(level, "body: %s", SECRET)
    library.setLevel(before)

    assert not leaks(written)
    assert written.getvalue().count("test_log_libraries.test_library_messages_are_not_logged") == 6


def test_library_lines_name_their_caller(written: io.StringIO) -> None:
    logging.getLogger("slack_bolt.AsyncApp").warning(SECRET)

    (line,) = lines(written)
    assert line["event"].startswith("test_log_libraries.test_library_lines_name_their_caller")
    assert (line["logger"], line["level"]) == ("slack_bolt.AsyncApp", "warning")


@BOTH_FORMATS
def test_library_warnings_for_operators_are_logged(written: io.StringIO) -> None:
    logging.getLogger("apscheduler.executors.default").error("Job %s raised", "tick")
    logging.getLogger("sqlalchemy.pool.impl").warning("Exception terminating connection")
    logging.getLogger("alembic.runtime.migration").info("Running upgrade a -> b")
    log.debug("ours")
    logging.getLogger("apscheduler.scheduler").warning("at each tick")
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")

    output = written.getvalue()
    assert "Job tick raised" in output
    assert "Exception terminating connection" in output
    assert "Running upgrade a -> b" in output
    assert "ours" in output
    assert len(output.splitlines()) == 4


@BOTH_FORMATS
@pytest.mark.parametrize(
    "error",
    [
        KeyError(SECRET),
        ValueError(SECRET),
        json.JSONDecodeError(SECRET, SECRET, 0),
        UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
        SlackApiError(SECRET, {"ok": False, "error": "invalid_blocks", "blocks": SECRET}),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        InvalidTextRepresentation(f'invalid input syntax for type integer: "{SECRET}"'),
        UniqueViolation(f"duplicate key value\nDETAIL:  Key (text)=({SECRET}) already exists."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_are_logged_without_their_text(written: io.StringIO, error: Exception) -> None:
    try:
        try:
            raise error
        except Exception as first:
            raise RuntimeError(SECRET) from first
    except RuntimeError as second:
        log.error("failed", exc_info=second)
        logging.getLogger("apscheduler.executors.default").exception("failed")

    assert not leaks(written)
    assert type(error).__name__ in written.getvalue()
    assert "raise error" in written.getvalue()
    if isinstance(error, SlackApiError):
        assert "invalid_blocks" in written.getvalue()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), sqlite3.OperationalError("database is locked")]
)
def test_texts_of_system_errors_are_logged(written: io.StringIO, error: Exception) -> None:
    log.error("failed", exc_info=error)

    assert lines(written)[0]["exception"].endswith(f"{error}\n")


@BOTH_FORMATS
def test_values_cannot_forge_log_lines(written: io.StringIO) -> None:
    del logging.getLogger().handlers[1:]  # pytest's own: its report cannot hold such characters
    log.warning("refused", path=FORGED, reasons=[FORGED], about={FORGED: FORGED}, other=Forging())
    logging.getLogger("apscheduler").error("failed: %s", FORGED)
    log.error("failed", exc_info=OSError(2, "missing", FORGED))

    output = written.getvalue()
    assert not any(one in output for one in "\r\x1b\u2028\u202e\ud800")
    assert not [line for line in output.splitlines() if line.startswith('{"event": "forged"')]
    assert output.count("forged") == 7


class Forging:
    def __str__(self) -> str:
        return FORGED


@BOTH_FORMATS
def test_long_values_are_truncated(written: io.StringIO) -> None:
    log.warning("refused", reason="x" * 100_000)
    logging.getLogger("sqlalchemy.pool").error("x" * 100_000)
    log.error("failed", exc_info=OSError("x" * 100_000))

    assert len(written.getvalue()) < 3000


@BOTH_FORMATS
def test_unformattable_record_is_dropped_without_its_arguments(written: io.StringIO) -> None:
    record = logging.LogRecord("sqlalchemy.pool", logging.ERROR, "", 1, "%d", (SECRET,), None)
    logging.getLogger().handlers[0].handle(record)

    assert not leaks(written)
    assert "line_lost" in written.getvalue()


@BOTH_FORMATS
async def test_failed_task_is_logged_without_its_error_text(written: io.StringIO) -> None:
    async def fail(_: Any) -> None:
        raise ValueError(SECRET)

    task = asyncio.create_task(fail(SECRET), name=SECRET)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()

    assert "ValueError" in written.getvalue()
    assert not leaks(written)


def leaks(written: io.StringIO) -> bool:
    output = written.getvalue()
    return any(word in output for word in ("violet", "giraffe"))


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]
