"""Over HTTP nothing is read that Slack did not sign, and nothing that Slack signed makes a 5xx."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.harness import BotHarness
from tests.scenarios.malformed import ANSWERED, MALFORMED
from tests.scenarios.requests import (
    FORM,
    JSON,
    TYPED,
    ask,
    post,
    post_signed,
    refused,
    send_raw,
    signed,
    told,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BODIES = {**MALFORMED, **ANSWERED, "no UTF-8": (b'{"violet": "\xff\xfe"}', JSON)}


@pytest.fixture
def harness(written: io.StringIO, harness_over_http: BotHarness) -> BotHarness:
    return harness_over_http


def quiet(written: io.StringIO) -> bool:
    """Whether the log has no traceback, and no word of a body."""
    said = written.getvalue()
    return not any(word in said for word in ("exception", "Traceback", "violet", "giraffe"))


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
async def test_what_is_not_signed_is_refused_and_counted_once(
    harness: BotHarness, written: io.StringIO, forge: Callable[[bytes], dict[str, str]]
) -> None:
    for name, (body, kind) in BODIES.items():
        before = refused()
        assert (name, await post(harness, body, forge(body), kind)) == (name, 401)
        assert (name, refused()) == (name, before + 1)

    assert written.getvalue().count("signature_refused") == len(BODIES)
    assert quiet(written)


async def test_what_is_signed_and_malformed_is_refused_without_a_traceback(
    harness: BotHarness, written: io.StringIO
) -> None:
    before = refused()
    answers = {name: await post_signed(harness, *body) for name, body in MALFORMED.items()}

    assert answers == dict.fromkeys(MALFORMED, 400)
    assert refused() == before
    assert written.getvalue().count("request_malformed") == len(MALFORMED)
    assert quiet(written)


async def test_what_is_signed_and_unusual_is_answered(
    harness: BotHarness, written: io.StringIO
) -> None:
    answers = {name: await post_signed(harness, *body) for name, body in ANSWERED.items()}

    assert answers == dict.fromkeys(ANSWERED, 200)
    assert "Traceback" not in written.getvalue()
    assert "exception" not in written.getvalue()


@pytest.mark.parametrize("name", ["unknown form", "unknown command"])
async def test_what_is_unknown_is_told_to_the_person(harness: BotHarness, name: str) -> None:
    body, kind = ANSWERED[name]
    status, text = await ask(harness, body, signed(body), kind)

    assert status == 200
    assert "I do not know this button, form or command" in text


async def test_the_body_is_utf_8_whatever_its_headers_say(harness: BotHarness) -> None:
    body = urlencode(TYPED).encode()
    for kind in (f"{FORM}; charset=utf-16", f"{FORM}; charset=violet", "", ";;;", "text/plain"):
        assert await post_signed(harness, body, kind) == 200


async def test_an_ssl_check_needs_no_signature_and_counts_as_none(harness: BotHarness) -> None:
    before = refused()

    assert await post(harness, b"token=violet&ssl_check=1", {}) == 200
    assert refused() == before
    assert await post_signed(harness, b"token=violet&ssl_check=1") == 200
    assert await post(harness, b"token=violet&ssl_check=1", signed(b"another body")) == 401
    assert await post(harness, b"text=ssl_check=1", {}) == 401
    assert refused() == before + 2


@pytest.mark.parametrize("kind", [FORM, JSON])
async def test_a_large_body_is_refused(
    harness: BotHarness, written: io.StringIO, kind: str
) -> None:
    body = b"violet" * 200_000
    for headers in ({}, signed(body)):
        assert await post(harness, body, headers, kind) == 413
    assert quiet(written)


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


async def test_what_is_not_http_is_refused(harness: BotHarness, written: io.StringIO) -> None:
    for request in NOT_HTTP:
        assert (request, (await send_raw(harness, request))[9:12]) == (request, b"400")

    assert quiet(written)


async def test_a_body_that_is_cut_off_leaves_no_traceback(
    harness: BotHarness, written: io.StringIO
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", harness.bot.http_port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(b"violet").items())
    writer.write(HEAD + lines.encode() + b"Content-Length: 60\r\n\r\nviolet")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)

    assert quiet(written)


async def test_chunks_are_put_together(harness: BotHarness) -> None:
    body = urlencode(TYPED).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items()).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    assert (await send_raw(harness, CHUNKED + lines + b"\r\n" + chunks))[9:12] == b"200"


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_of_two_signatures_the_first_counts(harness: BotHarness, name: str) -> None:
    body = urlencode(TYPED).encode()
    lines = [f"{key}: {value}".encode() for key, value in signed(body).items()]
    more = [b"Content-Length: %d" % len(body), b"Content-Type: " + FORM.encode()]

    async def status(headers: list[bytes]) -> bytes:
        return (await send_raw(harness, HEAD + b"\r\n".join(headers) + b"\r\n\r\n" + body))[9:12]

    wrong = f"{name}: \u00fc".encode()
    assert await status([*lines, wrong, *more]) == b"200"
    assert await status([wrong, *lines, *more]) == b"401"


async def test_an_event_that_the_database_failed_comes_again(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    body = json.dumps(told("channel_archive")).encode()
    monkeypatch.setattr(harness.bot.db, "transaction", fail)
    assert await post_signed(harness, body, JSON) == 500

    monkeypatch.undo()
    assert await post_signed(harness, body, JSON) == 200
