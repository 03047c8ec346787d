"""Uploads in two steps, and pictures that show them."""

from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.playground.helpers import ANA, LAUNCH, said_no

PICTURE = {"type": "image", "alt_text": "A chart"}


async def show(api: AsyncWebClient, block: dict[str, Any]) -> str:
    return str((await api.chat_postMessage(channel=LAUNCH, text="look", blocks=[block]))["ts"])


async def test_a_picture_is_uploaded_and_then_shown(slack: FakeSlack, api: AsyncWebClient) -> None:
    answer = await api.files_upload_v2(content=b"png", filename="a.png", alt_txt="A chart")
    file_id = answer["files"][0]["id"]
    ts = await show(api, {**PICTURE, "slack_file": {"id": file_id}})
    await slack.settled()

    info = (await api.files_info(file=file_id))["file"]
    assert slack.workspace.contents[file_id] == b"png"
    assert (info["mimetype"], info["alt_txt"]) == ("image/png", "A chart")
    assert info["shares"]["public"][LAUNCH][0]["ts"] == ts


async def test_a_picture_must_be_there_and_processed(slack: FakeSlack, api: AsyncWebClient) -> None:
    answer = await api.files_upload_v2(content=b"png", filename="a.png")
    good, bad = ({"id": answer["files"][0]["id"]}, {"id": "F0"})
    slack.faults.unprocessed_files = 1
    for file in (good, bad):
        with pytest.raises(SlackApiError) as refused:
            await show(api, {**PICTURE, "slack_file": file})
        assert said_no(refused.value) == "invalid_blocks"

    await show(api, {**PICTURE, "slack_file": good})


async def test_a_file_can_be_shared_by_the_upload(slack: FakeSlack, api: AsyncWebClient) -> None:
    await api.files_upload_v2(
        content=b"png", filename="a.png", channel=LAUNCH, initial_comment="look"
    )
    await slack.settled()

    (seen,) = slack.as_user(ANA).visible(LAUNCH)
    assert (seen["text"], seen["files"][0]["name"]) == ("look", "a.png")


async def test_an_upload_is_done_in_order(
    slack: FakeSlack, api: AsyncWebClient, session: ClientSession
) -> None:
    announced = await api.files_getUploadURLExternal(filename="a.png", length=3)
    file = {"id": announced["file_id"], "title": "A"}
    with pytest.raises(SlackApiError) as too_early:
        await api.files_completeUploadExternal(files=[file])
    async with session.post(announced["upload_url"], data=b"wrong") as response:
        assert response.status == 400
    async with session.post(announced["upload_url"], data=b"png") as response:
        assert response.status == 200
    await api.files_completeUploadExternal(files=[file])
    with pytest.raises(SlackApiError):
        await api.files_completeUploadExternal(files=[file])

    assert said_no(too_early.value) == "file_not_found"
