"""Pictures: drawn and uploaded unshared; the message then shows one by its file id."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

#: Takes the facts of a chart, returns a PNG.
Draw = Callable[[dict[str, Any]], Awaitable[bytes]]


async def upload(client: AsyncWebClient, draw: Draw, picture: dict[str, Any]) -> str:
    """Draw a picture, upload it, and return its file id. Repeating this only leaves an unseen file.

    Raises:
        SlackApiError, aiohttp.ClientError, TimeoutError: it could not be uploaded.
    """
    png = await draw(picture["facts"])
    answer = await client.files_upload_v2(
        content=png,
        filename="results.png",
        title=picture["title"],
        alt_txt=picture["alt_text"][:1000],
    )
    return str(answer["files"][0]["id"])
