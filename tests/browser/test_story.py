"""A whole phase with the real bot, on the playground's page in a real browser.

`SCREENSHOTS=docs/pictures make test ARGS=tests/browser/test_story.py` updates the documentation's
screenshots.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import expect

from bot.app import Imbalance, advance_clock
from bot.clock import AdjustableClock
from bot.outbox.delivery import RetryTimings
from bot.outbox.rate_limits import RateLimits
from bot.playground.server import FakeSlack
from bot.settings import Settings
from tests.browser.conftest import OpenPage
from tests.browser.page_driver import Screen
from tests.harness import ALL_VARIANTS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
LEAPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
WIDE, NARROW, TALL = 1280, 400, 1040
#: `test_page` has the phone; only its pictures, and CI, need the whole story there.
WIDTHS = [WIDE, NARROW] if ALL_VARIANTS or os.environ.get("SCREENSHOTS") else [WIDE]
AT_STAKE = "What's at stake"
NARROW_PICTURES = ("announcement", "form-error", "poll", "results", "home")
PROMISE = {
    "What can wait": "Dark mode",
    "What you ask, and its limit": "Fast reviews, one late test night.",
    "What stays protected": "Weekends, 1:1s, booked leave.",
    "Why each person matters": "Each of you owns a piece nobody else can.",
    "What you give up": "My roadmap review, polish.",
}


@pytest.fixture
async def slack(
    settings: Settings, clock: AdjustableClock, fake_slack: FakeSlack
) -> AsyncIterator[FakeSlack]:
    """The fake Slack with the whole bot behind it; the time bar moves its clock."""
    app = Imbalance(
        settings, clock, rate_limits=RateLimits(limited=False), retry_timings=RetryTimings(settle=0)
    )
    await app.start()

    async def advance(leap: str) -> None:
        await advance_clock(app, clock, clock.now() + LEAPS[leap])

    fake_slack.hooks.advance = advance
    fake_slack.hooks.next_event = app.next_event
    yield fake_slack
    await app.stop()


@dataclass(frozen=True)
class PhaseStory:
    """The story at one page width; screenshots of narrow pages have the width in their name."""

    slack: FakeSlack
    open_page: OpenPage
    width: int

    async def person(self, name: str, height: int = 0) -> Screen:
        screen = await self.open_page(self.slack, name, width=self.width)
        if height:
            await screen.page.set_viewport_size({"width": self.width, "height": height})
        return screen

    async def picture(self, screen: Screen, name: str) -> None:
        """Take a screenshot for the pages: all at full width, the main ones also on a phone."""
        await screen.dismiss_notices()
        if self.width == WIDE:
            await screen.screenshot(name)
        elif name in NARROW_PICTURES:
            await screen.screenshot(f"{name}-{self.width}")


@pytest.fixture(params=WIDTHS)
def story(slack: FakeSlack, open_page: OpenPage, request: pytest.FixtureRequest) -> PhaseStory:
    return PhaseStory(slack, open_page, request.param)


async def test_phase_from_start_to_end(story: PhaseStory) -> None:
    ana = await story.person("Ana Costa")
    await ana.open("launch")
    await announce(story, ana)
    await expect(ana.message("Results sprint until")).to_contain_text("Protected: Weekends")
    await story.picture(ana, "announcement")
    await story.picture(ana, "playground")
    await look_at_commands(story, ana)

    ben = await story.person("Ben Okafor", height=TALL)
    await ben.pull("+1 day")
    await ben.open("Imbalance", tab="Messages")
    await expect(ben.message("Over the last week in")).to_be_visible()
    await story.picture(ben, "poll")
    await answer(ben, (4, 3, 5))
    await expect(ben.message("Thanks, that's it")).to_contain_text("You can change your answers")

    chiara = await story.person("Chiara Rossi", height=TALL)
    await chiara.open("Imbalance", tab="Home")
    await expect(chiara.surface).to_contain_text("Your open questions")
    await story.picture(chiara, "home")
    await answer(chiara, (4, 4, 2))
    await expect(chiara.surface).to_contain_text("You can change your answers")

    await read_results(story)
    await end(story)
    assert story.slack.problems == []


async def announce(story: PhaseStory, ana: Screen) -> None:
    """Ana fills in the form, corrects a missing field and announces."""
    await ana.type_command("/imbalance start results 2w")
    for question in ("Do I keep what's critical clear", "Even under pressure", "Where less is"):
        await ana.fill_field(question, "4")
    await story.picture(ana, "moment")
    await ana.press("Next")
    await expect(ana.modal).to_contain_text("What's at stake")
    await ana.press("Make It Richer")
    await expect(ana.modal).to_contain_text("What stays protected")
    await ana.fill_field("Milestone", "Ship the beta")
    for label, text in PROMISE.items():
        await ana.fill_field(label, text)
    await ana.press("Preview")
    assert await ana.error_at(AT_STAKE) != ""
    await ana.field(AT_STAKE).scroll_into_view_if_needed()
    await story.picture(ana, "form-error")
    await ana.fill_field(AT_STAKE, "Two customers decide on 21 Dec.")
    await ana.press("Preview")
    await expect(ana.modal).to_contain_text("On hold: Dark mode (Ana).")
    await story.picture(ana, "preview")
    await ana.press("Announce")
    await expect(ana.modal).to_contain_text("with a pin and a bookmark")
    await ana.press("Close")


async def look_at_commands(story: PhaseStory, ana: Screen) -> None:
    """Open the other commands as the lead and as an admin."""
    for command in ("status", "budget"):
        await ana.type_command(f"/imbalance {command}")
        await expect(ana.conversation.locator(".message").last).to_contain_text("90 days")
        await story.picture(ana, command)
    for command, shows in (("extend", "New end"), ("end", "What happened")):
        await ana.type_command(f"/imbalance {command}")
        await expect(ana.modal).to_contain_text(shows)
        await story.picture(ana, command)
        await ana.press("Cancel")
    olivia = await story.person("Olivia Reed")
    await olivia.open("general")
    await olivia.type_command("/imbalance settings")
    await expect(olivia.modal).to_contain_text("Save")
    await story.picture(olivia, "settings")
    await olivia.press("Cancel")


async def answer(screen: Screen, levels: tuple[int, ...]) -> None:
    """Tap a level for each question; an answered one folds, so the next is the first again."""
    for remaining, level in zip(range(len(levels), 0, -1), levels, strict=True):
        buttons = screen.surface.get_by_role("button", name=str(level), exact=True)
        await expect(buttons).to_have_count(remaining)  # none stands there from before a redraw
        await buttons.first.press("Enter")  # a click is repeated if the row folds under it
        await expect(buttons).to_have_count(remaining - 1)
        await screen.idle()


async def read_results(story: PhaseStory) -> None:
    """The round closes; the lead gets the results first, the team a working day later."""
    ana = await story.person("Ana Costa", height=TALL)
    await ana.pull("Let the team answer")
    for _ in range(11):
        await ana.pull("+1 day")
        await ana.pull("Let the team answer")
    await ana.open("Imbalance", tab="Messages")
    await expect(ana.message("Only you see this")).to_contain_text("Clear and doable:")
    await story.picture(ana, "results-leads")
    await ana.open("launch")
    await ana.conversation.get_by_role("button", name="2 replies").click()
    await expect(ana.thread).to_contain_text("Clear and doable:")
    await ana.thread.locator("img").last.scroll_into_view_if_needed()
    await story.picture(ana, "results")


async def end(story: PhaseStory) -> None:
    """The lead wraps up; the set-aside work comes back."""
    ana = await story.person("Ana Costa", height=TALL)
    await ana.open("launch")
    await ana.type_command("/imbalance end")
    await ana.press("End It")
    assert await ana.error_at("What happened") != ""
    await ana.fill_field("The goal", "Hit")
    await ana.fill_field("What happened", "Beta is out. Both customers have it.")
    await ana.fill_field("Chiara", "Without your Tuesday fix we'd have slipped.")
    await ana.press("End It")
    await expect(ana.modal).to_contain_text("goodbye")
    await ana.press("Close")
    await expect(ana.message("has wrapped up")).to_contain_text("Dark mode: back with")
    await story.picture(ana, "ended")
