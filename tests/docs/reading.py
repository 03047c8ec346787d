"""The repository's files as text, for the tests of the documentation."""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def code() -> str:
    """All of the bot's code, without the fake Slack."""
    files = sorted(path for path in (ROOT / "bot").rglob("*.py") if "playground" not in path.parts)
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file that is committed or about to be."""
    try:
        listed = subprocess.check_output(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
        ).splitlines()
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive, or no git here
        listed = [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if ".venv" not in str(path)
        ]
    return tuple(path for path in (ROOT / name for name in listed) if path.is_file())


@cache
def pages() -> tuple[str, ...]:
    """Every page of the documentation, as a path from the root."""
    names = [str(path.relative_to(ROOT)) for path in kept_files() if path.suffix == ".md"]
    return tuple(sorted(name for name in names if not name.startswith((".", "tests/"))))


def section(page: str, title: str) -> str:
    """One section of a page, from its heading to the next of the same or a higher rank."""
    found = re.search(rf"^(#+) {re.escape(title)}$", text(page), re.M)
    assert found, f"{page} has no section {title!r}"
    rest = text(page)[found.end() :]
    return re.split(rf"^#{{1,{len(found[1])}}} ", rest, maxsplit=1, flags=re.M)[0]


def first_cells(table: str) -> list[str]:
    """What stands in backquotes in the first cell of each row of a section's tables."""
    rows = re.findall(r"^\|([^|]*)\|", table, re.M)
    return [name for cell in rows for name in re.findall(r"`([^`]+)`", cell)]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _without_code(text(page)), re.M):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        slug = words.replace(" ", "-")
        number = 0
        while (slug if not number else f"{slug}-{number}") in found:
            number += 1
        found.add(slug if not number else f"{slug}-{number}")
    return found


def links(page: str) -> list[tuple[str, str]]:
    """Each relative link of a page: its path from the root, and its anchor or an empty string."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(text(page))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        found.append((str(file.resolve().relative_to(ROOT.resolve())), anchor))
    return found


def _without_code(markdown: str) -> str:
    return re.sub(r"^```.*?^```$", "", markdown, flags=re.M | re.S)
