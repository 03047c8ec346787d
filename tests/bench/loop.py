"""The loop that everyone writes first: one chat.postMessage after the other. Its own process.

    python -m tests.bench.loop API_URL COUNT

Prints how many seconds it took.
"""

import asyncio
import sys

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import monotonic
from tests.bench.actions import some_text


async def main(api_url: str, count: int) -> float:
    client = AsyncWebClient("xoxb-loop", base_url=api_url)
    began = monotonic()
    for number in range(count):
        await client.chat_postMessage(channel=f"U{number:08d}", **some_text(number))
    return monotonic() - began


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
