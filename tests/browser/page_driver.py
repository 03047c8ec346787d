"""What a person does at the page, in the words a test tells its story in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

#: What `pull` knows.
LEVERS = ("+1 hour", "+1 day", "Next event", "Let the team answer")
NARROW = 760


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One open page. Whatever it looks for may take a moment to appear."""

    page: Page
    pictures: Path  # where screenshots go

    # ------------------------------------------------------------ to look at

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
    def notice(self) -> Locator:
        """What Slack itself says, above the conversation."""
        return self.page.locator(".toast")

    @property
    def surface(self) -> Locator:
        """Where the person is busy: the open modal, else the page."""
        return self.page.locator("#modal[open], body:not(:has(#modal[open])) #workspace")

    def message(self, text: str) -> Locator:
        """The newest message in the conversation that has this text."""
        return self.conversation.locator(".message").filter(has_text=text).last

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """An input with its label, hint and error; of several the newest."""
        labelled = self.page.locator(".label", has_text=label)
        return (within or self.surface).locator(".input-block", has=labelled).last

    async def error_at(self, label: str) -> str:
        """What stands in red under a field; empty where nothing does."""
        return (await self.field(label).locator(".error").inner_text()).strip()

    async def screenshot(self, name: str) -> Path:
        """A picture of the page as it is, once its pictures are there."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        await self.page.wait_for_function("[...document.images].every(image => image.complete)")
        path = self.pictures / f"{name}.png"
        await self.page.screenshot(path=path, animations="disabled", caret="hide")
        return path

    async def dismiss_notices(self) -> None:
        await self.page.evaluate(
            "document.querySelectorAll('.toast button').forEach(b => b.click())"
        )

    # ------------------------------------------------------------ to go somewhere

    async def switch_person(self, name: str) -> None:
        who = self.page.locator("#timebar .who")
        await who.click()
        await self.page.get_by_role("menuitem").filter(has_text=name).click()
        await expect(who).to_contain_text(name)

    async def open(self, conversation: str, tab: str = "") -> None:
        """Open a conversation by its name in the sidebar; of the app's also a tab."""
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
        """Use one of LEVERS, and wait until the app has done what became due."""
        button = self.page.locator("#timebar").get_by_role("button", name=lever, exact=True)
        await button.click()
        await expect(button).to_have_attribute("aria-disabled", "false", timeout=60_000)

    # ------------------------------------------------------------ to say, fill, press

    async def type_command(self, text: str) -> None:
        """Type into the composer and send it; a slash command or a message."""
        await expect(self.modal).to_have_count(0)  # nobody can type behind one
        await self.composer.fill(text)
        await self.composer.press("Escape")  # the suggestions
        await self.composer.press("Enter")
        await expect(self.composer).to_have_value("")

    say = type_command

    async def fill_field(
        self, label: str, value: str | Sequence[str], within: Locator | None = None
    ) -> None:
        """Fill the input with this label: type, choose (by what the choice says), or tick."""
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
        """Press the button that says this, in the modal if one is open; of several the newest."""
        place = within or self.surface
        button = place.get_by_role("button", name=name, exact=True).last
        await button.click()
        await self.idle()

    async def idle(self) -> None:
        """Wait until no button shows that the app is at work."""
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
