"""The pages list every command: of Slack, of the command line and of make."""

import argparse
import re

import pytest

from bot.__main__ import _parser
from bot.home.help import SUBCOMMANDS
from tests.docs.reading import section, text


def command_line() -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser, those of `outbox` included, by its words."""
    found: dict[str, argparse.ArgumentParser] = {}

    def add(parser: argparse.ArgumentParser, words: str) -> None:
        groups = [
            group for group in parser._actions if isinstance(group, argparse._SubParsersAction)
        ]
        for name, command in (groups[0].choices if groups else {}).items():
            found[f"{words}{name}"] = command
            add(command, f"{words}{name} ")

    add(_parser(), "")
    return found


def options() -> list[tuple[str, str]]:
    return [
        (name, action.option_strings[-1])
        for name, parser in command_line().items()
        for action in parser._actions
        if action.option_strings and action.option_strings[-1] != "--help"
    ]


def make_targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.M)


@pytest.mark.parametrize("name", command_line())
def test_operating_page_lists_every_command(name: str):
    assert f"| `imbalance {name}" in section("docs/operating.md", "Command line")


@pytest.mark.parametrize(("name", "option"), options())
def test_operating_page_explains_every_option(name: str, option: str):
    rows = re.findall(
        rf"^\| `imbalance {name}\b.*$", section("docs/operating.md", "Command line"), re.M
    )

    assert any(f"`{option}" in row or f" {option}" in row for row in rows)


@pytest.mark.parametrize("name", make_targets())
def test_contributing_page_lists_every_make_target(name: str):
    assert f"| `make {name}" in section("docs/contributing.md", "Commands")


def test_commands_page_has_a_section_for_each_slash_command():
    written = re.findall(r"^## `/imbalance ([\w-]+)`$", text("docs/commands.md"), re.M)

    assert sorted(written) == sorted(SUBCOMMANDS)
