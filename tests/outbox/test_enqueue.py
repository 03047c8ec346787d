"""Saying, editing, cancelling and sending again: what each does to a message in every state."""

from datetime import timedelta
from typing import Any

import pytest

from bot.db.engine import Database
from bot.outbox import enqueue, requeue
from bot.outbox.enqueue import Operation, State
from bot.outbox.keys import MessageKey
from bot.slack.content import content, section
from tests.conftest import MONDAY
from tests.outbox.test_transitions import EARLIER, row_of
from tests.outbox.workspace_rows import CHANNEL, LATER, ONE, PERSON, TS, message, write

NEW = content("new", section("new"))


#: A message whose tries are used up, with everything that could hold it up.
OLD = {"attempts": 300, "retry_at": LATER, "first_try_at": EARLIER, "error": "before"}


@pytest.mark.parametrize("operation", ["edit", "publish", "post anew"])
async def test_what_is_said_anew_begins_anew(db: Database, operation: str) -> None:
    keys = {"edit": "edit:a", "publish": f"home:{PERSON}", "post anew": "b"}
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
    assert after.message_id != before.message_id  # it comes after what was said before
    async with db.reading() as reader:
        assert await requeue.exists(reader, ONE, MessageKey("edit:a"))
        assert not await requeue.exists(reader, ONE, MessageKey("edit:b"))  # it is in it already


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
async def test_what_is_on_its_way_is_not_posted_anew(db: Database, state: str) -> None:
    await write(db, ONE, message("a", state=state))
    before = await row_of(db, "a")
    async with db.transaction() as tx:
        await requeue.repost(tx, ONE, key=MessageKey("a"), content=NEW, now=LATER)

    assert await row_of(db, "a") == before


async def test_only_a_pin_is_pinned_anew(db: Database) -> None:
    await write(db, ONE, message("pin:a", state="sent"))
    before = await row_of(db, "pin:a")
    async with db.transaction() as tx:
        await requeue.repin(tx, ONE, Operation.PIN, of=MessageKey("a"), payload={}, now=LATER)

    assert await row_of(db, "pin:a") == before


async def test_an_edit_under_way_is_changed_and_stays_under_way(db: Database) -> None:
    edit = message("edit:a", operation="update", target_key="a", state="sending")
    await write(db, ONE, message("a", state="sent"), edit)
    async with db.transaction() as tx:
        await enqueue.edit(tx, ONE, of=MessageKey("a"), content=NEW, now=LATER)

    after = await row_of(db, "edit:a")
    assert (after.state, after.revision, after.message_id) == ("sending", 1, "id-edit:a")
    assert after.payload["text"] == "new"


