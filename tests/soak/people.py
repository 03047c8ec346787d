"""The bot's process from outside: started, told what to do, spoken to as Slack does."""

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
from tests.soak.bot import SECRET, Said
from tests.soak.simulated_workspace import CHANNEL
from tests.soak.slack import Post

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class BotProcess:
    """Many workspaces' bot; `next_at` is when something becomes due in it."""

    def __init__(self, *, port: int, told: Said) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._port, self._told = port, told
        self._db = Database(told["database"])
        self._bot_port = 0
        self.next_at: datetime | None = None
        self.requests = 0

    async def __aenter__(self) -> "BotProcess":
        self._session = ClientSession(timeout=ClientTimeout(total=600))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.bot", str(self._port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._told).encode() + b"\n")
        assert await self._process.stdout.readline() == b"ready\n"
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

    async def do(self, what: str, **told: Any) -> Said:
        """Have something done. Raises RuntimeError where it fails."""
        async with self._session.post(f"{self._url}/{what}", json=told) as response:
            if response.status != 200:
                raise RuntimeError(f"{what}: {await response.text()}")
            answer: Said = json.loads(await response.text())
        if "next" in answer:
            self.next_at = datetime.fromisoformat(answer["next"]) if answer["next"] else None
        self._bot_port = answer.get("port", self._bot_port)
        return answer

    async def rows(self, table: str, *columns: str) -> list[list[Any]]:
        """Of all workspaces, with times as text. Not read in the bot: its memory is measured."""
        found = schema.metadata.tables[table]
        async with self._db.reading() as reader:
            rows = [
                list(row) for row in await reader.execute(select(*(found.c[n] for n in columns)))
            ]
        return [[_written(value) for value in row] for row in rows]

    async def click(self, payload: Said) -> None:
        await self._sends(urlencode({"payload": json.dumps(payload)}), FORM)

    async def hears(self, workspace_id: str, event: Said, event_id: str) -> None:
        body = {
            "type": "event_callback",
            "team_id": workspace_id,
            "api_app_id": "A0SOAK",
            "event_id": event_id,
            "event_time": 0,
            "event": {"channel": CHANNEL, "team": workspace_id, **event},
        }
        await self._sends(json.dumps(body), JSON)

    async def _sends(self, body: str, content_type: str) -> None:
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


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def pressed(post: Post, given: dict[str, int], remark: str, slack_url: str) -> Said:
    """Send with what was given, or Skip where nothing is."""
    round_id = post.pressing["rounds.send"]
    action_id = "rounds.send" if given else "rounds.skip"
    direct = f"D{post.to[1:]}"
    return {
        "type": "block_actions",
        "team": {"id": post.workspace_id},
        "user": {"id": post.to, "team_id": post.workspace_id},
        "api_app_id": "A0SOAK",
        "trigger_id": "1.2.3",
        "response_url": f"{slack_url}/hooks",
        "channel": {"id": direct},
        "container": {"type": "message", "channel_id": direct, "message_ts": post.ts},
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": round_id}],
        "state": {"values": _typed(round_id, given, remark)},
    }


def _typed(round_id: str, given: dict[str, int], remark: str) -> Said:
    typed: Said = {
        f"answer:{round_id}:{key}": {
            "rounds.level": {"type": "radio_buttons", "selected_option": {"value": str(level)}}
        }
        for key, level in given.items()
    }
    if remark:
        said = {"type": "plain_text_input", "value": remark}
        typed[f"answer:{round_id}:comment"] = {"rounds.comment": said}
    return typed
