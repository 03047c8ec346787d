"""The simplest sender: one chat.postMessage after the other, as a baseline.

    python -m tests.bench.loop API_URL COUNT

Prints the seconds it took.
"""

import asyncio
import sys

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import monotonic
from tests.bench.actions import example_message


async def main(api_url: str, count: int) -> float:
    client = AsyncWebClient("xoxb-loop", base_url=api_url)
    began = monotonic()
    for number in range(count):
        await client.chat_postMessage(channel=f"U{number:08d}", **example_message(number))
    return monotonic() - began


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
