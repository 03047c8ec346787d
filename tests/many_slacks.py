"""One bot in several workspaces: a fake Slack for each, behind one address as at Slack.

A fake Slack knows one workspace with one token. The gateway gives each of them a workspace id and a
token of its own: it finds the fake by the token of a call, and translates what passes. Of the
workspaces of an organisation, which share its token, it goes by `team_id`: Slack would know the
channel or person, whose ids all fakes share.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from aiohttp import ClientResponse, ClientSession, web
from slack_sdk.oauth.installation_store.models.installation import Installation
from sqlalchemy import select

from bot.app import Imbalance
from bot.clock import AdjustableClock
from bot.db import schema
from bot.outbox.delivery import RetryTimings
from bot.outbox.rate_limits import RateLimits
from bot.playground.fake_slack.organization import ORG_ID, ORG_NAME
from bot.playground.fake_slack.signed_http import signature
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.harness import WORKSPACE, BotHarness, without_limits


@dataclass(kw_only=True)
class Tenant:
    """A workspace: its id, its token as Slack knows it, and the fake that plays it."""

    workspace_id: str
    slack: FakeSlack
    token: str
    #: What the gateway says instead of asking the fake; empty: nothing.
    refusal: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and token

    def installation(self) -> Installation:
        return Installation(
            app_id="A0IMBAL",
            team_id=self.workspace_id,
            team_name=f"Name of {self.workspace_id}",
            bot_token=self.token,
            bot_id="B0IMBAL",
            bot_user_id="U0IMBAL",
            bot_scopes=",".join(sorted(self.slack.scopes)),
            user_id="U0OWN",
        )


class Gateway:
    """What stands between the bot and the fakes."""

    def __init__(self, tenants: Mapping[str, Tenant], secret: str) -> None:
        self._tenants = tenants
        self._secret = secret
        self.request_url = ""
        self.url = ""
        self.strangers: list[str] = []  # tokens of no workspace

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application(client_max_size=20 * 1024**2)
        app.router.add_post("/events/{workspace}", self._to_bot)
        app.router.add_route("*", "/api/{method}", self._to_slack)
        app.router.add_route("*", "/at/{workspace}/{path:.*}", self._to_url)
        runner = web.AppRunner(app, access_log=None)
        async with ClientSession() as self._session:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield
            await runner.cleanup()

    async def _to_bot(self, request: web.Request) -> web.Response:
        tenant = self._tenants[request.match_info["workspace"]]
        body = self._outward(tenant, await request.read())
        stamp = request.headers["X-Slack-Request-Timestamp"]
        headers = _headers(request) | {"X-Slack-Signature": signature(self._secret, stamp, body)}
        async with self._session.post(self.request_url, data=body, headers=headers) as answer:
            return _copy(answer, self._inward(tenant, await answer.read()))

    async def _to_slack(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = [one for one in self._tenants.values() if token in (one.token, one.slack.bot_token)]
        method = request.match_info["method"]
        if not known or token == known[0].slack.bot_token:
            self.strangers.append(token)
            return web.json_response({"ok": False, "error": "invalid_auth"})
        tenant = known[0] if len(known) == 1 else await _addressed(request, known)
        tenant.calls.append((method, token))
        if tenant.refusal == "ratelimited":
            answer = {"ok": False, "error": "ratelimited"}
            return web.json_response(answer, status=429, headers={"Retry-After": "3600"})
        if tenant.refusal:
            return web.json_response({"ok": False, "error": tenant.refusal})
        return await self._forward(request, tenant, f"{tenant.slack.api_url}{method}")

    async def _to_url(self, request: web.Request) -> web.Response:
        tenant = self._tenants[request.match_info["workspace"]]
        return await self._forward(
            request, tenant, f"{tenant.slack.url}/{request.match_info['path']}"
        )

    async def _forward(self, request: web.Request, tenant: Tenant, url: str) -> web.Response:
        headers = _headers(request)
        if "Authorization" in headers:
            headers["Authorization"] = f"Bearer {tenant.slack.bot_token}"
        body = self._inward(tenant, await request.read())
        query = self._inward(tenant, request.query_string.encode()).decode()
        async with self._session.request(
            request.method, f"{url}?{query}", data=body, headers=headers
        ) as answer:
            return _copy(answer, self._outward(tenant, await answer.read()))

    def _inward(self, tenant: Tenant, body: bytes) -> bytes:
        return body.replace(tenant.workspace_id.encode(), WORKSPACE.encode())

    def _outward(self, tenant: Tenant, body: bytes) -> bytes:
        """Give the workspace its own id, and its response_urls the address of Slack."""
        own = body.replace(WORKSPACE.encode(), tenant.workspace_id.encode())
        for slash in (b"/", b"%2F"):
            colon = b"%3A" if slash == b"%2F" else b":"
            theirs = tenant.slack.url.encode().replace(b":", colon).replace(b"/", slash)
            ours = f"{self.url}/at/{tenant.workspace_id}".encode()
            own = own.replace(theirs, ours.replace(b":", colon).replace(b"/", slash))
        return own


async def _addressed(request: web.Request, tenants: list[Tenant]) -> Tenant:
    body = await request.read()
    if request.content_type == "application/json":
        team_id = json.loads(body or b"{}").get("team_id")
    else:
        form = parse_qs(body.decode(errors="replace")) | parse_qs(request.query_string)
        team_id = form.get("team_id", [""])[0]
    return next((one for one in tenants if one.workspace_id == team_id), tenants[0])


def _headers(request: web.Request) -> dict[str, str]:
    dropped = {"host", "content-length", "transfer-encoding"}
    return {name: value for name, value in request.headers.items() if name.lower() not in dropped}


def _copy(answer: ClientResponse, body: bytes) -> web.Response:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in ("Content-Type", "Retry-After", "X-OAuth-Scopes", "X-Slack-No-Retry")
    }
    return web.Response(status=answer.status, body=body, headers=headers)


@dataclass(frozen=True, kw_only=True)
class ManyWorkspaces:
    """One running bot and the workspaces that it may be installed in."""

    bot: Imbalance
    settings: Settings
    clock: AdjustableClock
    gateway: Gateway
    tenants: Mapping[str, Tenant]

    def __getitem__(self, workspace_id: str) -> BotHarness:
        return BotHarness(bot=self.bot, slack=self.tenants[workspace_id].slack, clock=self.clock)

    async def install(self, *workspace_ids: str) -> None:
        for workspace_id in workspace_ids:
            await self.bot.installations.async_save(self.tenants[workspace_id].installation())

    async def install_org_wide(self, token: str) -> None:
        """Install the bot in the organisation of all workspaces, which does not add them to it."""
        for tenant in self.tenants.values():
            tenant.slack.install_org_wide()
            tenant.token = token
        one = next(iter(self.tenants.values())).installation()
        one.team_id = one.team_name = None
        one.enterprise_id, one.enterprise_name = ORG_ID, ORG_NAME
        one.is_enterprise_install = True
        await self.bot.installations.async_save(one)

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[str]:
        """A second process of the bot on the same database; the address for Slack's requests."""
        second = Imbalance(self.settings, self.clock, http=True, **_parts())
        await second.start()
        yield f"http://127.0.0.1:{second.http_port}/slack/events"
        await second.stop()

    async def state_of(self, workspace_id: str) -> str | None:
        """Return whether it is installed there; None: the workspace is not known."""
        workspaces = schema.workspaces
        found = select(workspaces.c.state).where(workspaces.c.workspace_id == workspace_id)
        async with self.bot.db.reading() as reader:
            state: str | None = await reader.scalar(found)
        return state


