"""Effects of posting, editing, cancelling and resending on a message in each state."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.db.engine import Database
from bot.outbox import enqueue, requeue
from bot.outbox.enqueue import Operation, SentMessageEdit, State
from bot.outbox.keys import MessageKey
from bot.slack.content import content, section
from tests.conftest import MONDAY
from tests.outbox.test_transitions import EARLIER, row_of
from tests.outbox.workspace_rows import CHANNEL, LATER, ONE, PERSON, TS, message, write

SOON = MONDAY + timedelta(seconds=4)
NEW = content("new", section("new"))


#: Columns of a message with used-up attempts and everything else that could delay it.
OLD = {"attempts": 300, "retry_at": LATER, "first_try_at": EARLIER, "error": "before"}


@pytest.mark.parametrize("operation", ["edit", "publish", "repost"])
async def test_new_edit_publish_or_repost_resets_the_retry_state(
    db: Database, operation: str
) -> None:
    keys = {"edit": "edit:a", "publish": f"home:{PERSON}", "repost": "b"}
    key = keys[operation]
    await write(
        db,
        ONE,
        message("a", state="sent"),
        message("edit:a", operation="update", target_key="a", state="failed", **OLD),
        message(f"home:{PERSON}", operation="publish", conversation=PERSON, state="failed", **OLD),
        message("b", state="failed", **{**OLD, "channel": CHANNEL, "ts": TS}),
        message("edit:b", operation="update", target_key="b"),
    )
    before = await row_of(db, key)
    now = MONDAY + timedelta(minutes=1)
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("a"), content=NEW, now=now)
        await enqueue.publish(tx, ONE, user_id=PERSON, view={"type": "home"}, now=now)
        await requeue.repost(tx, ONE, key=MessageKey("b"), content=NEW, now=now)

    after = await row_of(db, key)
    assert (after.state, after.attempts, after.retry_at) == ("pending", 0, None)
    assert (after.first_try_at, after.error, after.revision) == (None, None, 1)
    assert (after.not_before, after.created_at, after.ts) == (now, now, None)
    assert after.message_id != before.message_id  # so that it follows earlier messages
    async with db.reading() as reader:
        assert await requeue.exists(reader, ONE, MessageKey("edit:a"))
        # the repost of b already contains its edit
        assert not await requeue.exists(reader, ONE, MessageKey("edit:b"))


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
async def test_repost_leaves_an_undecided_message_unchanged(db: Database, state: str) -> None:
    await write(db, ONE, message("a", state=state))
    before = await row_of(db, "a")
    async with db.transaction() as tx:
        await requeue.repost(tx, ONE, key=MessageKey("a"), content=NEW, now=LATER)

    assert await row_of(db, "a") == before


async def test_repin_ignores_a_message_that_is_not_a_pin(db: Database) -> None:
    await write(db, ONE, message("pin:a", state="sent"))
    before = await row_of(db, "pin:a")
    async with db.transaction() as tx:
        await requeue.repin(tx, ONE, Operation.PIN, of=MessageKey("a"), payload={}, now=LATER)

    assert await row_of(db, "pin:a") == before


async def test_edit_being_sent_takes_the_new_content_and_stays_sending(db: Database) -> None:
    edit = message("edit:a", operation="update", target_key="a", state="sending")
    await write(db, ONE, message("a", state="sent"), edit)
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("a"), content=NEW, now=LATER)

    after = await row_of(db, "edit:a")
    assert (after.state, after.revision, after.message_id) == ("sending", 1, "id-edit:a")
    assert after.payload["text"] == "new"


@pytest.mark.parametrize(
    ("state", "waits_until", "expected"),
    [
        ("pending", MONDAY, ("pending", SOON, "new")),
        ("pending", LATER, ("pending", LATER, "new")),  # an edit that waits keeps its time
        ("sending", LATER, ("sending", SOON, "new")),
        ("sent", LATER, ("pending", SOON, "new")),
        ("failed", LATER, ("pending", SOON, "new")),
        (None, MONDAY, ("pending", SOON, "new")),
    ],
)
async def test_edits_of_sent_messages_replace_those_that_wait(
    db: Database, state: str | None, waits_until: datetime, expected: tuple[object, ...]
) -> None:
    posts = [message(name, state="sent") for name in ("a", "b")]
    waiting = [
        message(f"edit:{post['key']}", operation="update", target_key=post["key"], state=state)
        | {"not_before": waits_until}
        for post in posts
        if state
    ]
    await write(db, ONE, *posts, *waiting)
    edits = [
        SentMessageEdit(workspace_id=ONE, of=MessageKey(name), conversation=CHANNEL, content=NEW)
        for name in ("b", "a")
    ]
    async with db.transaction() as tx:
        await enqueue.edit_sent(tx, edits, now=MONDAY, not_before=SOON)

    for name in ("a", "b"):
        after = await row_of(db, f"edit:{name}")
        assert (after.state, after.not_before, after.payload["text"]) == expected
        assert (after.target_key, after.conversation, after.operation) == (name, CHANNEL, "update")
        assert after.revision == (1 if state else 0)


@pytest.mark.parametrize(
    ("values", "rewritten"),
    [
        ({"not_before": MONDAY + timedelta(seconds=1)}, True),
        ({"not_before": MONDAY}, False),  # due, so it may be claimed at any moment
        ({"not_before": LATER, "first_try_at": EARLIER}, False),
        ({"not_before": LATER, "state": "unknown"}, False),
        ({"not_before": LATER, "operation": "pin"}, False),
    ],
)
async def test_edit_rewrites_only_a_scheduled_post_that_was_never_attempted(
    db: Database, values: dict[str, Any], rewritten: bool
) -> None:
    await write(db, ONE, message("a", **values))
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("a"), content=NEW, now=MONDAY)
        edited = await requeue.exists(tx, ONE, MessageKey("edit:a"))

    after = await row_of(db, "a")
    assert (after.payload["text"], after.revision) == (("new", 1) if rewritten else ("a", 0))
    assert edited != rewritten


@pytest.mark.parametrize(
    ("state", "after", "expires"),
    [
        ("pending", "expired", False),
        ("sending", "sending", True),
        ("unknown", "unknown", True),
        ("sent", "sent", False),
        ("held", "held", False),
    ],
)
async def test_cancel_expires_a_pending_message_and_stops_resending_one_in_flight(
    db: Database, state: str, after: str, expires: bool
) -> None:
    await write(db, ONE, message("a", state=state))
    async with db.transaction() as tx:
        await enqueue.cancel(tx, ONE, keys=[MessageKey("a")])

    row = await row_of(db, "a")
    assert (row.state, row.expires_at) == (after, MONDAY if expires else None)
    assert (row.payload is None) == (after == "expired")


@pytest.mark.parametrize("expires_at", [None, LATER])
async def test_post_and_post_all_store_expiry_conversation_and_thread(
    db: Database, expires_at: Any
) -> None:
    async with db.transaction() as tx:
        times = {"now": MONDAY, "expires_at": expires_at}
        await enqueue.post(
            tx,
            ONE,
            key=MessageKey("a"),
            to=CHANNEL,
            content=NEW,
            thread_of=MessageKey("b"),
            **times,
        )
        posts = [(MessageKey("c"), PERSON, NEW), (MessageKey("d"), CHANNEL, NEW)]
        await enqueue.post_all(tx, ONE, posts, **times)

    rows = [await row_of(db, key) for key in "acd"]
    assert [row.expires_at for row in rows] == [expires_at] * 3
    assert [row.conversation for row in rows] == [CHANNEL, PERSON, CHANNEL]
    assert [row.target_key for row in rows] == ["b", None, None]
    assert rows[0].message_id < rows[1].message_id < rows[2].message_id


@pytest.mark.parametrize(
    ("values", "retried"),
    [
        ({}, True),
        ({"error": "cant_update_message"}, False),
        ({"conversation": "C2"}, False),
        ({"state": "held"}, False),
        ({"operation": "update"}, False),
    ],
)
async def test_retry_selects_failed_messages_by_channel_reason_and_operation(
    db: Database, values: dict[str, Any], retried: bool
) -> None:
    refused = {"state": "failed", "error": "is_archived", **values}
    await write(db, ONE, message("a", **refused))
    async with db.transaction() as tx:
        count = await requeue.retry_failed(
            tx,
            ONE,
            conversation=CHANNEL,
            reasons=["is_archived"],
            operations=[Operation.POST],
            now=LATER,
        )

    after = await row_of(db, "a")
    assert (count, after.state == "pending") == (retried, retried)
    assert (after.message_id != "id-a") == retried


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        ({"not_before": MONDAY + timedelta(seconds=1)}, True),
        ({"not_before": MONDAY}, False),
        ({"state": "sent"}, False),
        ({"state": "unknown"}, False),
        ({"conversation": CHANNEL}, False),
        ({"operation": "publish"}, False),
    ],
)
async def test_zone_change_reschedules_only_future_pending_direct_messages(
    db: Database, values: dict[str, Any], moved: bool
) -> None:
    stored = {"conversation": PERSON, "not_before": LATER, **values}
    await write(db, ONE, message("a", **stored))
    async with db.transaction() as tx:
        await requeue.reschedule_for_zone(
            tx, ONE, user_id=PERSON, next_allowed_at=lambda at: at + timedelta(days=1), now=MONDAY
        )

    after = (await row_of(db, "a")).not_before
    assert after == stored["not_before"] + timedelta(days=1 if moved else 0)


async def test_state_queries_for_every_message_state(db: Database) -> None:
    for state in State:
        await write(db, ONE, message(state, state=state, error="why", ts=TS))
    async with db.reading() as reader:
        found = {
            state.value: (
                await requeue.has_failed(reader, ONE, MessageKey(state)),
                await requeue.failed_message(reader, ONE, f"id-{state}") is not None,
                await requeue.may_be_delivered(reader, ONE, MessageKey(state)),
                await requeue.is_open(reader, ONE, MessageKey(state)),
            )
            for state in State
        }
        others = [
            await requeue.another_failed_alike(
                reader, ONE, other_than=but, operation=operation, reason=reason
            )
            for but, operation, reason in (
                ("id-held", Operation.POST, "why"),
                ("id-failed", Operation.POST, "why"),
                ("id-held", Operation.PIN, "why"),
                ("id-held", Operation.POST, "another"),
            )
        ]

    assert others == [True, False, False, False]
    assert found == {
        "pending": (False, False, False, True),
        "sending": (False, False, True, True),
        "unknown": (False, False, True, True),
        "sent": (False, False, True, False),
        "held": (False, False, True, False),
        "failed": (True, True, False, False),
        "expired": (False, False, False, False),
    }


async def test_readable_from_depends_on_the_message_state(db: Database) -> None:
    sent_at = EARLIER + timedelta(minutes=5)
    await write(
        db,
        ONE,
        message("due", not_before=EARLIER),
        message("later", not_before=LATER),
        message("sent", state="sent", not_before=EARLIER, sent_at=sent_at),
        message("refused", state="failed", not_before=EARLIER),
    )
    async with db.reading() as reader:
        keys = ["due", "later", "sent", "refused", "never decided"]
        found = await requeue.readable_from(reader, ONE, map(MessageKey, keys), MONDAY)

    assert found == {"due": MONDAY, "later": LATER, "sent": sent_at, "refused": EARLIER}


@pytest.mark.parametrize("state", [*State])
async def test_remove_keeps_messages_that_are_sending_or_unknown(
    db: Database, state: State
) -> None:
    await write(db, ONE, message("edit:a", state=state), message("edit:b", state=state))
    async with db.transaction() as tx:
        await requeue.remove(tx, ONE, key=MessageKey("edit:a"))
        await requeue.remove_edits(tx, ONE, of=[MessageKey("b")])
        edits = (MessageKey("edit:a"), MessageKey("edit:b"))
        kept = [await requeue.exists(tx, ONE, key) for key in edits]

    assert kept == [state in (State.SENDING, State.UNKNOWN)] * 2


async def test_mark_deleted_ignores_a_message_that_was_never_sent(db: Database) -> None:
    await write(db, ONE, message("a"), message("b", state="sent", channel=CHANNEL, ts=TS))
    async with db.transaction() as tx:
        assert not await requeue.mark_deleted(
            tx, ONE, key=MessageKey("a"), reason="deleted in Slack"
        )
        assert await requeue.mark_deleted(tx, ONE, key=MessageKey("b"), reason="deleted in Slack")

    assert [(await row_of(db, key)).state for key in "ab"] == ["pending", "expired"]


async def test_change_conversation_moves_its_messages_to_the_new_id(db: Database) -> None:
    await write(db, ONE, message("a", channel=CHANNEL, ts=TS), message("b", conversation="C2"))
    async with db.transaction() as tx:
        await requeue.change_conversation(tx, ONE, conversation=CHANNEL, to="C3")
        assert await enqueue.key_at(tx, ONE, channel="C3", ts=TS) == "a"

    rows = [await row_of(db, key) for key in "ab"]
    assert [(row.conversation, row.channel) for row in rows] == [("C3", "C3"), ("C2", None)]


async def test_key_at_returns_the_post_and_not_its_edit_or_pin(
    db: Database,
) -> None:
    placed = {"state": "sent", "channel": CHANNEL, "ts": TS}
    await write(
        db,
        ONE,
        message("a:edit", operation="update", **placed),
        message("b", **placed),
        message("z:pin", operation="pin", **placed),
    )
    async with db.reading() as reader:
        assert await enqueue.key_at(reader, ONE, channel=CHANNEL, ts=TS) == "b"
        assert await enqueue.key_at(reader, ONE, channel=CHANNEL, ts="1.1") is None
