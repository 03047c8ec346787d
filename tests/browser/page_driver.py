"""A page object for the playground: everything a person can see and do there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

#: The buttons that `pull` accepts.
LEVERS = ("+1 hour", "+1 day", "Next event", "Let the team answer")
NARROW = 760


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One open page. Every lookup waits until the element appears."""

    page: Page
    pictures: Path  # where screenshots go

    # ------------------------------------------------------------ locators

    @property
    def modal(self) -> Locator:
        return self.page.locator("#modal[open]")

    @property
    def conversation(self) -> Locator:
        return self.page.locator("#conversation")

    @property
    def thread(self) -> Locator:
        return self.page.locator("#thread")

    @property
    def composer(self) -> Locator:
        return self.conversation.locator(".composer textarea")

    @property
    def guide(self) -> Locator:
        """The first screen's explanations, above the workspace."""
        return self.page.locator("#guide")

    @property
    def notice(self) -> Locator:
        """A notice by Slack itself, above the conversation."""
        return self.page.locator(".toast")

    @property
    def surface(self) -> Locator:
        """The open modal, or the page if none is open."""
        return self.page.locator("#modal[open], body:not(:has(#modal[open])) #workspace")

    def message(self, text: str) -> Locator:
        """Return the newest message in the conversation with this text."""
        return self.conversation.locator(".message").filter(has_text=text).last

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """Return the newest input with this label, including its hint and error."""
        labelled = self.page.locator(".label", has_text=label)
        return (within or self.surface).locator(".input-block", has=labelled).last

    async def error_at(self, label: str) -> str:
        """Return the error under a field, or an empty text."""
        return (await self.field(label).locator(".error").inner_text()).strip()

    async def screenshot(self, name: str) -> Path:
        """Take a screenshot once all images are loaded."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        await self.page.wait_for_function("[...document.images].every(image => image.complete)")
        path = self.pictures / f"{name}.png"
        await self.page.screenshot(path=path, animations="disabled", caret="hide")
        return path

    async def dismiss_notices(self) -> None:
        await self.page.evaluate(
            "document.querySelectorAll('.toast button').forEach(b => b.click())"
        )

    # ------------------------------------------------------------ navigation

    async def switch_person(self, name: str) -> None:
        person_button = self.page.locator("#timebar .who")
        await person_button.click()
        await self.page.get_by_role("menuitem").filter(has_text=name).click()
        await expect(person_button).to_contain_text(name)

    async def open(self, conversation: str, tab: str = "") -> None:
        """Open a conversation from the sidebar, and a tab of the app's conversation."""
        if self._width <= NARROW:
            await self.conversation.get_by_role("button", name="Conversations").click()
        words = self.page.get_by_text(conversation, exact=True)
        await self.page.locator("#sidebar .conversation", has=words).click()
        await expect(self.conversation.locator("h1")).to_contain_text(conversation)
        if tab:
            await self.conversation.get_by_role("tab", name=tab).click()

    @property
    def _width(self) -> int:
        size = self.page.viewport_size
        return size["width"] if size else NARROW + 1

    async def pull(self, lever: str) -> None:
        """Press one of LEVERS, and wait until the app has done everything that became due."""
        button = self.page.locator("#timebar").get_by_role("button", name=lever, exact=True)
        await button.click()
        await expect(button).to_have_attribute("aria-disabled", "false", timeout=60_000)

    # ------------------------------------------------------------ typing and pressing

    async def type_command(self, text: str) -> None:
        """Type a slash command or a message into the composer, and send it."""
        await expect(self.modal).to_have_count(0)  # a modal blocks the composer
        await self.composer.fill(text)
        await self.composer.press("Escape")  # closes the suggestions
        await self.composer.press("Enter")
        await expect(self.composer).to_have_value("")

    say = type_command

    async def fill_field(
        self, label: str, value: str | Sequence[str], within: Locator | None = None
    ) -> None:
        """Fill the input with this label: type, choose options by their text, or tick."""
        field = self.field(label, within)
        values = [value] if isinstance(value, str) else value
        if await field.locator(".choices").count():
            for one in values:
                await field.locator(".choice", has_text=one).locator("input").check()
        elif await field.get_by_role("combobox").count():
            menu = field.get_by_role("combobox")
            for one in values:
                await self._choose(menu, one)
            if await menu.get_attribute("aria-expanded") == "true":
                await menu.press("Escape")
        else:
            await field.locator("input, textarea").fill(values[0])

    async def _choose(self, menu: Locator, words: str) -> None:
        await menu.fill(words)
        await self.page.get_by_role("option", name=words).first.click()

    async def press(self, name: str, within: Locator | None = None) -> None:
        """Press the newest button with this label, in the modal if one is open."""
        place = within or self.surface
        button = place.get_by_role("button", name=name, exact=True).last
        await button.click()
        await self.idle()

    async def idle(self) -> None:
        """Wait until no button shows a pending request."""
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
