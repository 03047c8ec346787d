"""Messages, pins, bookmarks, reactions and home views through the Web API."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    BEN,
    BOT,
    GRETA,
    LAUNCH,
    METADATA,
    PLATFORM,
    actions,
    button,
    error_name,
    plain,
    section,
)


async def post(api: AsyncWebClient, text: str = "hello", **more: Any) -> str:
    answer = await api.chat_postMessage(channel=more.pop("channel", LAUNCH), text=text, **more)
    return str(answer["ts"])


async def test_posted_message_belongs_to_the_app(slack: FakeSlack, api: AsyncWebClient) -> None:
    answer = await api.chat_postMessage(
        channel=LAUNCH, text="hello", blocks=[section(), actions(button())]
    )

    (seen,) = slack.as_user(ANA).visible(LAUNCH)
    assert (seen["bot_id"], seen["app_id"], seen["user"]) == ("B0IMBAL", "A0IMBAL", BOT)
    assert seen["ts"] == answer["ts"]
    assert all(block["block_id"] for block in answer["message"]["blocks"])


async def test_timestamps_follow_the_clock_and_never_repeat(
    api: AsyncWebClient, clock: AdjustableClock
) -> None:
    timestamps = [await post(api) for _ in range(3)]

    assert timestamps == sorted(set(timestamps))
    assert {ts.split(".")[0] for ts in timestamps} == {str(int(clock.now().timestamp()))}


async def test_post_to_a_user_opens_the_direct_message(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    answer = await api.chat_postMessage(channel=BEN, text="hello")
    opened = await api.conversations_open(users=BEN)

    assert answer["channel"].startswith("D")
    assert (opened["channel"]["id"], opened["already_open"]) == (answer["channel"], True)
    assert [message["text"] for message in slack.as_user(BEN).dm_with_bot()] == ["hello"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "header"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section()] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 3000)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "metadata": {"event_type": "note"}}, "invalid_metadata_format"),
        ({"text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ({"text": "x", "username": "Boss"}, "missing_scope"),
    ],
)
async def test_invalid_content_is_refused(
    api: AsyncWebClient, content: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await api.api_call("chat.postMessage", json={"channel": LAUNCH, **content})

    assert error_name(refused.value) == error


async def test_error_of_invalid_blocks_has_a_json_pointer(api: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await post(api, blocks=[section("x" * 3001)])

    (message,) = refused.value.response["response_metadata"]["messages"]
    assert message.endswith("[json-pointer:/blocks/0/text/text]")


async def test_long_text_is_truncated_in_a_post_and_refused_in_an_edit(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    ts = await post(api, "x" * 50_000)
    assert len(slack.workspace.messages(LAUNCH)[0]["text"]) == 40_000
    with pytest.raises(SlackApiError) as refused:
        await api.chat_update(channel=LAUNCH, ts=ts, text="x" * 4001)

    assert error_name(refused.value) == "msg_too_long"


async def test_edit_is_refused_when_its_blocks_are_too_long_in_total(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    ts = await post(api)
    with pytest.raises(SlackApiError) as refused:
        await api.chat_update(channel=LAUNCH, ts=ts, text="x", blocks=[section("x" * 3000)] * 5)

    assert error_name(refused.value) == "msg_blocks_too_long"
    assert "blocks" not in slack.workspace.messages(LAUNCH)[0]


async def test_edit_with_only_text_removes_the_blocks(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    ts = await post(api, blocks=[section()], metadata=METADATA)
    await api.chat_update(channel=LAUNCH, ts=ts, text="other")

    (seen,) = slack.as_user(ANA).visible(LAUNCH)
    assert "blocks" not in seen
    assert (seen["text"], seen["edited"]["user"], seen["metadata"]) == ("other", BOT, METADATA)


async def test_edit_of_only_blocks_is_not_marked_as_edited(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    ts = await post(api, blocks=[section()])
    await api.chat_update(channel=LAUNCH, ts=ts, text="hello", blocks=[section("new")])

    (seen,) = slack.as_user(ANA).visible(LAUNCH)
    assert "edited" not in seen
    assert seen["blocks"][0]["text"]["text"] == "new"


async def test_only_own_messages_can_be_edited_or_deleted(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    theirs = (await slack.as_user(ANA).say(LAUNCH, "mine"))["ts"]
    for call, error in (
        (api.chat_update(channel=LAUNCH, ts=theirs, text="x"), "cant_update_message"),
        (api.chat_delete(channel=LAUNCH, ts=theirs), "cant_delete_message"),
        (api.chat_update(channel=ANA, ts=theirs, text="x"), "channel_not_found"),
        (api.chat_update(channel=LAUNCH, ts="1.2", text="x"), "message_not_found"),
    ):
        with pytest.raises(SlackApiError) as refused:
            await call
        assert error_name(refused.value) == error


async def test_deleting_a_message_removes_its_pin(slack: FakeSlack, api: AsyncWebClient) -> None:
    ts = await post(api)
    await api.pins_add(channel=LAUNCH, timestamp=ts)
    await api.chat_delete(channel=LAUNCH, ts=ts)

    assert (slack.workspace.messages(LAUNCH), slack.workspace.pins(LAUNCH)) == ([], [])


async def test_ephemeral_message_is_shown_to_one_person(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    await api.chat_postEphemeral(channel=LAUNCH, user=ANA, text="psst")
    with pytest.raises(SlackApiError) as refused:
        await api.chat_postEphemeral(channel=LAUNCH, user="U0OWN", text="psst")

    assert [message["text"] for message in slack.as_user(ANA).ephemerals(LAUNCH)] == ["psst"]
    assert slack.as_user(BEN).visible(LAUNCH) == []
    assert error_name(refused.value) == "user_not_in_channel"


async def test_replies_are_listed_in_their_thread_only(api: AsyncWebClient) -> None:
    parent = await post(api, "parent")
    reply = await post(api, "reply", thread_ts=parent)
    nested = await post(api, "nested", thread_ts=reply)

    channel = await api.conversations_history(channel=LAUNCH)
    thread = await api.conversations_replies(channel=LAUNCH, ts=parent)
    assert [message["ts"] for message in channel["messages"]] == [parent]
    assert channel["messages"][0]["reply_count"] == 2
    assert [message["ts"] for message in thread["messages"]] == [parent, reply, nested]


async def test_history_is_limited_by_oldest_and_latest(api: AsyncWebClient) -> None:
    timestamps = [await post(api, str(number)) for number in range(4)]
    inner = await api.conversations_history(
        channel=LAUNCH, oldest=timestamps[0], latest=timestamps[3]
    )
    with_ends = await api.conversations_history(
        channel=LAUNCH, oldest=timestamps[0], latest=timestamps[3], inclusive=True
    )
    one = await api.conversations_history(
        channel=LAUNCH, oldest=timestamps[1], latest=timestamps[1], inclusive=True, limit=1
    )

    assert [message["text"] for message in inner["messages"]] == ["2", "1"]
    assert len(with_ends["messages"]) == 4
    assert [message["text"] for message in one["messages"]] == ["1"]


async def test_history_includes_metadata_only_on_request(api: AsyncWebClient) -> None:
    await post(api, metadata=METADATA)
    default = await api.conversations_history(channel=LAUNCH)
    full = await api.conversations_history(channel=LAUNCH, include_all_metadata=True)

    assert default["messages"][0]["metadata"] == {"event_type": "note"}
    assert full["messages"][0]["metadata"] == METADATA


async def test_history_requires_membership(api: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await api.conversations_history(channel=PLATFORM)

    assert error_name(refused.value) == "not_in_channel"


async def test_pins(slack: FakeSlack, api: AsyncWebClient) -> None:
    ts = await post(api)
    await api.pins_add(channel=LAUNCH, timestamp=ts)
    with pytest.raises(SlackApiError) as already_pinned:
        await api.pins_add(channel=LAUNCH, timestamp=ts)
    listed = await api.pins_list(channel=LAUNCH)
    await api.pins_remove(channel=LAUNCH, timestamp=ts)
    with pytest.raises(SlackApiError) as not_pinned:
        await api.pins_remove(channel=LAUNCH, timestamp=ts)

    assert [item["message"]["ts"] for item in listed["items"]] == [ts]
    assert (error_name(already_pinned.value), error_name(not_pinned.value)) == (
        "already_pinned",
        "no_pin",
    )


async def test_bookmarks(slack: FakeSlack, api: AsyncWebClient) -> None:
    link = (await api.chat_getPermalink(channel=LAUNCH, message_ts=await post(api)))["permalink"]
    added = await api.bookmarks_add(
        channel_id=LAUNCH, title="Phase", type="link", link=link, emoji=":flag:"
    )
    mark = added["bookmark"]["id"]
    await api.bookmarks_edit(channel_id=LAUNCH, bookmark_id=mark, title="Sprint")
    listed = await api.bookmarks_list(channel_id=LAUNCH)
    await api.bookmarks_remove(channel_id=LAUNCH, bookmark_id=mark)
    with pytest.raises(SlackApiError) as refused:
        await api.bookmarks_remove(channel_id=LAUNCH, bookmark_id=mark)

    assert mark.startswith("Bk")
    assert [(one["title"], one["link"]) for one in listed["bookmarks"]] == [("Sprint", link)]
    assert (error_name(refused.value), slack.workspace.bookmarks(LAUNCH)) == ("not_found", [])


async def test_reactions(slack: FakeSlack, api: AsyncWebClient) -> None:
    ts = await post(api)
    await api.reactions_add(channel=LAUNCH, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError) as refused:
        await api.reactions_add(channel=LAUNCH, timestamp=ts, name="eyes")

    assert error_name(refused.value) == "already_reacted"
    assert slack.as_user(ANA).visible(LAUNCH)[0]["reactions"][0]["count"] == 1


async def test_home_view_with_a_stale_hash_is_refused(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    view: Any = {"type": "home", "blocks": [section()]}
    first = await api.views_publish(user_id=GRETA, view=view)
    second = await api.views_publish(user_id=GRETA, view=view, hash=first["view"]["hash"])
    with pytest.raises(SlackApiError) as refused:
        await api.views_publish(user_id=GRETA, view=view, hash=first["view"]["hash"])
    with pytest.raises(SlackApiError) as titled:
        await api.views_publish(user_id=GRETA, view={**view, "title": plain("Home")})

    assert error_name(refused.value) == "hash_conflict"
    assert error_name(titled.value) == "invalid_arguments"
    assert slack.as_user(GRETA).home
    assert second["view"]["hash"] != first["view"]["hash"]
