"""HTTP handlers of the install pages.

They use slack_sdk's AuthorizeUrlGenerator and store interfaces, not slack_bolt's AsyncOAuthFlow:
that sets a cookie without SameSite, and uses up a state before it looks at the browser's cookie.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db.db_errors import failure_kind
from bot.installing import messages, pages
from bot.installing.pages import HEADERS, Problem
from bot.installing.scopes import asked_for
from bot.log import log
from bot.outbox import enqueue, keys
from bot.slack.errors import ErrorKind, classify
from bot.workspaces.installation_store import InstallationStore
from bot.workspaces.oauth_state_store import LIFETIME

INSTALL_PATH = "/slack/install"
BEGIN_PATH = "/slack/install/begin"
CALLBACK_PATH = "/slack/oauth_redirect"

#: Slack's names for a code that is no longer, or was never, good.
_CODE_ERRORS = frozenset({"code_already_used", "code_expired", "invalid_code"})
#: Slack's names for "this person may not install it there".
_NOT_ALLOWED = frozenset({"access_denied", "app_not_approved", "user_not_allowed", "not_allowed"})
_NOT_DISTRIBUTED = "invalid_team_for_non_distributed_app"

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True)
class InstallSettings:
    """The app's OAuth credentials, and the addresses of the bot and of Slack's Web API.

    `public_url` is without a slash at its end.
    """

    client_id: str
    client_secret: str
    public_url: str
    api_url: str
    asks_for_history: bool = True

    @property
    def slack_url(self) -> str:
        """The address of Slack's own pages, with a slash at its end."""
        return self.api_url.removesuffix("api/")


