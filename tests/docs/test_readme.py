"""The README is short, shows every Slack command, and leads to every page of the documentation."""

import re

from bot.home.help import SUBCOMMANDS
from tests.docs.reading import first_cells, links, pages, section, text

MAX_LINES, MAX_WORDS = 160, 2_000
#: Lists of changes and reports, which people look for beside the README.
STANDARD = {"README.md", "CHANGELOG.md", "SECURITY.md"}


def test_readme_is_short():
    assert len(text("README.md").splitlines()) <= MAX_LINES
    assert len(text("README.md").split()) <= MAX_WORDS


def test_readme_shows_one_picture():
    assert len(re.findall(r"!\[", text("README.md"))) == 1


def test_readme_lists_every_slash_command():
    shown = {
        cell.split()[1]
        for cell in first_cells(section("README.md", "Commands"))
        if cell.startswith("/imbalance ")
    }

    assert shown == SUBCOMMANDS.keys()


def test_readme_leads_to_every_page():
    assert {path for path, _ in links("README.md")} >= set(pages()) - STANDARD
