"""The Web API: checks token, scope, limits and faults, runs the method, records every call."""

import json
from functools import partial
from typing import Any

from aiohttp import web

from bot.playground.fake_slack import (
    api_chat,
    api_conversations,
    api_files,
    api_marks,
    api_people,
    api_views,
    example_workspace,
    oauth,
    organization,
)
from bot.playground.fake_slack.arguments import Arguments, received, token_of
from bot.playground.fake_slack.core import APP_TOKEN, Call, Core
from bot.playground.fake_slack.errors import RateLimited, SlackError
from bot.playground.fake_slack.methods import Method, require
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.rate_limits import POSTS_PER_MINUTE, SLOW_HISTORY, TIERS

METHODS: dict[str, Method] = {
    **api_chat.METHODS,
    **api_conversations.METHODS,
    **api_files.METHODS,
    **api_marks.METHODS,
    **api_people.METHODS,
    **api_views.METHODS,
}

MOST_CALLS_KEPT = 10_000


async def serve(core: Core, request: web.Request) -> web.StreamResponse:
    """Handle and record a call, whatever its outcome."""
    method = request.match_info["method"]
    core = await _workspace_of(core, request)
    with core.work.under_way(method):
        fault = core.faults.take(method)
        if fault is None:
            answer = await _answer(core, request, method)
            await core.faults.wait(core.faults.latency)
            return answer
        if not fault.after_accept and (fault.replaces_answer or fault.drop):
            await _keep(core, request, method, fault.body)
        return await core.faults.carry_out(fault, request, partial(_answer, core, request, method))


async def _workspace_of(core: Core, request: web.Request) -> Core:
    """Return the workspace that a call is about: its address is the same for all of them."""
    if len(core.directory.cores) == 1:
        return core
    try:
        args = await received(request)
    except SlackError:
        return core
    return core.directory.core_of(token_of(request, args), args) or core


async def _keep(core: Core, request: web.Request, method: str, answer: Json) -> None:
    """Record a call that fails before it is processed."""
    args = await received(request)
    _remember(core, method, args, token_of(request, args), answer)


async def _answer(core: Core, request: web.Request, method: str) -> web.StreamResponse:
    args: Json = {}
    token, status, headers = "", 200, {}
    try:
        args = await received(request)
        token = token_of(request, args)
        if method == oauth.METHOD:
            body = {"ok": True, **oauth.access(core, {**args, **oauth.basic_credentials(request)})}
        else:
            body = {"ok": True, **_call(core, method, _inward(core, args), token)}
    except SlackError as error:
        body = error.body
    except RateLimited as limit:
        body, status = {"ok": False, "error": "ratelimited"}, 429
        headers = {"Retry-After": str(limit.retry_after)}
    _remember(core, method, args, token, body)
    return _response(core, body, status, headers)


def _inward(core: Core, args: Json) -> Json:
    """Return the arguments with the workspace as it is called inside."""
    if args.get("team_id") != core.team.id:
        return args
    return {**args, "team_id": example_workspace.TEAM_ID}


def _call(core: Core, name: str, args: Json, token: str) -> Json:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _admit(core, method, token)
    if not method.app_token:
        organization.require_access(core.install, name, args, lists=method.lists)
    if core.faults.rate_limits:
        core.install.limits.count(name, TIERS.get(method.tier, POSTS_PER_MINUTE))
    if core.faults.slow_history and name in SLOW_HISTORY:
        core.install.limits.count(name, 1)
    answer = method.handler(core, Arguments(args))
    core.stream.on_change()
    return answer


def _admit(core: Core, method: Method, token: str) -> None:
    """Check the token.

    Raises:
        SlackError: it is missing, wrong, revoked or of the wrong kind.
    """
    if not token:
        raise SlackError("not_authed")
    if token not in (core.install.token, APP_TOKEN):
        raise SlackError("invalid_auth")
    if (token == APP_TOKEN) != method.app_token:
        raise SlackError("not_allowed_token_type")
    if not core.install.is_installed:
        raise SlackError("account_inactive")
    if core.install.revoked:
        raise SlackError(core.install.revoked)
    if not method.app_token:
        require(core, method.scope)


def _remember(core: Core, method: str, args: Json, token: str, response: Json) -> None:
    call = Call(method=method, args=args, token=token, at=core.workspace.now(), response=response)
    core.calls.append(call)
    if len(core.calls) > MOST_CALLS_KEPT:
        del core.calls[0]


def _response(core: Core, body: Json, status: int, headers: dict[str, Any]) -> web.Response:
    return web.Response(
        text=core.team.outward(json.dumps(body)),
        status=status,
        content_type="application/json",
        headers={
            "X-OAuth-Scopes": ",".join(sorted(core.manifest.scopes)),
            "X-Slack-Req-Id": core.ids.secret(),
            **headers,
        },
    )
