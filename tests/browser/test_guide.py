"""The playground's first screen: what it explains, how it closes, and the example it builds."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from bot.clock import AdjustableClock
from bot.playground import example_phases
from bot.playground.fake_slack import simulated_team
from bot.playground.server import FakeSlack
from tests.browser.conftest import OpenPage
from tests.browser.sample_app import SampleApp
from tests.harness import LAUNCH, MEMBERS, BotHarness

pytestmark = pytest.mark.browser


async def focused(page: Page) -> str:
    """Return the accessible name of the focused element."""
    return await page.evaluate(
        "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
    )


async def test_first_screen_says_what_this_is_what_to_try_and_what_time_buttons_do(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack, guide=True)

    await expect(screen.guide).to_contain_text("This is a small Slack on your own machine")
    await expect(screen.guide).to_contain_text("You are Ana Costa")
    await expect(screen.guide.get_by_role("region", name="Try this first")).to_be_visible()
    explained = await screen.guide.locator("dt").all_inner_texts()
    levers = await screen.page.locator(".levers .lever").evaluate_all(
        "levers => levers.map(lever => lever.ariaLabel)"
    )
    assert explained == levers
    await expect(screen.composer).to_be_in_viewport()
    await screen.switch_person("Ben Okafor")
    await expect(screen.guide).to_contain_text("You are Ben Okafor")


@pytest.mark.parametrize("width", [1280, 400])
async def test_try_this_first_runs_the_command_with_one_press(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, width: int
):
    screen = await open_page(slack, guide=True, width=width)
    await screen.guide.get_by_role("button", name="/sample form").click()

    await expect(screen.modal.locator("h2")).to_have_text("Try a form")
    await screen.page.keyboard.press("Escape")
    await expect(screen.modal).to_have_count(0)
    if width == 400:  # there it would cover what the command brought
        await expect(screen.guide).to_be_hidden()


async def test_closed_guide_stays_closed_until_the_workspace_starts_over(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, clock: AdjustableClock
):
    screen = await open_page(slack, guide=True)
    button = screen.page.get_by_role("button", name="Guide", exact=True)
    await screen.press("Close the guide", screen.guide)
    await expect(screen.guide).to_be_hidden()
    await expect(button).to_be_focused()

    await screen.page.reload()
    await screen.conversation.locator("h1").wait_for()
    await expect(screen.guide).to_be_hidden()
    await expect(button).to_have_attribute("aria-expanded", "false")

    clock.advance(timedelta(days=1))
    slack.reset()
    await screen.page.reload()
    await expect(screen.guide).to_be_visible()


async def test_guide_works_by_keyboard_alone(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack, guide=True)
    keys = screen.page.keyboard
    await screen.page.get_by_role("button", name="Let the team answer").focus()
    reached = []
    for _ in range(3):
        await keys.press("Tab")
        reached.append(await focused(screen.page))
    assert reached == ["Close the guide", "/sample form", "Build the Example"]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await screen.page.evaluate(outline) == "solid"

    await keys.press("Escape")
    await expect(screen.guide).to_be_hidden()
    assert await focused(screen.page) == "Guide"
    await keys.press("Enter")
    await expect(screen.guide).to_be_visible()
    assert await focused(screen.page) == "/sample form"
    await keys.press("Enter")
    await expect(screen.modal).to_be_visible()
    await keys.press("Escape")
    await expect(screen.modal).to_have_count(0)
    assert await focused(screen.page) == "/sample form"
    await expect(screen.guide).to_be_visible()


@pytest.fixture
def playground(harness: BotHarness) -> FakeSlack:
    """The fake Slack with the whole bot behind it, and a clock that the page may move."""

    async def advance(leap: str) -> None:
        await harness.wait(days={"day": 1}[leap])

    harness.slack.hooks.advance = advance
    harness.slack.hooks.next_event = harness.bot.next_event
    return harness.slack


def results_in(slack: FakeSlack, word: str) -> int:
    """Return how many results with levels stand in the thread of an announcement."""
    messages = slack.workspace.messages(LAUNCH)
    parent = next(m for m in messages if word in m["text"] and "thread_ts" not in m)
    replies = slack.workspace.replies(slack.workspace.conversations[LAUNCH], parent["ts"])
    return sum("Clear and doable" in str(reply.get("blocks")) for reply in replies)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_example_has_a_finished_and_a_running_phase_with_results(
    open_page: OpenPage, playground: FakeSlack
):
    screen = await open_page(playground, guide=True)
    await screen.guide.get_by_role("button", name="Build the Example").click()
    await expect(screen.guide).to_contain_text(re.compile(r"Day \d+ of 28"))
    day = screen.page.get_by_role("button", name="+1 day")
    await expect(day).to_have_attribute("aria-disabled", "true")
    await expect(screen.notice).to_contain_text("The example is in #launch", timeout=60_000)

    await expect(screen.message("The beta is out")).to_be_visible()
    await expect(screen.message("Trust-building until")).to_be_visible()
    assert results_in(playground, "Results sprint") >= 2
    assert results_in(playground, "Trust-building") >= 1
    for user_id in MEMBERS:
        assert simulated_team.open_questions(playground.core, user_id) != []
    assert playground.problems == []

    await expect(screen.guide.get_by_text("Build the Example")).to_be_hidden()
    await screen.guide.get_by_role("button", name="/imbalance", exact=True).click()
    await expect(screen.conversation.locator(".message").last).to_contain_text("Only visible to")
    with pytest.raises(example_phases.ExampleRefused, match="RESET=1 EXAMPLE=1"):
        await playground.build_example()
