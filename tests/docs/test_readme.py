"""The README shows every command, and every file that it names exists."""

import argparse
import re

import pytest

from bot.__main__ import _parser
from bot.home.help import SUBCOMMANDS
from tests.docs.reading import ROOT, section, text


def command_line() -> list[str]:
    groups = [
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return sorted(groups[0].choices)


def targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.M)


@pytest.mark.parametrize("name", command_line())
def test_every_cli_command_is_in_the_readme(name: str):
    assert f"`python -m bot {name}" in text("README.md")


@pytest.mark.parametrize("name", targets())
def test_every_make_target_is_in_the_readme(name: str):
    assert f"`make {name}" in text("README.md") or f"\nmake {name}" in text("README.md")


def test_every_slash_subcommand_is_in_the_readme():
    shown = section("Every command")

    assert {name for name in SUBCOMMANDS if f"`/imbalance {name}" not in shown} == set()


def test_every_dependency_is_justified_in_the_readme():
    listed = text("pyproject.toml").split("dependencies = [")[1].split("]\n")[0]
    names = re.findall(r'"([A-Za-z0-9-]+)(?:\[\w+\])?==', listed)
    reasons = section("Why each dependency").lower()

    assert {name for name in names if f"| {name.lower()} |" not in reasons} == set()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", text("README.md")))))
def test_linked_files_exist(target: str):
    assert (ROOT / target).is_file()


@pytest.mark.parametrize("file", ["README.md", "Makefile", "pyproject.toml"])
def test_named_paths_exist(file: str):
    named = set(re.findall(r"(?<![\w/.-])(?:bot|tests|migrations)/[\w./-]*\w", text(file)))

    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_readme_does_not_overstate_anonymity():
    assert not re.search(r"100 ?%|fully anonymous|completely anonymous", text("README.md"), re.I)
