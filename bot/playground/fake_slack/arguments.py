"""A Web API call's arguments, however they came: query, form and JSON body are one."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.model import Json

_JSON_ARGUMENTS = ("blocks", "attachments", "view", "metadata", "files")


async def received(request: web.Request) -> Json:
    """All arguments of a request. Raises SlackError where its JSON cannot be read."""
    found: Json = dict(request.query)
    if request.content_type == "application/json":
        found |= _json_body(await request.read())
    elif request.can_read_body:
        found |= dict(await request.post())
    for name in _JSON_ARGUMENTS:
        if isinstance(found.get(name), str):
            found[name] = _decoded(name, found[name])
    return found


def _json_body(body: bytes) -> Json:
    if not body:
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(content, dict):
        raise SlackError("json_not_object")
    return content


def _decoded(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        error = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
        raise SlackError(error.get(name, "invalid_arguments")) from None


def token_of(request: web.Request, args: Json) -> str:
    """The token, from its header or as an argument."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ").strip()
    return str(args.get("token") or "")


class Arguments:
    """Reads them by kind; unknown ones (such as team_id) do not matter."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    def get(self, name: str) -> Any:
        return self.given.get(name)

    def has(self, name: str) -> bool:
        return self.given.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.given.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        """A required argument. Raises SlackError where it is missing or empty."""
        value = self.text(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def need_object(self, name: str) -> Json:
        value = self.given.get(name)
        if not isinstance(value, dict):
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Slack takes 1, true and "true" for yes."""
        value = self.given.get(name)
        return default if value is None else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            raise SlackError("invalid_arguments") from None

    def words(self, name: str) -> list[str]:
        """A list that may come joined by commas."""
        value = self.given.get(name)
        if isinstance(value, list):
            return [str(word) for word in value]
        return [word for word in str(value or "").split(",") if word]
