"""What is made of answers that are not Slack's own words: nothing is lost, doubled or stuck."""

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
from bot.outbox.slack_calls import OWN_FAULTS
from bot.slack.content import content, section
from tests.harness import WORKSPACE
from tests.outbox.sender import IMPATIENT, Sender

#: As a proxy, a load balancer or a broken server answers.
STRANGE: dict[str, dict[str, Any]] = {
    "text 503": {"status": 503, "content_type": "text/plain", "raw": "upstream error"},
    "text 200": {"content_type": "text/plain", "raw": "ok"},
    "html 200": {"content_type": "text/html", "raw": "<html>"},
    "html 403": {"status": 403, "content_type": "text/html", "raw": "<html>"},
    "half of it": {"raw": '{"ok": tr'},
    "half of a 502": {"status": 502, "raw": "{bad"},
    "nothing": {"raw": ""},
    "a list": {"raw": "[1]"},
    "a number for a name": {"raw": '{"ok": false, "error": 3}'},
}


async def owner(sender: Sender) -> str | None:
    leases = schema.sender_leases
    async with sender.db.reading() as reader:
        owner: str | None = await reader.scalar(select(leases.c.owner))
        return owner


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
async def test_a_post_that_was_answered_strangely_is_there_once(
    sender: Sender, accepted: bool
) -> None:
    for name, fault in STRANGE.items():
        sender.slack.faults.fail_next("chat.postMessage", after_accept=accepted, **fault)
        await sender.say(name)
        await sender.deliver()
        assert (await sender.row(name)).state == "sent"
        assert await owner(sender) is None

    assert sender.texts() == list(STRANGE)


async def test_an_edit_that_was_answered_strangely_is_made_again(sender: Sender) -> None:
    await sender.say("hello")
    for name, fault in STRANGE.items():
        sender.slack.faults.fail_next("chat.update", **fault)
        await edit(sender, name)
        await sender.deliver()
        assert sender.texts() == [name]


async def test_a_proxy_may_limit_us_as_well(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    saids = ("0", "soon", "nan", "-3", "Sun, 06 Nov 1994 08:49:37 GMT")
    for said in saids:
        monkeypatch.setattr("bot.playground.fake_slack.faults.Fault.headers", {"Retry-After": said})
        sender.slack.faults.fail_next(
            "chat.postMessage", status=429, content_type="text/plain", raw="slow down"
        )
        await sender.say(said)
        await sender.deliver()

    assert sender.texts() == list(saids)
    assert [call.method for call in sender.slack.calls] == ["chat.postMessage"] * 2 * len(saids)


async def test_a_wrong_certificate_is_the_networks_fault_and_passes(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp's error for it is a ValueError too."""
    there = ConnectionKey("slack.com", 443, True, True, None, None, None)
    wrong = ClientConnectorCertificateError(there, ssl.SSLCertVerificationError())

    async def refuse(*_: object, **__: object) -> None:
        raise wrong

    delivery = sender.another(replace(IMPATIENT, first_retry=600))
    await sender.say("hello")
    with monkeypatch.context() as away:
        away.setattr(AsyncWebClient, "chat_postMessage", refuse)
        for _ in range(OWN_FAULTS + 2):
            await delivery.deliver_due()
            async with sender.db.transaction() as tx:
                await tx.execute(update(schema.messages).values(retry_at=None))
            row = await sender.row("hello")
            assert (row.state, row.error) == ("pending", "no connection")

    await sender.deliver()
    assert sender.texts() == ["hello"]


async def test_a_defect_of_ours_fails_an_edit_but_no_post_that_may_be_there(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = AsyncWebClient.chat_postMessage

    async def stumble(*_: object, **__: object) -> None:
        raise KeyError("ts")

    async def post_and_stumble(*args: Any, **more: Any) -> None:
        await post(*args, **more)
        raise KeyError("ts")

    monkeypatch.setattr(AsyncWebClient, "chat_postMessage", post_and_stumble)
    monkeypatch.setattr(AsyncWebClient, "chat_update", stumble)
    await sender.say("hello")
    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(attempts=OWN_FAULTS))
    await edit(sender, "changed")
    await sender.deliver()

    assert (await sender.row("hello")).state == "sent"
    assert sender.texts() == ["hello"]
    assert (await sender.row("edit:hello")).state == "failed"


async def test_a_call_that_breaks_in_our_hands_holds_its_lease_up_for_nobody(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: BaseException) -> None:
        raise AttributeError("a defect in what judges Slack's answers")

    sender.slack.faults.fail_next("chat.postMessage", status=500, after_accept=True)
    await sender.say("hello")
    with monkeypatch.context() as defect:
        defect.setattr("bot.outbox.slack_calls.verdict", broken)
        await sender.another(replace(IMPATIENT, settle=600)).deliver_due()
    assert await owner(sender) is None
    assert (await sender.row("hello")).state == "unknown"

    async with sender.db.transaction() as tx:
        await tx.execute(update(schema.messages).values(retry_at=None))
    await sender.deliver()
    assert sender.texts() == ["hello"]


async def test_a_no_to_what_was_replaced_meanwhile_is_not_the_last_word(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = AsyncWebClient.chat_update

    async def change_while_it_is_edited_again(*args: Any, **more: Any) -> Any:
        if more["text"] == "one":
            await edit(sender, "two")
        return await change(*args, **more)

    monkeypatch.setattr(AsyncWebClient, "chat_update", change_while_it_is_edited_again)
    sender.slack.faults.fail_next("chat.update", error="invalid_blocks")
    await sender.say("hello")
    await edit(sender, "one")
    await sender.deliver()

    assert sender.texts() == ["two"]
    assert (await sender.row("edit:hello")).state == "sent"


async def edit(sender: Sender, text: str) -> None:
    async with sender.db.transaction() as tx:
        said = content(text, section(text))
        await enqueue.edit(
            tx, WORKSPACE, of=MessageKey("hello"), content=said, now=sender.clock.now()
        )
