"""The baseline: a minimal Bolt app, which acknowledges and does nothing else.

    python -m tests.bench.empty_app PORT API_URL SIGNING_SECRET default|before_response

It is served like the bot: aiohttp, one process, no access log.
"""

import asyncio
import re
import signal
import sys
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

MODAL: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Nothing"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "Nothing"}}],
}


def build(api_url: str, secret: str, *, before_response: bool) -> AsyncApp:
    app = AsyncApp(
        client=AsyncWebClient("xoxb-nothing", base_url=api_url),
        signing_secret=secret,
        process_before_response=before_response,
    )

    @app.action(re.compile(r"^rounds\.tap\."))
    async def pressed(ack: AsyncAck) -> None:
        await ack()

    @app.command("/imbalance")
    async def typed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    return app


async def serve(app: AsyncApp, port: int) -> None:
    runner = web.AppRunner(app.web_app(path="/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    await runner.cleanup()


if __name__ == "__main__":
    port, api_url, secret, mode = sys.argv[1:]
    app = build(api_url, secret, before_response=mode == "before_response")
    asyncio.run(serve(app, int(port)))
