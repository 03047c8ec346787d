"""Emoji on a machine without a font for them: the page brings a small one along."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from playwright.async_api import Browser, async_playwright

import bot
from bot.playground.server import FakeSlack
from tests.browser.conftest import QUIET, OpenPage
from tests.browser.sample_app import SampleApp

CODE = Path(bot.__file__).parent
PAGE = CODE / "playground/page"
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u274c]")
SHORT_CODE = re.compile(r"(?<=[\"' ]):([a-z_]+):(?=[\"' ])")
WITHOUT_EMOJI = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <selectfont><rejectfont><glob>*Emoji*</glob></rejectfont></selectfont>
</fontconfig>
"""


@pytest.fixture
async def browser(chromium: str, tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser on a machine without emoji fonts."""
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(WITHOUT_EMOJI)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium, args=QUIET, env={"FONTCONFIG_FILE": str(fonts)}
        )
        yield started
        await started.close()


@pytest.mark.browser
async def test_emoji_are_drawn_without_an_emoji_font_on_the_machine(
    open_page: OpenPage, slack: FakeSlack, sample: SampleApp
):
    screen = await open_page(slack)
    await screen.type_command("/sample gallery")
    await screen.message("Gallery").locator("h3").wait_for()
    devtools = await screen.page.context.new_cdp_session(screen.page)
    await devtools.send("DOM.enable")
    await devtools.send("CSS.enable")
    root = (await devtools.send("DOM.getDocument"))["root"]["nodeId"]
    heading = await devtools.send(
        "DOM.querySelector", {"nodeId": root, "selector": ".header-block"}
    )

    used = await devtools.send("CSS.getPlatformFontsForNode", {"nodeId": heading["nodeId"]})

    drawn = {
        font["familyName"]: font["glyphCount"] for font in used["fonts"] if font["isCustomFont"]
    }
    assert drawn == {"Noto Color Emoji": 1}


def test_bundled_font_has_every_emoji_that_the_bot_and_the_page_use():
    known = dict(re.findall(r"([a-z_]+) (\S+?),", (PAGE / "emoji.js").read_text("utf-8")))
    written = [
        path.read_text("utf-8") for path in CODE.rglob("*") if path.suffix in {".py", ".css"}
    ]
    used = {character for text in written for character in EMOJI.findall(text)}
    used |= {known[code] for text in written for code in SHORT_CODE.findall(text) if code in known}

    assert {"🏁", "🌱"} <= used
    assert {ord(character) for character in used} <= TTFont(
        PAGE / "emoji.woff"
    ).getBestCmap().keys()
