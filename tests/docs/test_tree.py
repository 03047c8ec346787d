"""Rules for every file of the repository."""

import ast
from pathlib import Path

import pytest

from tests.docs.reading import ROOT, kept_files

MAX_FUNCTION_LINES = 45
#: The schema is in one place on purpose: every table and its constraints can be seen at once.
EXEMPT = ("bot/db/schema.py", "migrations/versions/")
#: Joined here, so that this file does not contain the names either.
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


def long_functions(path: Path) -> list[str]:
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        node.name
        for node in functions
        if node.end_lineno and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_functions_stay_short(path: Path):
    assert long_functions(path) == [] or name_of(path).startswith(EXEMPT)


def test_no_file_names_a_package_registry_or_this_machine():
    words = (*HOSTS, *INDEX_OPTIONS, "/work/" + "shared", "/work/" + "main")
    found = {
        name_of(path): word
        for path in kept_files()
        for word in words
        if word.encode() in path.read_bytes()
    }

    assert found == {}


def test_pinned_requirements_have_hashes_and_no_urls():
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert "://" not in "".join(lines)
        assert all(line.startswith("    --hash=sha256:") or "==" in line for line in lines if line)


def test_top_level_has_no_unexpected_entries():
    expected = {
        "pyproject.toml", "bot", "migrations", "tests", "Dockerfile", ".env.example",
        "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "docs", "deploy",
        "Makefile", "manifest.json", "compose.yaml",
        "requirements.txt", "requirements-dev.txt",
    }  # fmt: skip
    found = {path.relative_to(ROOT).parts[0] for path in kept_files()}

    assert {name for name in found - expected if not name.startswith(".")} == set()
