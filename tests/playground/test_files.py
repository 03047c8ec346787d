"""Two-step uploads, and image blocks that show them."""

from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, LAUNCH, error_name

PICTURE = {"type": "image", "alt_text": "A chart"}


async def post_block(api: AsyncWebClient, block: dict[str, Any]) -> str:
    return str((await api.chat_postMessage(channel=LAUNCH, text="look", blocks=[block]))["ts"])


async def test_uploaded_picture_can_be_shown(slack: FakeSlack, api: AsyncWebClient) -> None:
    answer = await api.files_upload_v2(content=b"png", filename="a.png", alt_txt="A chart")
    file_id = answer["files"][0]["id"]
    ts = await post_block(api, {**PICTURE, "slack_file": {"id": file_id}})
    await slack.settled()

    info = (await api.files_info(file=file_id))["file"]
    assert slack.workspace.contents[file_id] == b"png"
    assert (info["mimetype"], info["alt_txt"]) == ("image/png", "A chart")
    assert info["shares"]["public"][LAUNCH][0]["ts"] == ts


async def test_missing_or_unprocessed_picture_is_refused(
    slack: FakeSlack, api: AsyncWebClient
) -> None:
    answer = await api.files_upload_v2(content=b"png", filename="a.png")
    good, bad = ({"id": answer["files"][0]["id"]}, {"id": "F0"})
    slack.faults.unprocessed_files = 1
    for file in (good, bad):
        with pytest.raises(SlackApiError) as refused:
            await post_block(api, {**PICTURE, "slack_file": file})
        assert error_name(refused.value) == "invalid_blocks"

    await post_block(api, {**PICTURE, "slack_file": good})


async def test_upload_can_share_the_file(slack: FakeSlack, api: AsyncWebClient) -> None:
    await api.files_upload_v2(
        content=b"png", filename="a.png", channel=LAUNCH, initial_comment="look"
    )
    await slack.settled()

    (seen,) = slack.as_user(ANA).visible(LAUNCH)
    assert (seen["text"], seen["files"][0]["name"]) == ("look", "a.png")


async def test_upload_steps_must_come_in_order(
    slack: FakeSlack, api: AsyncWebClient, session: ClientSession
) -> None:
    upload = await api.files_getUploadURLExternal(filename="a.png", length=3)
    file = {"id": upload["file_id"], "title": "A"}
    with pytest.raises(SlackApiError) as too_early:
        await api.files_completeUploadExternal(files=[file])
    async with session.post(upload["upload_url"], data=b"wrong") as response:
        assert response.status == 400
    async with session.post(upload["upload_url"], data=b"png") as response:
        assert response.status == 200
    await api.files_completeUploadExternal(files=[file])
    with pytest.raises(SlackApiError):
        await api.files_completeUploadExternal(files=[file])

    assert error_name(too_early.value) == "file_not_found"
