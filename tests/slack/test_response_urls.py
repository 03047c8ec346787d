"""Responses go to Slack's own addresses only, and follow no redirect."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.content import content
from bot.slack.views import respond_to_url

SLACK = "https://slack.com/api/"


class Recorder:
    """A server that notes what it is asked for, and redirects from /moved."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{path}", self._answer)
        self.server = TestServer(app)

    async def _answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        if request.path == "/moved":
            raise web.HTTPTemporaryRedirect("/there")
        return web.Response()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    made = Recorder()
    await made.server.start_server()
    yield made
    await made.server.close()


async def respond(url: str, base_url: str) -> bool:
    async with ClientSession() as session:
        client = AsyncWebClient("xoxb-x", base_url=base_url, session=session)
        return await respond_to_url(client, {"response_url": url}, content("Hi"), replace=True)


async def test_server_that_stands_in_for_slack_is_answered(recorder: Recorder) -> None:
    root = str(recorder.server.make_url("/"))

    assert await respond(f"{root}hook", base_url=f"{root}api/") is True
    assert recorder.paths == ["/hook"]


async def test_address_that_is_not_slacks_is_not_called(recorder: Recorder) -> None:
    assert await respond(str(recorder.server.make_url("/hook")), base_url=SLACK) is False
    assert recorder.paths == []


async def test_redirect_is_not_followed(recorder: Recorder) -> None:
    root = str(recorder.server.make_url("/"))

    assert await respond(f"{root}moved", base_url=f"{root}api/") is False
    assert recorder.paths == ["/moved"]


@pytest.mark.parametrize(
    ("url", "is_called"),
    [
        ("https://hooks.slack.com/actions/T1/2/3", True),
        ("https://hooks.slack-gov.com/actions/T1/2/3", True),
        ("http://hooks.slack.com/actions/T1/2/3", False),
        ("https://hooks.slack.com:8443/actions", False),
        ("https://hooks.slack.com.evil.example/actions", False),
        ("https://hooks.slack.com@evil.example/actions", False),
        ("https://evil.example#hooks.slack.com", False),
        ("https://me:secret@hooks.slack.com/actions", False),
        ("https://me@hooks.slack.com/actions", False),
        ("https://:secret@hooks.slack.com/actions", False),
        ("//hooks.slack.com/actions", False),
        ("https://[hooks.slack.com", False),
        ("violet", False),
    ],
)
async def test_only_slacks_addresses_are_called(
    url: str, is_called: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def post(_: ClientSession, address: str, **__: object) -> object:
        called.append(address)
        raise OSError

    monkeypatch.setattr(ClientSession, "post", post)

    assert await respond(url, base_url=SLACK) is False
    assert called == ([url] if is_called else [])
