"""The playground's page as a whole: people, conversations and time, on desktop and phone."""

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.browser.conftest import OpenPage
from tests.browser.sample_app import SampleApp
from tests.browser.sample_blocks import questions, section
from tests.harness import BEN, LAUNCH

pytestmark = pytest.mark.browser

ONLY_YOU = "Only visible to you"


async def test_command_is_completed_and_answered_ephemerally(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)

    await screen.composer.press_sequentially("/sa")
    await expect(screen.page.get_by_role("option")).to_contain_text("Try what the page can draw")
    await screen.composer.press("Tab")
    await screen.composer.press_sequentially("wh")
    await screen.composer.press("Enter")
    await expect(screen.composer).to_have_value("/sample whisper ")
    await screen.composer.press("Enter")

    await expect(screen.message("Only for you.")).to_contain_text(ONLY_YOU)
    await screen.switch_person("Ben Okafor")
    await expect(screen.conversation.locator(".beginning")).to_be_visible()
    assert slack.as_user(BEN).visible(LAUNCH) == []


async def test_completed_names_become_mentions(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)

    await screen.composer.press_sequentially("Ask @chi")
    await screen.composer.press("Enter")
    await screen.composer.press_sequentially("in #pl")
    await screen.composer.press("Enter")
    await screen.composer.press("Enter")

    await expect(screen.message("Ask").locator(".mention")).to_have_text(
        ["@Chiara Rossi", "#platform"]
    )
    text = slack.workspace.messages(LAUNCH)[0]["text"]
    assert text == "Ask <@U0CHI> in <#C0PLATF|platform>"


