"""Arguments of a Web API call, merged from the query, form and JSON body."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.playground.fake_slack.errors import SlackError
from bot.playground.fake_slack.model import Json

_JSON_ARGUMENTS = ("blocks", "attachments", "view", "message", "metadata", "files")
#: A request's arguments, since its body can be read once.
_ARGUMENTS = web.RequestKey("arguments", dict)


async def received(request: web.Request) -> Json:
    """Return all arguments of a request.

    Raises:
        SlackError: its JSON is invalid.
    """
    if (known := request.get(_ARGUMENTS)) is not None:
        return dict(known)
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        arguments |= _json_body(await request.read())
    elif request.can_read_body:
        arguments |= dict(await request.post())
    for name in _JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = _decoded(name, arguments[name])
    request[_ARGUMENTS] = arguments
    return dict(arguments)


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
    """Return the token from its header or argument."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ").strip()
    return str(args.get("token") or "")


class Arguments:
    """Typed access to arguments; unknown ones (such as team_id) are ignored."""

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
        """Return a required argument.

        Raises:
            SlackError: it is missing or empty.
        """
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
        """Return a boolean; 1, true and "true" count as true, as in Slack."""
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
        """Return a list, which may be given as a comma-separated string."""
        value = self.given.get(name)
        if isinstance(value, list):
            return [str(word) for word in value]
        return [word for word in str(value or "").split(",") if word]
