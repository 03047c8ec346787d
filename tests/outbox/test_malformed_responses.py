"""Malformed responses and internal errors leave no message lost, duplicated or stuck."""

import ssl
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientConnectorCertificateError
from aiohttp.client_reqrep import ConnectionKey
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select, update

from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.outbox.slack_calls import MAX_INTERNAL_ERRORS
from bot.slack.content import content, section
from tests.harness import WORKSPACE
from tests.outbox.sender import NO_DELAYS, Sender

#: Responses of a proxy, a load balancer or a broken server.
MALFORMED: dict[str, dict[str, Any]] = {
    "text 503": {"status": 503, "content_type": "text/plain", "raw": "upstream error"},
    "text 200": {"content_type": "text/plain", "raw": "ok"},
    "html 200": {"content_type": "text/html", "raw": "<html>"},
    "html 403": {"status": 403, "content_type": "text/html", "raw": "<html>"},
    "truncated json": {"raw": '{"ok": tr'},
    "truncated 502": {"status": 502, "raw": "{bad"},
    "empty": {"raw": ""},
    "json list": {"raw": "[1]"},
    "number as error name": {"raw": '{"ok": false, "error": 3}'},
}


async def lease_owner(sender: Sender) -> str | None:
    leases = schema.sender_leases
    async with sender.db.reading() as reader:
        owner: str | None = await reader.scalar(select(leases.c.owner))
        return owner


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_post_with_a_malformed_response_is_sent_once(sender: Sender, accepted: bool) -> None:
    for name, fault in MALFORMED.items():
        sender.slack.faults.fail_next("chat.postMessage", after_accept=accepted, **fault)
        await sender.enqueue(name)
        await sender.deliver()
        assert (await sender.row(name)).state == "sent"
        assert await lease_owner(sender) is None

    assert sender.texts() == list(MALFORMED)


async def test_edit_with_a_malformed_response_is_retried(sender: Sender) -> None:
    await sender.enqueue("hello")
    for name, fault in MALFORMED.items():
        sender.slack.faults.fail_next("chat.update", **fault)
        await edit(sender, name)
        await sender.deliver()
        assert sender.texts() == [name]


async def test_429_from_a_proxy_with_any_retry_after_value_is_retried(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry_afters = ("0", "soon", "nan", "-3", "Sun, 06 Nov 1994 08:49:37 GMT")
    for retry_after in retry_afters:
        monkeypatch.setattr(
            "bot.playground.fake_slack.faults.Fault.headers", {"Retry-After": retry_after}
        )
        sender.slack.faults.fail_next(
            "chat.postMessage", status=429, content_type="text/plain", raw="slow down"
        )
        await sender.enqueue(retry_after)
        await sender.deliver()

    assert sender.texts() == list(retry_afters)
    methods = [call.method for call in sender.slack.calls]
    assert methods == ["chat.postMessage"] * 2 * len(retry_afters)


async def test_certificate_error_is_retried_as_a_connection_failure(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp's certificate error is also a ValueError."""
    there = ConnectionKey("slack.com", 443, True, True, None, None, None)
    wrong = ClientConnectorCertificateError(there, ssl.SSLCertVerificationError())

    async def refuse(*_: object, **__: object) -> None:
        raise wrong

    delivery = sender.new_delivery(replace(NO_DELAYS, first_retry=600))
    await sender.enqueue("hello")
    with monkeypatch.context() as patch:
        patch.setattr(AsyncWebClient, "chat_postMessage", refuse)
        for _ in range(MAX_INTERNAL_ERRORS + 2):
            await delivery.deliver_due()
            async with sender.db.transaction() as tx:
                await tx.execute(update(schema.messages).values(retry_at=None))
            row = await sender.row("hello")
            assert (row.state, row.error) == ("pending", "no connection")

    await sender.deliver()
    assert sender.texts() == ["hello"]


async def test_internal_error_fails_an_edit_but_not_a_post_that_may_have_arrived(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = AsyncWebClient.chat_postMessage

    async def raise_key_error(*_: object, **__: object) -> None:
        raise KeyError("ts")

    async def post_and_raise_key_error(*args: Any, **more: Any) -> None:
        await post(*args, **more)
        raise KeyError("ts")

    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", post_and_raise_key_error)
    monkeypatch.setattr(AsyncWebClient, "chat_update", raise_key_error)
    await sender.enqueue("hello")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(attempts=MAX_INTERNAL_ERRORS))
    await edit(sender, "changed")
    await sender.deliver()

    assert (await sender.row("hello")).state == "sent"
    assert sender.texts() == ["hello"]
    assert (await sender.row("edit:hello")).state == "failed"


async def test_internal_error_while_judging_a_response_releases_the_lease(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_attribute_error(_: BaseException) -> None:
        raise AttributeError("a defect in judging Slack's response")

    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.enqueue("hello")
    with monkeypatch.context() as patch:
        patch.setattr("bot.outbox.slack_calls.classify", raise_attribute_error)
        await sender.new_delivery(replace(NO_DELAYS, settle=600)).deliver_due()
    assert await lease_owner(sender) is None
    assert (await sender.row("hello")).state == "unknown"

    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    await sender.deliver()
    assert sender.texts() == ["hello"]


async def test_rejected_edit_that_was_replaced_meanwhile_is_sent_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = AsyncWebClient.chat_update

    async def update_during_another_edit(*args: Any, **more: Any) -> Any:
        if more["text"] == "one":
            await edit(sender, "two")
        return await change(*args, **more)

    monkeypatch.setattr(AsyncWebClient, "chat_update", update_during_another_edit)
    sender.slack.faults.fail_next("chat.update", error="invalid_blocks")
    await sender.enqueue("hello")
    await edit(sender, "one")
    await sender.deliver()

    assert sender.texts() == ["two"]
    assert (await sender.row("edit:hello")).state == "sent"


async def edit(sender: Sender, text: str) -> None:
    async with sender.db.transaction() as tx:
        body = content(text, section(text))
        await enqueue.edit(
            tx, WORKSPACE, of=MessageKey("hello"), content=body, now=sender.clock.now()
        )