async def test_times_are_shown_in_the_persons_time_zone(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    screen = await open_page(slack)
    now = screen.page.locator("#timebar .now")
    await expect(now).to_have_text("Mon 23 Nov, 09:00 Lisbon")
    await screen.pull("+1 hour")
    await expect(now).to_have_text("Mon 23 Nov, 10:00 Lisbon")
    await screen.pull("+1 day")
    await screen.switch_person("Emi Tanaka")
    await expect(now).to_have_text("Tue 24 Nov, 19:00 Tokyo")
    await expect(screen.page.locator("#timebar .next")).to_have_text("Next: Tue 24 Nov, 22:00")

    await api.chat_postMessage(
        channel=LAUNCH,
        text="x",
        blocks=[section("Until <!date^1797339600^{date_short_pretty} at {time}|then>.")],
    )
    await expect(screen.message("Until")).to_contain_text("Until Tue 15 Dec at 22:00.")


async def test_let_the_team_answer_button_answers_for_everyone_asked(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    for user_id in (BEN, "U0CHI", "U0DEV"):
        await api.chat_postMessage(channel=user_id, text="Three", blocks=questions())
    screen = await open_page(slack)
    await screen.pull("Let the team answer")

    await expect(screen.notice).to_have_text("3 people answered.")
    assert [name for name, _ in sample.received] == ["ask"] * 3


async def test_slow_app_shows_operation_timeout(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    slack.core.dispatch.ack_seconds = 0.2
    screen = await open_page(slack)
    await screen.composer.fill("/sample slow")
    await screen.composer.press("Escape")
    await screen.composer.press("Enter")

    await expect(screen.notice).to_contain_text("operation_timeout")
    await expect(screen.composer).to_have_value("/sample slow")


async def test_sidebar_lists_only_conversations_the_person_may_see(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    sidebar = screen.page.locator("#sidebar")
    await expect(sidebar.get_by_role("button", name="#secret-plan, private")).to_be_visible()
    await screen.switch_person("Emi Tanaka")
    await expect(sidebar.get_by_text("secret-plan")).to_have_count(0)
    await screen.open("partner")
    await screen.press("Join")
    await expect(screen.composer).to_be_visible()
    assert "U0EMI" in slack.workspace.conversations["C0PARTN"].members
    await screen.switch_person("Greta Guest")
    await expect(sidebar.locator(".conversation")).to_have_text(["general", "launch", "Imbalance"])

    await screen.page.get_by_role("button", name="New direct message").click()
    await screen.page.get_by_role("menuitem").filter(has_text="Hana Novak").click()
    await expect(screen.conversation.locator("h1")).to_contain_text("Hana Novak")
    await screen.say("Hello Hana")
    await expect(screen.message("Hello Hana")).to_be_visible()


async def test_new_messages_are_announced_and_marked(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    for day in range(1, 30):
        await api.chat_postMessage(channel=LAUNCH, text=f"Day {day}")
    screen = await open_page(slack)
    await expect(screen.conversation.get_by_text("Day 1", exact=True)).to_be_in_viewport()
    await api.chat_postMessage(channel=LAUNCH, text="*Day 30* in <#C0PLATF>")
    await expect(screen.page.locator("#announcer")).to_have_text(
        "Imbalance, #launch: Day 30 in #platform"
    )

    await screen.open("platform")
    await slack.as_user(BEN).say(LAUNCH, "Hello <@U0ANA>")
    await slack.as_user(BEN).say(LAUNCH, "and everybody")
    await screen.page.get_by_role("button", name="#launch, 1 for you").click()
    line = screen.conversation.locator(".new-line + .message")
    await expect(line).to_contain_text("Hello @Ana Costa")
    await screen.open("launch")
    await expect(line).to_contain_text("Hello @Ana Costa")
    await screen.open("platform")
    await screen.open("launch")
    await expect(screen.message("and everybody")).to_be_in_viewport()
    await expect(screen.conversation.locator(".new-line")).to_have_count(0)


async def test_page_reconnects_after_losing_the_event_stream(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    screen = await open_page(slack)
    await slack.core.stream.close()
    await api.chat_postMessage(channel=LAUNCH, text="While you were away")

    await expect(screen.message("While you were away")).to_be_visible()
    await expect(screen.page.get_by_text("Connection lost")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_page_fits_a_phone(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, dark: bool
):
    screen = await open_page(slack, width=400, dark=dark)
    sidebar = screen.page.locator("#sidebar")
    await expect(sidebar).not_to_be_in_viewport()
    await screen.type_command("/sample gallery")
    await screen.type_command("/sample thread")
    await expect(screen.message("An announcement.")).to_be_visible()
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == 400
    await screen.message("An announcement.").get_by_role("button", name="1 reply").click()
    await expect(screen.thread.get_by_text("The results.")).to_be_in_viewport(ratio=1)
    await screen.press("Close thread")

    await screen.conversation.get_by_role("button", name="Conversations").click()
    await expect(sidebar.get_by_text("launch")).to_be_in_viewport(ratio=1)
    await screen.page.keyboard.press("Escape")
    await expect(sidebar).not_to_be_in_viewport()
    await screen.open("Imbalance", tab="Messages")
    await screen.open("launch")

    await screen.type_command("/sample form")
    box = await screen.modal.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 400, "height": 860}
    await screen.screenshot("form-400")


HEIGHT = "field => field.offsetHeight"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 860}


async def test_popups_follow_a_resized_window(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    page = screen.page
    button, menu = page.get_by_role("button", name="12 members"), page.get_by_role("menu")
    await button.click()
    await page.set_viewport_size({"width": 900, "height": 800})
    await expect(menu).to_be_in_viewport(ratio=1)
    places = [await place.bounding_box() for place in (button, menu)]
    right, menu_right = [place["x"] + place["width"] for place in places if place]
    assert menu_right == right
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="New direct message").click()
    await expect(menu).to_be_visible()
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    await expect(menu).to_have_count(0)


async def test_drawer_and_composer_leave_nothing_behind_in_a_resized_window(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    page, sidebar = screen.page, screen.page.locator("#sidebar")
    one_line = await screen.composer.evaluate(HEIGHT)
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    await screen.composer.fill("A message that takes more than one line on a phone. " * 2)
    assert await screen.composer.evaluate(HEIGHT) > one_line
    await screen.conversation.get_by_role("button", name="Conversations").click()
    await expect(sidebar.get_by_text("launch")).to_be_in_viewport(ratio=1)

    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    await expect(screen.composer).to_have_css("height", f"{one_line}px")
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    leaving = "document.querySelector('#sidebar').getAnimations().length"
    assert await page.evaluate(leaving) == 0
    await expect(sidebar).not_to_be_in_viewport()
    await expect(page.locator("#backdrop")).to_be_hidden()


UNNAMED_CONTROLS = """() => [...document.querySelectorAll(
    'button, a, input, textarea, [role=combobox], [role=tab], [role=group], [role=radiogroup]')]
  .filter(e => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.labels?.length
    || document.getElementById(e.getAttribute('aria-labelledby'))))
  .map(e => e.outerHTML)"""


async def test_every_control_has_an_accessible_name(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample gallery")
    await expect(screen.message("Small print")).to_be_visible()
    assert await screen.page.evaluate(UNNAMED_CONTROLS) == []
    await screen.type_command("/sample form")
    await expect(screen.modal).to_be_visible()
    assert await screen.page.evaluate(UNNAMED_CONTROLS) == []
    await expect(screen.page.get_by_role("dialog", name="Try a form")).to_be_visible()
