"""Modals in the playground's page: filling, field errors, going back, and keyboard use."""

import pytest
from playwright.async_api import Page, expect

from bot.playground.server import FakeSlack
from tests.browser.conftest import OpenPage
from tests.browser.sample_app import SampleApp
from tests.harness import ANA, BEN

pytestmark = pytest.mark.browser

REQUIRED = "Please complete this required field."


async def focused_label(page: Page) -> str:
    """Return the accessible name of the focused element."""
    return await page.evaluate(
        "() => { const e = document.activeElement;"
        " return e.labels?.[0]?.textContent ?? e.ariaLabel ?? e.textContent; }"
    )


async def test_form_errors_appear_at_their_fields(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample form")
    await screen.press("Next")

    assert await screen.error_at("What is it for?") == REQUIRED
    assert await screen.error_at("Until when?") == ""
    assert await screen.error_at("Which kind?") == REQUIRED
    await expect(screen.page.get_by_label("What is it for?")).to_be_focused()
    await expect(screen.page.get_by_label("What is it for?")).to_have_attribute(
        "aria-invalid", "true"
    )

    await screen.fill_field("What is it for?", "Ship something")
    await screen.fill_field("Until when?", "2026-12-18")
    await screen.fill_field("Who leads?", "Ana Costa")
    await screen.fill_field("Who takes part?", ["Ben Okafor", "Chiara Rossi"])
    await screen.fill_field("Which kind?", "Trust-building")
    await screen.press("Next")
    assert await screen.error_at("What is it for?") == "Say which beta it is."
    assert await screen.error_at("Which kind?") == ""

    await screen.fill_field("What is it for?", "Ship the beta")
    await screen.press("Next")
    await expect(screen.modal.locator("h2")).to_have_text("And a second page")
    values = sample.received[-1][1]
    assert values["until"]["value"]["selected_date"] == "2026-12-18"
    assert values["lead"]["value"]["selected_user"] == ANA
    assert values["team"]["value"]["selected_users"] == [BEN, "U0CHI"]
    assert values["kind"]["value"]["selected_option"]["value"] == "trust"


async def test_going_back_keeps_typed_values(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample form")
    await screen.fill_field("What is it for?", "The beta")
    await screen.fill_field("Who leads?", "Dev Patel")
    await screen.fill_field("Which kind?", "Results")
    await screen.press("Next")
    await screen.fill_field("Any last word?", "None")
    await screen.press("Back", screen.modal.locator("footer"))

    await expect(screen.page.get_by_label("What is it for?")).to_have_value("The beta")
    await expect(screen.page.get_by_label("Who leads?")).to_have_value("Dev Patel")
    await expect(screen.page.get_by_label("Results sprint")).to_be_checked()
    await screen.press("Next")
    await expect(screen.page.get_by_label("Any last word?")).to_have_value("")
    await screen.press("Done")
    await expect(screen.modal).to_have_count(0)
    assert [name for name, _ in sample.received] == ["form", "form", "second"]


async def test_typed_values_survive_a_view_update(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample form")
    await screen.fill_field("What is it for?", "The beta")
    await screen.fill_field("Who takes part?", ["Ben Okafor"])
    await screen.press("Add another")

    await expect(screen.field("What can wait (1)")).to_be_visible()
    await expect(screen.page.get_by_label("What is it for?")).to_have_value("The beta")
    await expect(screen.field("Who takes part?").locator(".chip")).to_contain_text(["Ben Okafor"])


async def test_form_works_by_keyboard_alone(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    keys = screen.page.keyboard
    await screen.composer.focus()
    await keys.type("/sample form")
    await keys.press("Enter")
    await expect(screen.page.get_by_label("What is it for?")).to_be_focused()
    await keys.type("The beta")
    for _ in range(4):  # day, month and year of the date
        await keys.press("Tab")
    while await focused_label(screen.page) != "Who leads?":
        await keys.press("Tab")
    await keys.type("emi")
    await keys.press("Enter")
    await keys.press("Tab")
    await keys.press("Tab")
    await keys.press("ArrowDown")
    await keys.press("Enter")

    await expect(screen.modal.locator("h2")).to_have_text("And a second page")
    values = sample.received[-1][1]
    assert values["lead"]["value"]["selected_user"] == "U0EMI"
    assert values["kind"]["value"]["selected_option"]["value"] == "trust"

    for _ in range(12):  # the modal traps the focus
        await keys.press("Tab")
        inside = (
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert await screen.page.evaluate(inside)
    await keys.press("Escape")
    await expect(screen.modal.locator("h2")).to_have_text("Try a form")
    await keys.press("Escape")
    await expect(screen.modal).to_have_count(0)
    await expect(screen.composer).to_be_focused()
    assert sample.received[-1] == ("closed", False)


async def test_close_button_closes_the_whole_view_stack(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample form")
    await screen.fill_field("What is it for?", "The beta")
    await screen.fill_field("Who leads?", "Dev Patel")
    await screen.fill_field("Which kind?", "Results")
    await screen.press("Next")
    await expect(screen.modal.locator("h2")).to_have_text("And a second page")
    await screen.press("Close")

    await expect(screen.modal).to_have_count(0)
    await slack.settled()
    assert sample.received[-1] == ("closed", True)


PLACES = """() => [...document.querySelectorAll('#modal .block, #modal button')].map(part => {
    const { x, y, width, height } = part.getBoundingClientRect();
    return [x, y, width, height];
  })"""


async def test_nothing_in_a_form_moves_as_the_focus_comes_and_goes(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample form")
    field = screen.page.get_by_label("What is it for?")
    await field.fill("The beta")
    await expect(screen.modal.get_by_text("8 / 60")).to_be_visible()
    before = await screen.page.evaluate(PLACES)

    await screen.page.get_by_label("Who leads?").focus()
    await expect(screen.modal.get_by_text("8 / 60")).to_be_hidden()
    assert await screen.page.evaluate(PLACES) == before
    await field.fill("x" * 61)
    await expect(screen.modal.get_by_text("61 / 60")).to_be_visible()
    assert await screen.page.evaluate(PLACES) == before
