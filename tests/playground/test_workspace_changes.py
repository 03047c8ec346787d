"""What happens around the app, and what it hears of it."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, BEN, BOT, LAUNCH, actions, asked, button, radio

pytestmark = pytest.mark.usefixtures("socket")


async def test_people_write_and_the_app_hears_of_its_direct_message(
    slack: FakeSlack, app: AsyncApp
) -> None:
    heard = []

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append((event["channel_type"], event["text"]))

    @app.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(("mention", event["text"]))

    direct = slack.workspace.direct(ANA, BOT)
    await slack.as_user(ANA).say(direct.id, "hello @Ben")
    await slack.as_user(ANA).say(LAUNCH, "unheard")
    await slack.as_user(ANA).say(LAUNCH, "@Imbalance help")

    assert heard == [("im", "hello <@U0BEN>"), ("mention", "<@U0IMBAL> help")]


async def test_the_team_answers_what_it_was_asked(
    slack: FakeSlack, app: AsyncApp, api: AsyncWebClient
) -> None:
    answers: dict[str, Any] = {}

    @app.action("send")
    async def sent(ack: Any, body: dict[str, Any], respond: Any) -> None:
        answers[body["user"]["id"]] = body["state"]["values"]["q"]["level"]["selected_option"]
        await respond(replace_original=True, text="received")
        await ack()

    blocks = [asked("q", radio()), actions(button("skip"), button("send", style="primary"))]
    for person in (ANA, BEN, "U0EMI"):
        await api.chat_postMessage(channel=person, text="asked", blocks=blocks)

    assert await slack.team_answers() == 2
    assert await slack.team_answers() == 0
    assert answers.keys() == {BEN, "U0EMI"}
    assert all(answers.values())


async def test_changes_in_the_workspace_are_told(slack: FakeSlack, app: AsyncApp) -> None:
    told: list[Any] = []
    for kind in (
        *("user_change", "team_join", "member_left_channel", "channel_archive"),
        *("channel_unarchive", "channel_rename", "channel_id_changed", "channel_deleted"),
        *("tokens_revoked", "app_uninstalled"),
    ):

        @app.event(kind)
        async def heard(event: dict[str, Any]) -> None:
            told.append(event)

    slack.deactivate(BEN)
    slack.add_user(slack.copy_of(BEN, id="U0NEW", name="new", deleted=False))
    slack.leave(LAUNCH, BEN)
    slack.archive(LAUNCH)
    slack.unarchive(LAUNCH)
    slack.rename(LAUNCH, "lunch")
    slack.change_channel_id(LAUNCH, "C1LAUNCH")
    slack.delete_channel("C1LAUNCH")
    await slack.settled()
    slack.uninstall()  # from here on Bolt itself is refused at auth.test
    await slack.settled()

    assert {event["type"] for event in told} == {
        *("user_change", "team_join", "member_left_channel", "channel_archive"),
        *("channel_unarchive", "channel_rename", "channel_id_changed", "channel_deleted"),
        *("tokens_revoked", "app_uninstalled"),
    }
    changed = next(event for event in told if event["type"] == "user_change")
    assert changed["user"]["deleted"]


async def test_the_app_itself_is_removed_and_invited(slack: FakeSlack, app: AsyncApp) -> None:
    told: list[tuple[str, str]] = []
    for kind in ("member_left_channel", "member_joined_channel", "channel_left"):

        @app.event(kind)
        async def heard(event: dict[str, Any]) -> None:
            told.append((event["type"], event["channel"]))

    slack.leave(LAUNCH, BOT)
    await slack.settled()
    slack.join(LAUNCH, BOT, inviter=ANA)
    await slack.settled()

    assert {kind for kind, _ in told} >= {"member_left_channel", "member_joined_channel"}
    assert {channel for _, channel in told} == {LAUNCH}


async def test_posting_is_restricted_a_message_deleted_a_token_given_back(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    said = await api.chat_postMessage(channel=LAUNCH, text="said")
    slack.restrict(LAUNCH)
    with pytest.raises(SlackApiError, match="restricted_action"):
        await api.chat_postMessage(channel=LAUNCH, text="not said")
    await api.chat_postMessage(channel=ANA, text="elsewhere")
    slack.restrict(LAUNCH, "")
    await api.chat_postMessage(channel=LAUNCH, text="again", thread_ts=said["ts"])

    slack.delete_message(LAUNCH, said["ts"])
    with pytest.raises(SlackApiError, match="message_not_found"):
        await api.chat_update(channel=LAUNCH, ts=said["ts"], text="changed")
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await api.chat_postMessage(channel=LAUNCH, text="reply", thread_ts=said["ts"])

    slack.revoke_token()
    with pytest.raises(SlackApiError, match="token_revoked"):
        await api.chat_postMessage(channel=LAUNCH, text="nothing")
    slack.reinstall()
    await api.chat_postMessage(channel=LAUNCH, text="back")


async def test_a_forged_interaction_can_be_sent(slack: FakeSlack, app: AsyncApp) -> None:
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