class NotInstalled(Exception):
    """Raised where an installation ends; has the problem to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


class InstallPages:
    """The install page, the way to Slack, and the way back."""

    def __init__(
        self,
        settings: InstallSettings,
        clock: Clock,
        client: AsyncWebClient,
        states: AsyncOAuthStateStore,
        installations: InstallationStore,
    ) -> None:
        """`client` has no token; its address, session and timeout are used for the exchange."""
        self._settings = settings
        self._clock = clock
        self._client = client
        self._states = states
        self._installations = installations
        self._scopes = asked_for(history=settings.asks_for_history)
        self._redirect_uri = settings.public_url + CALLBACK_PATH

    def add_to(self, app: web.Application) -> None:
        router = app.router
        router.add_get("/", self._to_install_page)
        router.add_get(INSTALL_PATH, self._show_install_page)
        router.add_get(BEGIN_PATH, partial(self._page, self._begin), allow_head=False)
        router.add_get(CALLBACK_PATH, partial(self._page, self._complete), allow_head=False)

    async def _page(self, handler: Handler, request: web.Request) -> web.Response:
        """Answer with a page whatever happens."""
        try:
            return await handler(request)
        except NotInstalled as error:
            problem = error.problem
        except Exception as error:  # noqa: BLE001 - logged; a person waits for a page
            if failure_kind(error) is None:
                log.exception("install_failed")
                problem = pages.BROKEN
            else:
                log.error("install_not_stored", why=type(error).__name__)
                problem = pages.NOT_STORED
        page = pages.problem_page(problem, self._settings.public_url + INSTALL_PATH)
        return _html(page, problem.status)

    async def _to_install_page(self, _: web.Request) -> web.Response:
        return _redirect(self._settings.public_url + INSTALL_PATH)

    async def _show_install_page(self, _: web.Request) -> web.Response:
        return _html(pages.install_page(self._settings.public_url + BEGIN_PATH, self._scopes))

    async def _begin(self, _: web.Request) -> web.Response:
        state = await self._states.async_issue()
        generator = AuthorizeUrlGenerator(
            client_id=quote(self._settings.client_id, safe=""),
            redirect_uri=quote(self._redirect_uri, safe=""),
            scopes=list(self._scopes),
            authorization_url=f"{self._settings.slack_url}oauth/v2/authorize",
        )
        response = _redirect(generator.generate(state))
        response.set_cookie(
            cookie_of(state),
            state,
            max_age=int(LIFETIME.total_seconds()),
            path=self._cookie_path,
            httponly=True,
            secure=self._settings.public_url.startswith("https://"),
            samesite="Lax",
        )
        return response

    @property
    def _cookie_path(self) -> str:
        return urlsplit(self._redirect_uri).path

    async def _complete(self, request: web.Request) -> web.Response:
        await self._check_state(request)
        installation = await self._exchange(_code(request))
        is_again = await self._save(installation)
        log.info(
            "installed",
            workspace=installation.team_id or installation.enterprise_id,
            is_org_wide=installation.is_enterprise_install,
            is_again=is_again,
        )
        response = _html(pages.landing_page(installation, self._settings.slack_url, is_again))
        response.del_cookie(cookie_of(request.query["state"]), path=self._cookie_path)
        return response

    async def _check_state(self, request: web.Request) -> None:
        """Use the state up, after the cookie: nobody else's browser can spoil a running one."""
        state = request.query.get("state", "")
        if not state:
            raise NotInstalled(pages.MISSING_STATE)
        cookie = request.cookies.get(cookie_of(state), "")
        if not hmac.compare_digest(_bytes(cookie), _bytes(state)):
            raise NotInstalled(pages.OTHER_BROWSER)
        if not await self._states.async_consume(state):
            raise NotInstalled(pages.STATE_OVER)

    async def _exchange(self, code: str) -> Installation:
        try:
            # Not oauth_v2_access: it uses aiohttp's BasicAuth, which is deprecated.
            answer = await self._client.api_call(
                "oauth.v2.access",
                data={
                    "client_id": self._settings.client_id,
                    "client_secret": self._settings.client_secret,
                    "code": code,
                    "redirect_uri": self._redirect_uri,
                },
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotInstalled(_problem_with(error)) from None
        if answer.get("refresh_token"):
            log.error("install_token_rotates")
            raise NotInstalled(pages.ROTATING)
        return _installation(answer)

    async def _save(self, installation: Installation) -> bool:
        """Store the installation. Return whether there was one before."""
        earlier = await self._installations.async_find_bot(
            enterprise_id=installation.enterprise_id,
            team_id=installation.team_id,
            is_enterprise_install=installation.is_enterprise_install,
        )
        bot = installation.to_bot()
        try:
            await self._installations.save_and(bot, partial(self._greet, installation))
        except ValueError:
            log.error("install_without_bot")
            raise NotInstalled(pages.REFUSED) from None
        return earlier is not None

    async def _greet(self, installation: Installation, tx: AsyncConnection) -> None:
        """Tell the installer, in the workspace, what to do first; an organisation is no place."""
        if installation.team_id and installation.user_id:
            await enqueue.post(
                tx,
                installation.team_id,
                key=keys.installed(installation.user_id),
                to=installation.user_id,
                content=messages.first_steps(),
                now=self._clock.now(),
            )


def cookie_of(state: str) -> str:
    """Return the name of a state's cookie; each has its own, so two tabs may install at once."""
    return f"imbalance-install-{sha256(_bytes(state)).hexdigest()[:16]}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _code(request: web.Request) -> str:
    error = request.query.get("error")
    if error is not None:
        raise NotInstalled(pages.DENIED if error == "access_denied" else pages.REFUSED)
    code = request.query.get("code", "")
    if not code:
        raise NotInstalled(pages.REFUSED)
    return code


def _problem_with(error: Exception) -> Problem:
    """Return the page for a failed exchange; the log has Slack's name for the reason."""
    meaning = classify(error)
    log.warning("install_refused", error=meaning.reason)
    if meaning.kind in (ErrorKind.UNKNOWN, ErrorKind.RETRYABLE):
        return pages.UNREACHABLE
    if meaning.reason in _CODE_ERRORS:
        return pages.CODE_OVER
    if meaning.reason in _NOT_ALLOWED:
        return pages.NOT_ALLOWED
    return pages.NOT_DISTRIBUTED if meaning.reason == _NOT_DISTRIBUTED else pages.REFUSED


def _installation(answer: AsyncSlackResponse) -> Installation:
    team = answer.get("team") or {}
    enterprise = answer.get("enterprise") or {}
    return Installation(
        app_id=answer.get("app_id"),
        enterprise_id=enterprise.get("id"),
        enterprise_name=enterprise.get("name"),
        team_id=team.get("id"),
        team_name=team.get("name"),
        bot_token=answer.get("access_token"),
        bot_user_id=answer.get("bot_user_id"),
        bot_scopes=answer.get("scope", ""),
        user_id=(answer.get("authed_user") or {}).get("id", ""),
        is_enterprise_install=bool(answer.get("is_enterprise_install")),
        token_type=answer.get("token_type"),
    )


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={**HEADERS, "Location": location})


def _html(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html", headers=HEADERS)
