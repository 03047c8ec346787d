"""HTTP handlers of the install pages.

They use slack_sdk's AuthorizeUrlGenerator and store interfaces, not slack_bolt's AsyncOAuthFlow:
that sets a cookie without SameSite, and uses up a state before it looks at the browser's cookie.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
import structlog
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.installing import pages
from bot.installing.pages import HEADERS, Problem
from bot.installing.scopes import REASONS

INSTALL_PATH = "/slack/install"
BEGIN_PATH = "/slack/install/begin"
CALLBACK_PATH = "/slack/oauth_redirect"
COOKIE = "imbalance-install"
STATE_SECONDS = 600

_CODE_ERRORS = frozenset({"code_already_used", "code_expired", "invalid_code"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class InstallSettings:
    """The app's OAuth credentials and addresses; public_url is without a slash at its end."""

    client_id: str
    client_secret: str
    public_url: str
    authorize_url: str = "https://slack.com/oauth/v2/authorize"


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
        client: AsyncWebClient,
        states: AsyncOAuthStateStore,
        installations: AsyncInstallationStore,
    ) -> None:
        """`client` has no token; its address, proxy and timeout are used for the exchange."""
        self._settings = settings
        self._client = client
        self._states = states
        self._installations = installations
        self._redirect_uri = settings.public_url + CALLBACK_PATH

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(INSTALL_PATH, self._show_install_page)
        app.router.add_get(BEGIN_PATH, self._begin, allow_head=False)
        app.router.add_get(CALLBACK_PATH, self._complete, allow_head=False)

    async def _show_install_page(self, _: web.Request) -> web.Response:
        return _html(pages.install_page(BEGIN_PATH))

    async def _begin(self, _: web.Request) -> web.Response:
        state = await self._states.async_issue()
        generator = AuthorizeUrlGenerator(
            client_id=self._settings.client_id,
            redirect_uri=quote(self._redirect_uri, safe=""),
            scopes=list(REASONS),
            authorization_url=self._settings.authorize_url,
        )
        location = generator.generate(state)
        response = web.Response(status=302, headers={**HEADERS, "Location": location})
        response.set_cookie(
            COOKIE,
            state,
            max_age=STATE_SECONDS,
            path=CALLBACK_PATH,
            httponly=True,
            secure=self._settings.public_url.startswith("https://"),
            samesite="Lax",
        )
        return response

    async def _complete(self, request: web.Request) -> web.Response:
        try:
            await self._check_state(request)
            installation = await self._exchange(_code(request))
            is_again = await self._save(installation)
        except NotInstalled as error:
            page = pages.problem_page(error.problem, INSTALL_PATH)
            return _html(page, error.problem.status)
        page = pages.landing_page(
            installation.app_id or "",
            installation.team_id or "",
            installation.team_name or "",
            is_again,
        )
        response = _html(page)
        response.del_cookie(COOKIE, path=CALLBACK_PATH)
        return response

    async def _check_state(self, request: web.Request) -> None:
        """Use the state up, after the cookie: nobody else's browser can spoil a running one."""
        state = request.query.get("state", "")
        if not state:
            raise NotInstalled(pages.MISSING_STATE)
        cookie = request.cookies.get(COOKIE, "")
        if not hmac.compare_digest(cookie.encode(), state.encode("utf-8", "replace")):
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
        except SlackApiError as error:
            name = str(error.response.get("error"))
            log.warning("install_refused", error=name)
            is_code = name in _CODE_ERRORS
            raise NotInstalled(pages.CODE_OVER if is_code else pages.REFUSED) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("install_slack_unreachable", why=type(error).__name__)
            raise NotInstalled(pages.UNREACHABLE) from None
        if answer.get("is_enterprise_install") or not answer.get("team"):
            raise NotInstalled(pages.ORGANIZATION_WIDE)
        return _installation(answer)

    async def _save(self, installation: Installation) -> bool:
        """Store the installation. Return whether the workspace had one."""
        try:
            earlier = await self._installations.async_find_bot(
                enterprise_id=installation.enterprise_id,
                team_id=installation.team_id,
                is_enterprise_install=False,
            )
            await self._installations.async_save(installation)
        except (SQLAlchemyError, OSError) as error:
            log.error("install_not_stored", why=type(error).__name__)
            raise NotInstalled(pages.NOT_STORED) from None
        return earlier is not None


def _code(request: web.Request) -> str:
    error = request.query.get("error")
    if error is not None:
        raise NotInstalled(pages.DENIED if error == "access_denied" else pages.REFUSED)
    code = request.query.get("code", "")
    if not code:
        raise NotInstalled(pages.REFUSED)
    return code


def _installation(answer: AsyncSlackResponse) -> Installation:
    team = answer["team"]
    enterprise = answer.get("enterprise") or {}
    return Installation(
        app_id=answer.get("app_id"),
        enterprise_id=enterprise.get("id"),
        enterprise_name=enterprise.get("name"),
        team_id=team["id"],
        team_name=team.get("name"),
        bot_token=answer.get("access_token"),
        bot_user_id=answer.get("bot_user_id"),
        bot_scopes=answer.get("scope", ""),
        user_id=(answer.get("authed_user") or {}).get("id", ""),
        token_type=answer.get("token_type"),
    )


def _html(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html", headers=HEADERS)
