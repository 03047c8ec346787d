"""OAuth of the fake Slack: as strict as Slack with the app, its address, and the code."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, encode_basic_auth

from bot.clock import AdjustableClock
from bot.playground.fake_slack.oauth import CODE_LIVES
from bot.playground.server import FakeSlack
from tests.harness import BEN, OWNER, WORKSPACE

APP_ADDRESS = "https://app.example.com"
CALLBACK = f"{APP_ADDRESS}/slack/oauth_redirect"
PAGE = "oauth/v2/authorize"


@pytest.fixture
def slack(fake_slack: FakeSlack) -> FakeSlack:
    fake_slack.register(APP_ADDRESS)
    fake_slack.remove_app()
    return fake_slack


def asked(slack: FakeSlack, **changes: str) -> dict[str, str]:
    """The parameters of a valid request for permission, but for these."""
    valid = {
        "client_id": slack.directory.client_id,
        "scope": "commands,chat:write",
        "redirect_uri": CALLBACK,
        "state": "s",
    }
    return {**valid, **changes}


async def decide(slack: FakeSlack, **changes: str) -> tuple[int, dict[str, str], str]:
    """Answer the page. Return the status, the parameters that the app gets, and the page."""
    form = asked(slack, team=WORKSPACE, user=OWNER, decision="allow") | changes
    async with (
        ClientSession() as session,
        session.post(f"{slack.url}/{PAGE}", data=form, allow_redirects=False) as answer,
    ):
        query = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        return answer.status, {name: one[0] for name, one in query.items()}, await answer.text()


async def access(slack: FakeSlack, auth: str = "", **form: str) -> dict[str, Any]:
    headers = {"Authorization": auth} if auth else {}
    async with (
        ClientSession() as session,
        session.post(f"{slack.api_url}oauth.v2.access", data=form, headers=headers) as answer,
    ):
        body: dict[str, Any] = await answer.json()
        return body


def credentials(slack: FakeSlack) -> dict[str, str]:
    directory = slack.directory
    return {"client_id": directory.client_id, "client_secret": directory.client_secret}


async def allowed_code(slack: FakeSlack) -> str:
    _, query, _ = await decide(slack)
    assert query["state"] == "s"
    return query["code"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"redirect_uri": "https://elsewhere.example.com/"}, "bad_redirect_uri"),
        ({"redirect_uri": f"{APP_ADDRESS}.evil.example/"}, "bad_redirect_uri"),
        ({"scope": ""}, "no_scopes"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
)
async def test_wrong_request_is_refused_on_the_page_and_never_sent_back(
    slack: FakeSlack, changes: dict[str, str], error: str
) -> None:
    async with (
        ClientSession() as session,
        session.get(f"{slack.url}/{PAGE}", params=asked(slack, **changes)) as answer,
    ):
        assert answer.status == 400
        assert error in await answer.text()
    status, query, page = await decide(slack, **changes)
    assert (status, query) == (400, {})
    assert error in page


async def test_other_site_cannot_decide(slack: FakeSlack) -> None:
    form = asked(slack, team=WORKSPACE, user=OWNER, decision="allow")
    headers = {"Origin": "https://evil.example.com"}
    async with (
        ClientSession() as session,
        session.post(f"{slack.url}/{PAGE}", data=form, headers=headers) as answer,
    ):
        assert answer.status == 403
    assert slack.directory.grants == {}


async def test_cancelling_is_told_to_the_app(slack: FakeSlack) -> None:
    status, query, _ = await decide(slack, decision="cancel")
    assert (status, query) == (302, {"error": "access_denied", "state": "s"})


async def test_only_admins_may_install(slack: FakeSlack) -> None:
    status, query, page = await decide(slack, user=BEN)
    assert (status, query) == (403, {})
    assert "An admin has to approve" in page


@pytest.mark.parametrize("in_header", [True, False])
async def test_code_gives_a_token_that_works(slack: FakeSlack, in_header: bool) -> None:
    code = await allowed_code(slack)
    own = credentials(slack)
    if in_header:
        auth = encode_basic_auth(own["client_id"], own["client_secret"])
        answer = await access(slack, auth, code=code, redirect_uri=CALLBACK)
    else:
        answer = await access(slack, "", code=code, redirect_uri=CALLBACK, **own)

    assert answer["ok"]
    assert answer["team"] == {"id": WORKSPACE, "name": "Northwind"}
    assert answer["authed_user"] == {"id": OWNER}
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    async with (
        ClientSession(headers=headers) as session,
        session.post(f"{slack.api_url}auth.test") as tested,
    ):
        assert (await tested.json())["ok"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"code": "1.2"}, "invalid_code"),
        ({"redirect_uri": f"{CALLBACK}/"}, "bad_redirect_uri"),
    ],
)
async def test_wrong_exchange_is_refused_and_leaves_the_code_good(
    slack: FakeSlack, changes: dict[str, str], error: str
) -> None:
    right = {"code": await allowed_code(slack), "redirect_uri": CALLBACK, **credentials(slack)}
    assert await access(slack, "", **{**right, **changes}) == {"ok": False, "error": error}
    assert (await access(slack, "", **right))["ok"]


async def test_code_is_good_once_and_for_ten_minutes(
    slack: FakeSlack, clock: AdjustableClock
) -> None:
    right = {"redirect_uri": CALLBACK, **credentials(slack)}
    used, late = await allowed_code(slack), await allowed_code(slack)
    assert (await access(slack, "", code=used, **right))["ok"]
    assert (await access(slack, "", code=used, **right))["error"] == "code_already_used"
    clock.advance(CODE_LIVES + timedelta(seconds=1))
    assert (await access(slack, "", code=late, **right))["error"] == "invalid_code"


async def test_reinstallation_keeps_the_token_and_removal_ends_it(slack: FakeSlack) -> None:
    tokens = []
    for removes in (False, True, False):
        right = {"redirect_uri": CALLBACK, **credentials(slack)}
        answer = await access(slack, "", code=await allowed_code(slack), **right)
        tokens.append(answer["access_token"])
        if removes:
            slack.remove_app()

    assert tokens[0] == tokens[1] != tokens[2]
