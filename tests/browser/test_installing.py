"""The bot is installed by its pages in Chromium, and works in two workspaces at once."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from bot.app import advance_clock
from bot.clock import AdjustableClock
from bot.settings import Settings
from tests.browser.conftest import OpenPage
from tests.browser.page_driver import Screen
from tests.conftest import running_fake_slack
from tests.installing.conftest import MANIFEST, Installing, running_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
LEAPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@pytest.fixture
async def installing(settings: Settings, clock: AdjustableClock) -> AsyncIterator[Installing]:
    """Two workspaces without the bot; the time bar moves the bot's clock."""
    async with (
        running_fake_slack(clock, MANIFEST) as slack,
        running_pages(settings, clock, slack) as running,
    ):

        async def advance(leap: str) -> None:
            await advance_clock(running.bot, clock, clock.now() + LEAPS[leap])

        slack.hooks.advance, slack.hooks.next_event = advance, running.bot.next_event
        yield running


async def look(screen: Screen, name: str) -> None:
    """Take a screenshot of the whole page, which must not be wider than its window."""
    size = screen.page.viewport_size
    assert size is not None
    assert await screen.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await screen.page.screenshot(
        path=screen.pictures / f"{name}-{size['width']}.png", full_page=True
    )


async def allow(page: Page, *, where: str, who: str = "Olivia Reed", button: str = "Allow") -> None:
    """Answer Slack's page."""
    await page.get_by_label("Where").select_option(label=where)
    await page.get_by_label("You are").select_option(label=f"{who} (admin)")
    await page.get_by_role("button", name=button).click()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
async def test_pages_look_right_at_each_width(
    installing: Installing, open_page: OpenPage, width: int, dark: bool
) -> None:
    scheme = "dark" if dark else "light"
    installing.slack.join_organization()
    screen = await open_page(installing.slack, "Olivia Reed", width=width, dark=dark)
    screen.pictures.mkdir(parents=True, exist_ok=True)
    page = screen.page
    if width > 760:
        await expect(page.get_by_text("The app is not installed here")).to_be_visible()
        await screen.screenshot(f"not-installed-{scheme}-{width}")
    await page.goto(installing.slack.directory.install_url)
    await look(screen, f"install-{scheme}")
    await page.get_by_role("link", name="Add to Slack").click()
    await expect(page.get_by_role("heading")).to_contain_text("asks for permission")
    await look(screen, f"consent-{scheme}")
    await allow(page, where="Northwind")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Imbalance is installed")
    await look(screen, f"landing-{scheme}")

    await page.goto(installing.slack.directory.install_url)
    await page.get_by_role("link", name="Add to Slack").click()
    await allow(page, where="Northwind Group (the whole organization)")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Imbalance is installed")
    await look(screen, f"organization-{scheme}")


async def test_cancelled_installation_can_be_started_again(
    installing: Installing, browser: Browser, tmp_path: Path
) -> None:
    context = await browser.new_context(locale="en-GB")
    browser_page = await context.new_page()
    await browser_page.goto(installing.slack.directory.install_url)
    await browser_page.get_by_role("link", name="Add to Slack").click()
    await allow(browser_page, where="Northwind", button="Cancel")
    await expect(browser_page.get_by_role("heading")).to_have_text("The bot was not installed")
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    for width, scheme in ((1280, "light"), (400, "dark")):
        await browser_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await browser_page.set_viewport_size({"width": width, "height": 800})
        await look(Screen(page=browser_page, pictures=pictures), f"problem-{scheme}")
    await browser_page.get_by_role("link", name="Start Again").click()
    await browser_page.get_by_role("link", name="Add to Slack").click()
    await allow(browser_page, where="Northwind")
    await expect(browser_page.get_by_role("heading", level=1)).to_have_text(
        "Imbalance is installed"
    )
    await browser_page.reload()  # the same link again
    await expect(browser_page.get_by_role("heading")).to_contain_text("another browser")


async def test_phases_run_in_two_workspaces_until_one_removes_the_app(
    installing: Installing, open_page: OpenPage
) -> None:
    first = await open_page(installing.slack, "Olivia Reed")
    await install(first, "Northwind")
    first = await open_page(installing.slack, "Ana Costa")
    await switch(first, "Southgate")
    await expect(first.page.get_by_text("The app is not installed here")).to_be_visible()
    await first.page.get_by_role("link", name="Install the App").click()
    await first.page.get_by_role("link", name="Add to Slack").click()
    await allow(first.page, where="Southgate")
    await first.page.get_by_role("link", name="Open in Slack").click()
    await expect(first.page.get_by_role("button", name="Southgate. Switch")).to_be_visible()

    north = await open_page(installing.slack, "Ana Costa")
    south = await open_page(installing.second, "Ana Costa")
    for screen, text in ((north, "Ship the beta"), (south, "Sign the lease")):
        await start_phase(screen, text)
    await expect(north.message("Results sprint until")).to_contain_text("Ship the beta")
    await expect(south.message("Results sprint until")).to_contain_text("Sign the lease")
    await south.screenshot("two-workspaces")

    await south.page.get_by_role("button", name="Southgate. Switch").click()
    await south.screenshot("workspaces-menu")
    await south.page.get_by_role("menuitem").filter(has_text="Remove the App").click()
    await expect(south.page.get_by_text("The app is not installed here")).to_be_visible()

    await north.pull("+1 day")
    ben = await open_page(installing.slack, "Ben Okafor")
    await ben.open("Imbalance", tab="Messages")
    await expect(ben.message("Over the last week in")).to_be_visible()
    other = await open_page(installing.second, "Ben Okafor")
    await other.open("launch")
    await other.composer.fill("/imbalance status")
    await other.composer.press("Escape")
    await other.composer.press("Enter")
    await expect(other.notice).to_contain_text("not a valid command")
    asked = installing.second.workspace.direct_if_open("U0BEN", "U0IMBAL")
    assert asked is None or not asked.messages
    assert installing.slack.problems == installing.second.problems == []


async def install(screen: Screen, where: str) -> None:
    await screen.page.get_by_role("link", name="Install the App").click()
    await screen.page.get_by_role("link", name="Add to Slack").click()
    await allow(screen.page, where=where)
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("Imbalance is installed")


async def switch(screen: Screen, name: str) -> None:
    await screen.page.get_by_role("button", name="Switch workspace").click()
    await screen.page.get_by_role("menuitem").filter(has_text=name).first.click()
    await expect(screen.page.get_by_role("button", name=f"{name}. Switch")).to_be_visible()


async def start_phase(screen: Screen, milestone: str) -> None:
    """Announce a results sprint in #launch."""
    await screen.open("launch")
    await screen.type_command("/imbalance start results 2w")
    for question in ("Do I keep what's critical clear", "Even under pressure", "Where less is"):
        await screen.fill_field(question, "4")
    await screen.press("Next")
    await screen.fill_field("Milestone", milestone)
    await screen.fill_field("What's at stake", "Two customers decide on 21 Dec.")
    await screen.fill_field("What can wait", "Dark mode")
    await screen.fill_field("What you ask, and its limit", "Fast reviews, one late night.")
    await screen.press("Preview")
    await screen.press("Announce")
    await screen.press("Close")
