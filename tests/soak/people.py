"""Control of the bot's process: start it, send it commands, and send it what Slack would."""

import asyncio
import hashlib
import hmac
import json
import sys
from datetime import date, datetime, time
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientTimeout
from sqlalchemy import select

from bot.clock import real_now
from bot.db import schema
from bot.db.engine import Database
from tests.harness import KEY_RING
from tests.soak.bot import SECRET, Json
from tests.soak.simulated_workspace import CHANNEL
from tests.soak.slack import Post

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class BotProcess:
    """The process of the bot for many workspaces. `next_at` is when its next item is due."""

    def __init__(self, config: Json) -> None:
        self._config = config
        self._db = Database(config["database"], KEY_RING)
        self._bot_port = 0
        self.next_at: datetime | None = None
        self.requests = 0

    async def __aenter__(self) -> "BotProcess":
        self._session = ClientSession(timeout=ClientTimeout(total=600))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.bot"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._config).encode() + b"\n")
        self._url = f"http://127.0.0.1:{int(await self._process.stdout.readline())}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._db.close()
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def do(self, command: str, **arguments: Any) -> Json:
        """Execute a command of `CommandHandler`. Raises RuntimeError if it fails."""
        async with self._session.post(f"{self._url}/{command}", json=arguments) as response:
            if response.status != 200:
                raise RuntimeError(f"{command}: {await response.text()}")
            answer: Json = json.loads(await response.text())
        if "next" in answer:
            self.next_at = datetime.fromisoformat(answer["next"]) if answer["next"] else None
        self._bot_port = answer.get("port", self._bot_port)
        return answer

    async def rows(self, table: str, *columns: str) -> list[list[Any]]:
        """Rows of all workspaces, with times as text.

        They are read outside of the bot, because its memory is measured.
        """
        found = schema.metadata.tables[table]
        async with self._db.reading() as reader:
            rows = [
                list(row) for row in await reader.execute(select(*(found.c[n] for n in columns)))
            ]
        return [[_as_text(value) for value in row] for row in rows]

    async def send_interaction(self, payload: Json) -> None:
        await self._send(urlencode({"payload": json.dumps(payload)}), FORM)

    async def send_event(self, workspace_id: str, event: Json, event_id: str) -> None:
        body = {
            "type": "event_callback",
            "team_id": workspace_id,
            "api_app_id": "A0SOAK",
            "event_id": event_id,
            "event_time": 0,
            "event": {"channel": CHANNEL, "team": workspace_id, **event},
        }
        await self._send(json.dumps(body), JSON)

    async def _send(self, body: str, content_type: str) -> None:
        self.requests += 1
        timestamp = str(int(real_now().timestamp()))
        signed = hmac.new(SECRET.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }
        url = f"http://127.0.0.1:{self._bot_port}/slack/events"
        async with self._session.post(url, data=body, headers=headers) as response:
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {await response.text()}")


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def answer_payloads(post: Post, levels: dict[str, int], comment: str, slack_url: str) -> list[Json]:
    """A comment and a tap for each level, or a click on Skip if there are none."""
    round_id = post.button_values["rounds.skip"]
    actions = [f"rounds.tap.{key}.{level}" for key, level in levels.items()] or ["rounds.skip"]
    clicks = [_click(post, action_id, round_id, slack_url) for action_id in actions]
    return [*([_comment_form(post, round_id, comment)] if comment else []), *clicks]


def _click(post: Post, action_id: str, round_id: str, slack_url: str) -> Json:
    direct = f"D{post.to[1:]}"
    return {
        **_by(post),
        "type": "block_actions",
        "response_url": f"{slack_url}/hooks",
        "channel": {"id": direct},
        "container": {"type": "message", "channel_id": direct, "message_ts": post.ts},
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": round_id}],
    }


def _comment_form(post: Post, round_id: str, comment: str) -> Json:
    name = f"answer:{round_id}:comment"
    typed = {"type": "plain_text_input", "value": comment}
    return {
        **_by(post),
        "type": "view_submission",
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": "rounds.comment_form",
            "private_metadata": round_id,
            "blocks": [{"type": "input", "block_id": name}],
            "state": {"values": {name: {"rounds.words": typed}}},
        },
    }


def _by(post: Post) -> Json:
    return {
        "team": {"id": post.workspace_id},
        "user": {"id": post.to, "team_id": post.workspace_id},
        "api_app_id": "A0SOAK",
        "trigger_id": "1.2.3",
    }
