"""Responses to a person outside the Web API: replies to commands, and response_url posts."""

import json
from functools import partial
from typing import Any

from aiohttp import web

from bot.playground.fake_slack import messages
from bot.playground.fake_slack.checks import Problem, check_blocks, name_of
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Conversation, Json
from bot.playground.fake_slack.response_urls import ResponseUrl
from bot.playground.fake_slack.views import prepared

_CONTENT = ("text", "blocks", "attachments", "thread_ts")


def show_answer(
    core: Core, user_id: str, conversation: Conversation, typed: str, body: Json
) -> None:
    """Show the reply to a command; if it goes to the channel, show the typed command as well."""
    content = _content(core, body)
    in_channel = body.get("response_type") == "in_channel"
    if in_channel:
        messages.post(core, conversation, messages.by_person(core, user_id, {"text": typed}))
    if content is None:
        return
    message = messages.by_bot(core, content)
    if in_channel:
        messages.post(core, conversation, message)
    else:
        messages.post_ephemeral(core, conversation, user_id, message)


def _content(core: Core, body: Json) -> Json | None:
    """Return the message in a body, or None if it is empty or Slack would refuse it."""
    if not body.get("text") and not body.get("blocks"):
        return None
    problems = _problems(core, body)
    if problems:
        core.problems.extend(f"answer: {problem}" for problem in problems)
        return None
    content = {key: body[key] for key in _CONTENT if body.get(key)}
    content.setdefault("text", "")
    if "blocks" in content:
        content["blocks"] = prepared(core, content["blocks"])
    return content


def _problems(core: Core, body: Json) -> list[Problem]:
    return check_blocks(body.get("blocks") or [], "message", has_file=core.has_file)


async def serve(core: Core, request: web.Request) -> web.StreamResponse:
    """Handle a POST to a response_url."""
    with core.work.under_way("response_url"):
        fault = core.faults.take("response_url")
        if fault is None:
            return await _respond(core, request)
        return await core.faults.carry_out(fault, request, partial(_respond, core, request))


async def _respond(core: Core, request: web.Request) -> web.Response:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return web.Response(status=400, text="invalid_payload")
    ticket = core.tickets.use(request.match_info["secret"])
    if isinstance(ticket, str):
        core.problems.append(f"response_url: {ticket}")
        return web.Response(status=404, text=ticket)
    wrong = _carry_out(core, ticket, body) if isinstance(body, dict) else "invalid_payload"
    if wrong:
        core.problems.append(f"response_url: {wrong}")
        return web.Response(status=400, text=wrong)
    return web.Response(text="ok")


def _carry_out(core: Core, ticket: ResponseUrl, body: Json) -> str:
    """Carry out the request in the body. Return Slack's error, or an empty string."""
    conversation = core.workspace.conversations.get(ticket.channel_id)
    if conversation is None:
        return "channel_not_found"
    if conversation.is_archived and body.get("response_type") == "in_channel":
        return "is_archived"
    original = _original(conversation, ticket)
    if body.get("delete_original"):
        return _delete(core, conversation, original)
    content = _content(core, body)
    if content is None:
        problems = _problems(core, body)
        return name_of(problems) if problems else "no_text"
    if original is not None and body.get("replace_original"):
        _replace(core, conversation, original, content)
    elif body.get("response_type") == "in_channel":
        messages.post(core, conversation, messages.by_bot(core, content))
    else:
        message = messages.by_bot(core, content)
        messages.post_ephemeral(core, conversation, ticket.user_id, message)
    return ""


def _original(conversation: Conversation, ticket: ResponseUrl) -> Json | None:
    if ticket.container is None or "message_ts" not in ticket.container:
        return None
    ts = str(ticket.container["message_ts"])
    whispered = (item for item in conversation.ephemerals if item["ts"] == ts)
    return conversation.messages.get(ts) or next(whispered, None)


def _delete(core: Core, conversation: Conversation, original: Json | None) -> str:
    if original is None:
        return "message_not_found"
    if "only_for" in original:
        messages.delete_ephemeral(core, conversation, original)
    else:
        messages.delete(core, conversation, original)
    return ""


def _replace(core: Core, conversation: Conversation, original: Json, content: Json) -> None:
    replaced: dict[str, Any] = {"text": content["text"], "blocks": content.get("blocks")}
    if "only_for" not in original:
        messages.change(core, conversation, original, replaced)
        return
    original |= {key: value for key, value in replaced.items() if value is not None}
    if replaced["blocks"] is None:
        original.pop("blocks", None)
    messages.show_ephemeral(core, conversation, original)