def _parts() -> dict[str, Any]:
    return without_limits(RetryTimings(settle=0)) | {"rate_limits": RateLimits()}


@asynccontextmanager
async def running_in_many(
    settings: Settings, clock: AdjustableClock, slacks: Mapping[str, FakeSlack]
) -> AsyncIterator[ManyWorkspaces]:
    """A running bot over signed HTTP, installed nowhere yet, and a fake Slack per workspace."""
    tenants = tenants_of(slacks)
    gateway = Gateway(tenants, next(iter(slacks.values())).signing_secret)
    async with gateway.serving():
        own = replace(
            settings,
            slack_bot_token="",
            slack_app_token="",
            client_id="1.2",
            client_secret="secret",
            public_url="https://bot.example.com",
            slack_api_url=f"{gateway.url}/api/",
        )
        bot = Imbalance(own, clock, http=True, **_parts())
        await bot.start()
        gateway.request_url = f"http://127.0.0.1:{bot.http_port}/slack/events"
        for workspace_id, tenant in tenants.items():
            tenant.slack.request_url = f"{gateway.url}/events/{workspace_id}"
        yield ManyWorkspaces(bot=bot, settings=own, clock=clock, gateway=gateway, tenants=tenants)
        await bot.stop()
        assert gateway.strangers == []
        assert [problem for slack in slacks.values() for problem in slack.problems] == []


def tenants_of(slacks: Mapping[str, FakeSlack]) -> dict[str, Tenant]:
    return {
        one: Tenant(workspace_id=one, slack=slack, token=f"xoxb-of-{one}-1")
        for one, slack in slacks.items()
    }
