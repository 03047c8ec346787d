"""Messages and the App Home in the playground's page: content and interactions."""

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.server import FakeSlack
from tests.browser.conftest import OpenPage
from tests.browser.sample_app import SampleApp
from tests.browser.sample_blocks import questions
from tests.harness import BEN, LAUNCH, TINY_PNG

pytestmark = pytest.mark.browser


async def test_threads_pins_and_bookmarks(open_page: OpenPage, slack: FakeSlack, sample: SampleApp):
    screen = await open_page(slack)
    await screen.type_command("/sample thread")
    announcement = screen.message("An announcement.")
    await expect(announcement).to_contain_text("Pinned")
    await announcement.get_by_role("button", name="1 reply").click()
    await expect(screen.thread).to_contain_text("The results.")

    reply = screen.thread.get_by_label("Reply", exact=True)
    await reply.fill("Thanks.")
    await reply.press("Enter")
    await expect(screen.thread.locator(".message").last).to_contain_text("Thanks.")
    await expect(announcement.get_by_role("button", name="2 replies")).to_be_visible()
    await reply.fill("/sample form")
    await reply.press("Escape")
    await reply.press("Enter")
    await expect(screen.notice).to_contain_text("not supported in threads")
    await screen.press("Close thread")
    await expect(screen.thread).to_be_hidden()

    await screen.open("platform")
    await screen.open("launch")
    await screen.page.get_by_role("link", name="The announcement").click()
    await expect(announcement).to_be_focused()
    await screen.page.get_by_role("button", name="1 pinned message").click()
    await screen.page.get_by_role("menuitem", name="An announcement.").click()
    await expect(announcement).to_be_focused()


async def test_questions_are_answered_in_a_direct_message(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    posted = await api.chat_postMessage(channel=BEN, text="Three questions", blocks=questions())
    screen = await open_page(slack, "Ben Okafor")
    unread = screen.page.get_by_role("button", name="Imbalance, 1 for you")
    await expect(unread).to_be_visible()
    await unread.click()
    await expect(screen.conversation.get_by_role("separator", name="New")).to_be_visible()
    await expect(unread).to_have_count(0)

    await screen.fill_field("Clear and doable?", "4")
    await screen.fill_field("Anything to add?", "Fewer meetings, please")
    await api.chat_update(
        channel=posted["channel"], ts=posted["ts"], text="Three", blocks=questions("One day left.")
    )
    await expect(screen.message("One day left.")).to_be_visible()
    await screen.press("Send", screen.message("One day left."))

    await expect(screen.message("Received.")).to_be_visible()
    values = sample.received[-1][1]
    assert values["clarity"]["value"]["selected_option"]["value"] == "4"
    assert values["comment"]["value"]["value"] == "Fewer meetings, please"
    assert "Fewer" not in str(slack.workspace.messages(posted["channel"]))


async def test_home_tab_keeps_typed_text(open_page: OpenPage, slack: FakeSlack, sample: SampleApp):
    screen = await open_page(slack)
    await screen.open("Imbalance")
    await expect(screen.conversation).to_contain_text("Pressed 0 times.")
    await screen.fill_field("A note", "Do not lose me")
    await screen.press("Add")

    await expect(screen.conversation).to_contain_text("Pressed 1 times.")
    await expect(screen.page.get_by_label("A note")).to_have_value("Do not lose me")
    assert sample.received[-1][1]["home_note"]["value"]["value"] == "Do not lose me"
    await screen.page.get_by_role("tab", name="Home").press("ArrowRight")
    await expect(screen.conversation).to_contain_text("Sending messages to this app")


async def test_every_interactive_element_sends_its_action(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample gallery")
    message = screen.message("Gallery")
    page = screen.page

    async def choose(block: str, words: str) -> None:
        place = message.locator(f'[data-block="{block}"]')
        await place.get_by_role("combobox").click()
        await page.get_by_role("option", name=words).click()

    await choose("one", "Two")
    await choose("many", "Three")
    await choose("chan", "platform")
    await choose("conv", "secret-plan")
    await message.get_by_label("Two").check()
    await message.locator('input[type="date"]').fill("2026-12-01")
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="One").click()
    await screen.press("Delete", message)
    await page.get_by_role("button", name="Keep it").click()
    await screen.press("Delete", message)
    await page.get_by_role("button", name="Delete it").click()
    await screen.idle()
    await slack.settled()

    received = dict(sample.received)
    assert received["pick"]["selected_option"]["value"] == "2"
    assert [one["value"] for one in received["picks"]["selected_options"]] == ["3"]
    assert received["channel"]["selected_channel"] == "C0PLATF"
    assert received["conversation"]["selected_conversation"] == "C0SECRET"
    assert [one["value"] for one in received["boxes"]["selected_options"]] == ["2"]
    assert received["day"]["selected_date"] == "2026-12-01"
    assert received["over"]["selected_option"]["value"] == "1"
    assert [name for name, _ in sample.received].count("delete") == 1


async def test_user_text_is_formatted_but_never_executed(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    hostile = "<img src=x onerror=alert(1)> <!channel> *bold* 2 < 3 & [x](javascript:alert(2)) שלום"
    screen = await open_page(slack)
    await screen.say(hostile)

    body = screen.conversation.locator(".message").last.locator(".blocks")
    await expect(body).to_have_text(hostile.replace("*", ""))
    await expect(body.locator("img, a, .mention")).to_have_count(0)
    await expect(body.locator("strong")).to_have_text("bold")


async def test_uploaded_pictures_are_shown(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp, api: AsyncWebClient
):
    uploaded = await api.files_upload_v2(content=TINY_PNG, filename="chart.png", title="Chart")
    picture = {"type": "image", "slack_file": {"id": uploaded["file"]["id"]}, "alt_text": "A dot"}
    await api.chat_postMessage(channel=LAUNCH, text="Results", blocks=[picture])
    screen = await open_page(slack)

    shown = screen.page.get_by_role("img", name="A dot")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.naturalWidth") == 1


async def test_press_on_the_lower_part_of_a_button_counts_right_after_typing(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.open("Imbalance")
    await screen.page.get_by_label("A note").press_sequentially("Do not lose me")
    add = await screen.conversation.get_by_role("button", name="Add").bounding_box()
    assert add is not None

    await screen.page.mouse.click(add["x"] + 5, add["y"] + 0.8 * add["height"])

    await expect(screen.conversation).to_contain_text("Pressed 1 times.")
