"""Every page of the documentation: links lead somewhere, and what it names exists."""

import re

import pytest

from tests.docs.reading import ROOT, anchors, links, pages, text

#: Where the wheel puts what stands beside `bot/` in a checkout.
IN_THE_WHEEL = {"bot/migrations", "bot/manifest.json"}
PATH = re.compile(r"(?<![\w/.-])(?:bot|tests|migrations)/[\w./-]*\w")


@pytest.mark.parametrize("page", pages())
def test_links_lead_to_existing_files_and_headings(page: str):
    broken = [
        f"{path}#{anchor}"
        for path, anchor in links(page)
        if not (ROOT / path).exists() or (anchor and anchor not in anchors(path))
    ]

    assert broken == []


@pytest.mark.parametrize("page", [*pages(), "Makefile", "pyproject.toml", "compose.yaml"])
def test_named_paths_exist(page: str):
    named = set(PATH.findall(text(page))) - IN_THE_WHEEL

    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_picture_is_shown_on_a_page():
    shown = {path for page in pages() for path, _ in links(page) if path.endswith(".png")}
    stored = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "pictures").iterdir()}

    assert shown == stored


def test_every_picture_has_an_alternative_text():
    assert [page for page in pages() if re.search(r"!\[.{0,9}\]\(", text(page))] == []


@pytest.mark.parametrize("page", pages())
def test_pages_do_not_overstate_anonymity(page: str):
    assert not re.search(r"100 ?%|(fully|completely) anonymous", text(page), re.I)
