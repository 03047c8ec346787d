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


def section(title: str) -> str:
    """One section of the README, from its heading to the next of the same rank."""
    found = re.search(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text("README.md"), re.M | re.S
    )
    assert found, f"the README has no section {title!r}"
    return found[2]
