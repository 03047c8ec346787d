"""Links in deploy/README.md work, and every file is mentioned."""

import re

from tests.docs.reading import ROOT, anchors, kept_files, text

README = text("deploy/README.md")
FOLDER = ROOT / "deploy"


def test_link_targets_exist():
    for target in re.findall(r"\]\(([^)#:]+)", README):
        assert (FOLDER / target).exists(), target


def test_sections_of_other_pages_exist():
    links = re.findall(r"\.\./(docs/\w+\.md)#([a-z-]+)", README)

    assert links
    assert [link for link in links if link[1] not in anchors(link[0])] == []


def test_every_file_is_mentioned():
    for path in kept_files():
        if path.is_relative_to(FOLDER) and path.name != "README.md":
            assert path.name in README, path
