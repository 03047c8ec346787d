"""Links in deploy/README.md work, and every file is mentioned."""

import re

from tests.docs.reading import ROOT, kept_files, text

README = text("deploy/README.md")
FOLDER = ROOT / "deploy"


def test_what_it_points_at_exists():
    for target in re.findall(r"\]\(([^)#:]+)", README):
        assert (FOLDER / target).exists(), target


def test_sections_of_the_main_readme_exist():
    headings = re.findall(r"^#+ (.+)$", text("README.md"), re.M)
    anchors = re.findall(r"\.\./README\.md#([a-z-]+)", README)

    assert anchors
    assert set(anchors) <= {heading.lower().replace(" ", "-") for heading in headings}


def test_every_file_is_explained_or_used():
    for path in kept_files():
        if path.is_relative_to(FOLDER) and path.name != "README.md":
            assert path.name in README, path
