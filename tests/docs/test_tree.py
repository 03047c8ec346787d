"""What holds for every file that we keep."""

import ast
from pathlib import Path

import pytest

from tests.docs.reading import ROOT, kept_files

LONGEST_FUNCTION = 45
#: The schema is one page on purpose: every table and its constraints can be seen at once.
ONE_PAGE = ("bot/db/schema.py", "migrations/versions/")
#: Put together here, so that this file does not hold them either.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
    )
)
INDEX_OPTIONS = ("--index-" + "url", "--extra-index-" + "url", "--find-" + "links")
PYTHON = sorted(path for path in kept_files() if path.suffix == ".py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def too_long(path: Path) -> list[str]:
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        node.name
        for node in functions
        if node.end_lineno and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_functions_stay_small(path: Path):
    assert too_long(path) == [] or name_of(path).startswith(ONE_PAGE)


def test_no_file_names_a_package_registry_or_this_machine():
    words = (*HOSTS, *INDEX_OPTIONS, "/work/" + "shared", "/work/" + "main")
    found = {
        name_of(path): word
        for path in kept_files()
        for word in words
        if word.encode() in path.read_bytes()
    }

    assert found == {}


def test_every_pin_has_its_hash_and_comes_from_no_named_place():
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert "://" not in "".join(lines)
        assert all(line.startswith("    --hash=sha256:") or "==" in line for line in lines if line)


def test_the_top_level_is_as_drawn():
    drawn = {
        "pyproject.toml", "bot", "migrations", "tests", "Dockerfile", ".env.example",
        "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "docs", "deploy",
        "Makefile", "manifest.json", "compose.yaml",
        "requirements.txt", "requirements-dev.txt",
    }  # fmt: skip
    there = {path.relative_to(ROOT).parts[0] for path in kept_files()}

    assert {name for name in there - drawn if not name.startswith(".")} == set()