@pytest.mark.parametrize(
    ("values", "rewritten"),
    [
        ({"not_before": MONDAY + timedelta(seconds=1)}, True),
        ({"not_before": MONDAY}, False),  # it is due, and may be under way at any moment
        ({"not_before": LATER, "first_try_at": EARLIER}, False),
        ({"not_before": LATER, "state": "unknown"}, False),
        ({"not_before": LATER, "operation": "pin"}, False),
    ],
)
async def test_only_what_is_for_later_and_was_never_tried_is_said_as_it_reads_now(
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
async def test_what_is_cancelled_on_its_way_is_not_said_again(
    db: Database, state: str, after: str, expires: bool
) -> None:
    await write(db, ONE, message("a", state=state))
    async with db.transaction() as tx:
        await enqueue.cancel(tx, ONE, keys=[MessageKey("a")])

    row = await row_of(db, "a")
    assert (row.state, row.expires_at) == (after, MONDAY if expires else None)
    assert (row.payload is None) == (after == "expired")


@pytest.mark.parametrize("expires_at", [None, LATER])
async def test_what_is_said_expires_when_it_says(db: Database, expires_at: Any) -> None:
    async with db.transaction() as tx:
        how = {"now": MONDAY, "expires_at": expires_at}
        await enqueue.post(
            tx, ONE, key=MessageKey("a"), to=CHANNEL, content=NEW, thread_of=MessageKey("b"), **how
        )
        posts = [(MessageKey("c"), PERSON, NEW), (MessageKey("d"), CHANNEL, NEW)]
        await enqueue.post_all(tx, ONE, posts, **how)

    rows = [await row_of(db, key) for key in "acd"]
    assert [row.expires_at for row in rows] == [expires_at] * 3
    assert [row.conversation for row in rows] == [CHANNEL, PERSON, CHANNEL]
    assert [row.target_key for row in rows] == ["b", None, None]
    assert rows[0].message_id < rows[1].message_id < rows[2].message_id


@pytest.mark.parametrize(
    ("values", "goes_again"),
    [
        ({}, True),
        ({"error": "cant_update_message"}, False),
        ({"conversation": "C2"}, False),
        ({"state": "held"}, False),
        ({"operation": "update"}, False),
    ],
)
async def test_only_what_was_refused_there_and_so_is_sent_again(
    db: Database, values: dict[str, Any], goes_again: bool
) -> None:
    refused = {"state": "failed", "error": "is_archived", **values}
    await write(db, ONE, message("a", **refused))
    async with db.transaction() as tx:
        count = await requeue.retry(
            tx,
            ONE,
            conversation=CHANNEL,
            reasons=["is_archived"],
            operations=[Operation.POST],
            now=LATER,
        )

    after = await row_of(db, "a")
    assert (count, after.state == "pending") == (goes_again, goes_again)
    assert (after.message_id != "id-a") == goes_again


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
async def test_only_what_waits_to_be_said_to_somebody_follows_them(
    db: Database, values: dict[str, Any], moved: bool
) -> None:
    waits = {"conversation": PERSON, "not_before": LATER, **values}
    await write(db, ONE, message("a", **waits))
    async with db.transaction() as tx:
        await requeue.reschedule_for_zone(
            tx, ONE, user_id=PERSON, next_allowed_at=lambda at: at + timedelta(days=1), now=MONDAY
        )

    after = (await row_of(db, "a")).not_before
    assert after == waits["not_before"] + timedelta(days=1 if moved else 0)


async def test_what_is_known_of_a_message_by_its_state(db: Database) -> None:
    for state in State:
        await write(db, ONE, message(state, state=state, error="why", ts=TS))
    async with db.reading() as reader:
        found = {
            state.value: (
                await requeue.was_refused(reader, ONE, MessageKey(state)),
                await requeue.refused(reader, ONE, f"id-{state}") is not None,
                await requeue.is_delivered(reader, ONE, MessageKey(state)),
                await requeue.is_waiting(reader, ONE, MessageKey(state)),
            )
            for state in State
        }
        others = [
            await requeue.others_refused(reader, ONE, but=but, operation=operation, reason=reason)
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


async def test_from_when_a_message_could_be_read(db: Database) -> None:
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
async def test_only_what_is_settled_is_forgotten(db: Database, state: State) -> None:
    await write(db, ONE, message("edit:a", state=state), message("edit:b", state=state))
    async with db.transaction() as tx:
        await requeue.remove(tx, ONE, key=MessageKey("edit:a"))
        await requeue.remove_edits(tx, ONE, of=[MessageKey("b")])
        edits = (MessageKey("edit:a"), MessageKey("edit:b"))
        kept = [await requeue.exists(tx, ONE, key) for key in edits]

    assert kept == [state in (State.SENDING, State.UNKNOWN)] * 2


async def test_what_was_never_in_slack_cannot_be_deleted_there(db: Database) -> None:
    await write(db, ONE, message("a"), message("b", state="sent", channel=CHANNEL, ts=TS))
    async with db.transaction() as tx:
        assert not await requeue.mark_deleted(
            tx, ONE, key=MessageKey("a"), reason="deleted in Slack"
        )
        assert await requeue.mark_deleted(tx, ONE, key=MessageKey("b"), reason="deleted in Slack")

    assert [(await row_of(db, key)).state for key in "ab"] == ["pending", "expired"]


async def test_a_conversation_with_a_new_id_keeps_what_was_said_there(db: Database) -> None:
    await write(db, ONE, message("a", channel=CHANNEL, ts=TS), message("b", conversation="C2"))
    async with db.transaction() as tx:
        await requeue.change_conversation(tx, ONE, conversation=CHANNEL, to="C3")
        assert await enqueue.key_at(tx, ONE, channel="C3", ts=TS) == "a"

    rows = [await row_of(db, key) for key in "ab"]
    assert [(row.conversation, row.channel) for row in rows] == [("C3", "C3"), ("C2", None)]


async def test_what_stands_at_a_place_is_the_post_and_not_what_was_done_to_it(
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
