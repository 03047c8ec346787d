"""A real Chromium for the playground's page. Any console error fails the test."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Response,
    async_playwright,
    expect,
)
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.playground.server import FakeSlack
from tests.browser.page_driver import Screen
from tests.browser.sample_app import MANIFEST, SampleApp

NAMES = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = "no Chromium on this machine (Debian and Ubuntu: apt install chromium)"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
HEIGHTS = {400: 860}
NORMAL_HEIGHT = 800
CLOSE_GUIDE = "localStorage.setItem('guide-closed', '{made}')"
TIMEOUT_MS = 10_000  # for an element to appear

OpenPage = Callable[..., Awaitable[Screen]]
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser. Without a browser, skip; with REQUIRE_BROWSER=1, fail."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found:
        return found
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(NO_BROWSER)
    pytest.skip(NO_BROWSER)


@pytest.fixture(scope="session")
def browser_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One browser for all tests, each of which gets contexts of its own."""
    options = tmp_path_factory.mktemp("chromium") / "options.json"
    options.write_text(json.dumps({"executablePath": chromium, "args": QUIET, "headless": True}))
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "playwright", "launch-server"),
            *("--browser", "chromium", "--config", str(options)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        os.killpg(process.pid, signal.SIGTERM)  # Python, the server, and the browser


@pytest.fixture
async def browser(browser_url: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect(browser_url)
        yield connected
        await connected.close()


@pytest.fixture
async def open_page(browser: Browser, tmp_path: Path) -> AsyncIterator[OpenPage]:
    """Open a fake Slack's page: `await open_page(slack, "Ben Okafor", width=400, dark=True)`.

    The guide of the first screen is closed already, unless `guide` is set. Screenshots go to
    SCREENSHOTS, or to the test's temporary folder.
    """
    problems: list[str] = []
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path)

    async def opened(
        slack: FakeSlack,
        person: str = "Ana Costa",
        *,
        width: int = 1280,
        dark: bool = False,
        guide: bool = False,
    ) -> Screen:
        size = {"width": width, "height": HEIGHTS.get(width, NORMAL_HEIGHT)}
        context = await browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        context.set_default_timeout(TIMEOUT_MS)
        if not guide:
            await context.add_init_script(CLOSE_GUIDE.format(made=slack.workspace.created))
        page = await context.new_page()
        _watch(page, problems)
        user_id = next(u.id for u in slack.workspace.users.values() if u.real_name == person)
        await page.goto(f"{slack.url}/?as={user_id}")
        await page.locator("main h1").wait_for()
        return Screen(page=page, pictures=pictures)

    yield opened
    assert problems == []


def _watch(page: Page, problems: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"console {message.type}: {message.text}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            problems.append(f"{response.status} for {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"error in the page: {error}"))
    page.on("response", on_response)


# ------------------------------------------------------------ the page, with a small app


@pytest.fixture
async def slack(clock: AdjustableClock) -> AsyncIterator[FakeSlack]:
    """A fake Slack with the sample app installed; its time buttons move only the clock."""
    fake_slack = FakeSlack(clock=clock.now, manifest=MANIFEST)
    leaps = {"hour": timedelta(hours=1), "day": timedelta(days=1), "next": timedelta(hours=3)}

    async def advance(leap: str) -> None:
        clock.advance(leaps[leap])

    async def next_event() -> datetime | None:
        return clock.now() + leaps["next"]

    fake_slack.hooks.advance, fake_slack.hooks.next_event = advance, next_event
    await fake_slack.start()
    yield fake_slack
    await fake_slack.stop()


@pytest.fixture
def api(slack: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
async def sample(slack: FakeSlack, api: AsyncWebClient) -> AsyncIterator[SampleApp]:
    """The sample app, connected over Socket Mode."""
    app = AsyncApp(
        client=api,
        signing_secret=slack.signing_secret,
        process_before_response=True,
        ignoring_self_events_enabled=False,
    )
    listening = SampleApp(app)
    handler = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()
    yield listening
    await handler.close_async()
