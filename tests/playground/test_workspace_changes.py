"""Changes in the workspace around the app, and the events that they send."""

import re
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import (
    ANA,
    BEN,
    BOT,
    LAUNCH,
    actions,
    button,
    field,
    plain,
    radio,
    section,
)

pytestmark = pytest.mark.usefixtures("socket")


async def test_app_receives_direct_messages_and_mentions_only(
    slack: FakeSlack, app: AsyncApp
) -> None:
    received = []

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        received.append((event["channel_type"], event["text"]))

    @app.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        received.append(("mention", event["text"]))

    direct = slack.workspace.open_direct_message(ANA, BOT)
    await slack.as_user(ANA).say(direct.id, "hello @Ben")
    await slack.as_user(ANA).say(LAUNCH, "unheard")
    await slack.as_user(ANA).say(LAUNCH, "@Imbalance help")

    assert received == [("im", "hello <@U0BEN>"), ("mention", "<@U0IMBAL> help")]


async def test_simulated_team_answers_open_questions_once(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    answers: dict[str, Any] = {}

    @app.action("send")
    async def sent(ack: Any, body: dict[str, Any], respond: Any) -> None:
        answers[body["user"]["id"]] = body["state"]["values"]["q"]["level"]["selected_option"]
        await respond(replace_original=True, text="received")
        await ack()

    blocks = [field("q", radio()), actions(button("skip"), button("send", style="primary"))]
    for person in (ANA, BEN, "U0EMI"):
        await api.chat_postMessage(channel=person, text="asked", blocks=blocks)

    assert await slack.let_team_answer() == 2
    assert await slack.let_team_answer() == 0
    assert answers.keys() == {BEN, "U0EMI"}
    assert all(answers.values())


async def test_simulated_team_presses_one_number_of_each_question(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    """Each press folds its question, so that the message changes under the hand."""
    pressed: list[str] = []
    scale = [button(f"level.{level}", text=plain(str(level))) for level in range(1, 6)]
    asking = [
        section("Clear and doable"),
        {**actions(*scale), "block_id": "clarity"},
        {**actions(*scale), "block_id": "trust"},
        {**actions(button("comment", text=plain("Comment"))), "block_id": "more"},
    ]

    @app.action(re.compile("level"))
    async def tapped(ack: Any, body: dict[str, Any], respond: Any) -> None:
        pressed.append(body["actions"][0]["block_id"])
        left = [b for b in body["message"]["blocks"] if b["block_id"] != pressed[-1]]
        await respond(replace_original=True, text="asked", blocks=left)
        await ack()

    await api.chat_postMessage(channel=BEN, text="asked", blocks=asking)

    assert await slack.let_team_answer() == 1
    assert pressed == ["clarity", "trust"]
    assert await slack.let_team_answer() == 0


async def test_workspace_changes_send_events(slack: FakeSlack, app: AsyncApp) -> None:
    events: list[Any] = []
    for kind in (
        *("user_change", "team_join", "member_left_channel", "channel_archive"),
        *("channel_unarchive", "channel_rename", "channel_id_changed", "channel_deleted"),
        *("tokens_revoked", "app_uninstalled"),
    ):

        @app.event(kind)
        async def record(event: dict[str, Any]) -> None:
            events.append(event)

    slack.deactivate(BEN)
    slack.add_user(slack.copy_of(BEN, id="U0NEW", name="new", deleted=False))
    slack.leave(LAUNCH, BEN)
    slack.archive(LAUNCH)
    slack.unarchive(LAUNCH)
    slack.rename(LAUNCH, "lunch")
    slack.change_channel_id(LAUNCH, "C1LAUNCH")
    slack.delete_channel("C1LAUNCH")
    await slack.settled()
    slack.uninstall()  # from now on Bolt's own auth.test call fails, too
    await slack.settled()

    assert {event["type"] for event in events} == {
        *("user_change", "team_join", "member_left_channel", "channel_archive"),
        *("channel_unarchive", "channel_rename", "channel_id_changed", "channel_deleted"),
        *("tokens_revoked", "app_uninstalled"),
    }
    changed = next(event for event in events if event["type"] == "user_change")
    assert changed["user"]["deleted"]


async def test_removal_and_invitation_of_the_app_send_events(
    slack: FakeSlack, app: AsyncApp
) -> None:
    events: list[tuple[str, str]] = []
    for kind in ("member_left_channel", "member_joined_channel", "channel_left"):

        @app.event(kind)
        async def record(event: dict[str, Any]) -> None:
            events.append((event["type"], event["channel"]))

    slack.leave(LAUNCH, BOT)
    await slack.settled()
    slack.join(LAUNCH, BOT, inviter=ANA)
    await slack.settled()

    assert {kind for kind, _ in events} >= {"member_left_channel", "member_joined_channel"}
    assert {channel for _, channel in events} == {LAUNCH}


async def test_restricted_channel_deleted_message_and_revoked_token(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    post = await api.chat_postMessage(channel=LAUNCH, text="said")
    slack.restrict(LAUNCH)
    with pytest.raises(SlackApiError, match="restricted_action"):
        await api.chat_postMessage(channel=LAUNCH, text="not said")
    await api.chat_postMessage(channel=ANA, text="elsewhere")
    slack.restrict(LAUNCH, "")
    await api.chat_postMessage(channel=LAUNCH, text="again", thread_ts=post["ts"])

    slack.delete_message(LAUNCH, post["ts"])
    with pytest.raises(SlackApiError, match="message_not_found"):
        await api.chat_update(channel=LAUNCH, ts=post["ts"], text="changed")
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await api.chat_postMessage(channel=LAUNCH, text="reply", thread_ts=post["ts"])

    slack.revoke_token()
    with pytest.raises(SlackApiError, match="token_revoked"):
        await api.chat_postMessage(channel=LAUNCH, text="nothing")
    slack.reinstall()
    await api.chat_postMessage(channel=LAUNCH, text="back")


async def test_forged_interaction_can_be_sent(slack: FakeSlack, app: AsyncApp) -> None:
    received = []

    @app.action("go")
    async def go(ack: Any, body: dict[str, Any]) -> None:
        received.append(body["user"]["id"])
        await ack()

    payload = {
        "type": "block_actions",
        "team": {"id": "T0PLAY", "domain": "northwind"},
        "user": {"id": BEN, "team_id": "T0PLAY"},
        "actions": [{"type": "button", "action_id": "go", "block_id": "b", "value": "1"}],
    }

    assert (await slack.interact(payload)).is_ack
    assert received == [BEN]
