"""Unsigned, malformed and unusual HTTP requests: unsigned ones are refused, none crashes."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from bot.db import schema
from tests.harness import BotHarness
from tests.scenarios.malformed import ANSWERED, MALFORMED
from tests.scenarios.requests import (
    FORM,
    JSON,
    PRESSED,
    SUBMITTED,
    TYPED,
    VIEW,
    event_callback,
    form,
    post,
    post_and_read,
    post_signed,
    refused_signature_count,
    send_raw,
    signed,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BODIES = {**MALFORMED, **ANSWERED, "not UTF-8": (b'{"violet": "\xff\xfe"}', JSON)}


@pytest.fixture
def harness(written: io.StringIO, harness_over_http: BotHarness) -> BotHarness:
    return harness_over_http


def log_is_clean(written: io.StringIO) -> bool:
    """Return whether the log has no traceback and no text from a body."""
    log = written.getvalue()
    return not any(word in log for word in ("exception", "Traceback", "violet", "giraffe"))


FORGERIES: tuple[Callable[[bytes], dict[str, str]], ...] = (
    lambda body: {},
    lambda body: signed(body + b" "),
    lambda body: signed(body, -400),
    lambda body: signed(body, 400),
    lambda body: {**signed(body), "X-Slack-Signature": ""},
    lambda body: {**signed(body), "X-Slack-Signature": "v\u00efolet"},
    lambda body: {**signed(body), "X-Slack-Request-Timestamp": ""},
    lambda body: {**signed(body), "X-Slack-Request-Timestamp": "9" * 5000},
    lambda body: {**signed(body), "X-Slack-Request-Timestamp": "\u0661\u0662"},
)


@pytest.mark.parametrize("forge", FORGERIES, ids=[str(n) for n in range(len(FORGERIES))])
async def test_request_with_an_invalid_signature_is_refused_and_counted_once(
    harness: BotHarness, written: io.StringIO, forge: Callable[[bytes], dict[str, str]]
) -> None:
    for name, (body, kind) in BODIES.items():
        before = refused_signature_count()
        assert (name, await post(harness, body, forge(body), kind)) == (name, 401)
        assert (name, refused_signature_count()) == (name, before + 1)

    assert written.getvalue().count("signature_refused") == len(BODIES)
    assert log_is_clean(written)


async def test_signed_malformed_request_is_refused_without_a_traceback(
    harness: BotHarness, written: io.StringIO
) -> None:
    before = refused_signature_count()
    answers = {name: await post_signed(harness, *body) for name, body in MALFORMED.items()}

    assert answers == dict.fromkeys(MALFORMED, 400)
    assert refused_signature_count() == before
    assert written.getvalue().count("request_malformed") == len(MALFORMED)
    assert log_is_clean(written)


async def test_signed_unusual_request_is_answered(
    harness: BotHarness, written: io.StringIO
) -> None:
    answers = {name: await post_signed(harness, *body) for name, body in ANSWERED.items()}

    assert answers == dict.fromkeys(ANSWERED, 200)
    assert "Traceback" not in written.getvalue()
    assert "exception" not in written.getvalue()


async def test_unknown_form_is_explained_to_the_user(harness: BotHarness) -> None:
    body, kind = ANSWERED["unknown form"]
    status, text = await post_and_read(harness, body, signed(body), kind)

    assert status == 200
    assert "I don't know this button, form or command" in text


@pytest.mark.parametrize(
    ("callback_id", "metadata"),
    [
        ("phases.wrap_up", "r"),
        ("phases.extend", "r"),
        ("workspaces.settings", "{}"),
    ],
)
async def test_form_with_other_inputs_is_refused_with_a_sentence(
    harness: BotHarness, written: io.StringIO, callback_id: str, metadata: str
) -> None:
    view = {**VIEW, "callback_id": callback_id, "private_metadata": metadata}
    states: tuple[dict[str, Any], ...] = ({}, {"outcome": {}}, {"outcome:x": {"phases.value": {}}})
    for values in states:
        body = form({**SUBMITTED, "view": {**view, "state": {"values": values}}})
        status, text = await post_and_read(harness, body, signed(body))

        assert status == 200
        assert "nothing was changed" in text
    assert log_is_clean(written)


async def test_another_workspace_is_refused_with_a_sentence_and_its_events_acknowledged(
    harness: BotHarness, written: io.StringIO
) -> None:
    elsewhere = {"team": {"id": "T0OTHER"}, "response_url": "violet"}
    typed = urlencode({**TYPED, "team_id": "T0OTHER", "response_url": "violet"}).encode()
    for body in (typed, form({**SUBMITTED, **elsewhere})):
        status, text = await post_and_read(harness, body, signed(body))
        assert status == 200
        assert "Only people from the workspace where I'm installed" in text
    assert await post_signed(harness, form({**PRESSED, **elsewhere})) == 200
    for kind in ("channel_archive", "app_uninstalled", "user_change"):
        event = {**event_callback(kind), "team_id": "T0OTHER", "authorizations": None}
        assert await post_signed(harness, json.dumps(event).encode(), JSON) == 200

    assert log_is_clean(written)
    async with harness.bot.db.reading() as reader:
        assert list(await reader.scalars(select(schema.events_seen.c.event_id))) == []


async def test_body_is_decoded_as_utf_8_whatever_the_content_type(harness: BotHarness) -> None:
    body = urlencode(TYPED).encode()
    for kind in (f"{FORM}; charset=utf-16", f"{FORM}; charset=violet", "", ";;;", "text/plain"):
        assert await post_signed(harness, body, kind) == 200


async def test_ssl_check_needs_no_signature_and_is_not_counted_as_refused(
    harness: BotHarness,
) -> None:
    before = refused_signature_count()

    assert await post(harness, b"token=violet&ssl_check=1", {}) == 200
    assert refused_signature_count() == before
    assert await post_signed(harness, b"token=violet&ssl_check=1") == 200
    assert await post(harness, b"token=violet&ssl_check=1", signed(b"another body")) == 401
    assert await post(harness, b"text=ssl_check=1", {}) == 401
    assert refused_signature_count() == before + 2


@pytest.mark.parametrize("kind", [FORM, JSON])
async def test_oversized_body_is_refused(
    harness: BotHarness, written: io.StringIO, kind: str
) -> None:
    body = b"violet" * 200_000
    for headers in ({}, signed(body)):
        assert await post(harness, body, headers, kind) == 413
    assert log_is_clean(written)


HEAD = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


NOT_HTTP = (
    CHUNKED + b"\r\nviolet\r\n0\r\n\r\n",
    CHUNKED + b"\r\n3\r\nviolet\r\n0\r\n\r\n",
    HEAD + b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\nviolet",
    HEAD + b"Content-Encoding: deflate\r\nContent-Length: 6\r\n\r\nviolet",
    HEAD + b"Content-Length: violet\r\n\r\n",
    HEAD + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nviolet",
    HEAD + b"X-Violet: \0\r\n\r\n",
    b"violet\r\n\r\n",
    b"\x16\x03\x01violet\r\n\r\n",
)


async def test_invalid_http_is_refused(harness: BotHarness, written: io.StringIO) -> None:
    for request in NOT_HTTP:
        assert (request, (await send_raw(harness, request))[9:12]) == (request, b"400")

    assert log_is_clean(written)


async def test_truncated_body_leaves_no_traceback(
    harness: BotHarness, written: io.StringIO
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", harness.bot.http_port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(b"violet").items())
    writer.write(HEAD + lines.encode() + b"Content-Length: 60\r\n\r\nviolet")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)

    assert log_is_clean(written)


async def test_chunked_body_is_reassembled(harness: BotHarness) -> None:
    body = urlencode(TYPED).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items()).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    assert (await send_raw(harness, CHUNKED + lines + b"\r\n" + chunks))[9:12] == b"200"


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_first_of_duplicate_signature_headers_counts(harness: BotHarness, name: str) -> None:
    body = urlencode(TYPED).encode()
    lines = [f"{key}: {value}".encode() for key, value in signed(body).items()]
    more = [b"Content-Length: %d" % len(body), b"Content-Type: " + FORM.encode()]

    async def status(headers: list[bytes]) -> bytes:
        return (await send_raw(harness, HEAD + b"\r\n".join(headers) + b"\r\n\r\n" + body))[9:12]

    wrong = f"{name}: \u00fc".encode()
    assert await status([*lines, wrong, *more]) == b"200"
    assert await status([wrong, *lines, *more]) == b"401"


async def test_event_that_failed_in_the_database_is_accepted_on_redelivery(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    body = json.dumps(event_callback("channel_archive")).encode()
    monkeypatch.setattr(harness.bot.db, "transaction", fail)
    assert await post_signed(harness, body, JSON) == 500

    monkeypatch.undo()
    assert await post_signed(harness, body, JSON) == 200
