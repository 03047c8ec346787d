import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.installing.handlers import BEGIN_PATH, CALLBACK_PATH, COOKIE, InstallPages, InstallSettings
from bot.installing.scopes import REASONS

ACCESS = {
    "ok": True,
    "app_id": "A1",
    "access_token": "xoxb-secret",
    "team": {"id": "T1", "name": "Tea & Co"},
    "authed_user": {"id": "U1"},
    "bot_user_id": "UB",
    "scope": "commands",
    "is_enterprise_install": False,
}


class Install:
    """The pages, beside a Slack with one scripted answer."""

    def __init__(self, browser: TestClient, answers: dict) -> None:
        self.browser = browser
        self.answers = answers

    async def begin(self) -> str:
        response = await self.browser.get(BEGIN_PATH, allow_redirects=False)
        return parse_qs(urlsplit(response.headers["Location"]).query)["state"][0]

    async def complete(self, **query: str) -> tuple[int, str]:
        response = await self.browser.get(CALLBACK_PATH, params=query)
        return response.status, await response.text()


@pytest.fixture
async def install(tmp_path):
    answers: dict = {"access": ACCESS}

    async def access(_: web.Request) -> web.Response:
        return web.json_response(answers["access"])

    slack_app = web.Application()
    slack_app.router.add_post("/api/oauth.v2.access", access)
    async with TestServer(slack_app) as slack:
        app = web.Application()
        pages = InstallPages(
            InstallSettings("1.2", "hidden", "http://bot.test"),
            AsyncWebClient(base_url=str(slack.make_url("/api/"))),
            FileOAuthStateStore(expiration_seconds=600, base_dir=str(tmp_path / "states")),
            FileInstallationStore(base_dir=str(tmp_path / "installs")),
        )
        pages.add_to(app)
        async with TestClient(TestServer(app)) as browser:
            yield Install(browser, answers)


def test_each_scope_of_the_manifest_has_a_reason():
    manifest = json.loads(Path("manifest.json").read_text())
    assert list(REASONS) == manifest["oauth_config"]["scopes"]["bot"]


async def test_installation_ends_on_the_landing_page_without_a_token(install):
    status, page = await install.complete(code="c", state=await install.begin())
    assert status == 200
    assert "Imbalance is installed<" in page
    assert "Tea &amp; Co" in page
    assert "xoxb" not in page


async def test_second_installation_says_so(install):
    await install.complete(code="c", state=await install.begin())
    _, page = await install.complete(code="c", state=await install.begin())
    assert "is installed again" in page


async def test_state_cookie_is_http_only_and_lax(install):
    response = await install.browser.get(BEGIN_PATH, allow_redirects=False)
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # the address is http://


async def test_used_state_is_refused(install):
    state = await install.begin()
    cookie = {"Cookie": f"{COOKIE}={state}"}
    await install.complete(code="c", state=state)
    again = await install.browser.get(
        CALLBACK_PATH, params={"code": "c", "state": state}, headers=cookie
    )
    assert again.status == 400
    assert "used already" in await again.text()


async def test_other_browser_is_refused_and_does_not_use_the_state_up(install):
    state = await install.begin()
    other = {"Cookie": f"{COOKIE}=other"}
    install.browser.session.cookie_jar.clear()
    refused = await install.browser.get(
        CALLBACK_PATH, params={"code": "c", "state": state}, headers=other
    )
    assert "another browser" in await refused.text()
    own = await install.browser.get(
        CALLBACK_PATH,
        params={"code": "c", "state": state},
        headers={"Cookie": f"{COOKIE}={state}"},
    )
    assert own.status == 200


async def test_missing_state_is_refused(install):
    assert (await install.complete(code="c"))[0] == 400


async def test_denied_consent_is_a_page(install):
    status, page = await install.complete(error="access_denied", state=await install.begin())
    assert status == 403
    assert "was not installed" in page


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"ok": False, "error": "invalid_code"}, "confirmation has expired"),
        ({"ok": False, "error": "bad_client_secret"}, "did not complete"),
        ({**ACCESS, "team": None, "is_enterprise_install": True}, "whole organization"),
    ],
)
async def test_answer_of_slack_becomes_a_page(install, answer, sentence):
    install.answers["access"] = answer
    _, page = await install.complete(code="c", state=await install.begin())
    assert sentence in page
