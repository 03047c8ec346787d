"""The systemd unit is valid, sandboxed, and fits the bot."""

import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from bot import settings
from bot.__main__ import _parser
from tests.docs.reading import text

UNIT = "deploy/systemd/imbalance.service"
PROGRAM = "/opt/imbalance/bin/imbalance"
#: Out of 100; a unit without sandboxing has more than 90.
MOST_EXPOSED = 20


class Unit(ConfigParser):
    """The unit's options; of one that is set several times the last."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.read_string(text(UNIT))

    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.fixture
def unit_file(tmp_path: Path) -> Path:
    """The unit, with the path of a program that exists."""
    program = tmp_path / "imbalance"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    file = tmp_path / "imbalance.service"
    file.write_text(text(UNIT).replace(PROGRAM, str(program)))
    return file


def told_by(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr


def test_the_unit_is_valid(systemd_analyze: str, unit_file: Path):
    # Warnings about an option it does not know leave the exit code at 0.
    assert unit_file.name not in told_by(systemd_analyze, "verify", "--man=no", str(unit_file))


def test_the_unit_is_sandboxed(systemd_analyze: str, unit_file: Path):
    threshold = f"--threshold={MOST_EXPOSED}"
    told_by(systemd_analyze, "security", "--offline=yes", threshold, "--no-pager", str(unit_file))


def test_it_starts_a_command_that_exists():
    program, *arguments = Unit()["Service"]["ExecStart"].split()

    assert program == PROGRAM
    assert _parser().parse_args(arguments).migrate


def test_database_and_cache_are_in_writable_folders():
    service = Unit()["Service"]

    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert f"DATABASE_URL=sqlite:///{service['WorkingDirectory']}/" in text(UNIT)
    assert f"MPLCONFIGDIR=/var/cache/{service['CacheDirectory']}\n" in text(UNIT)
    assert service["ProtectSystem"] == "strict"


def test_stop_timeout_is_longer_than_the_bot_needs():
    service = Unit()["Service"]

    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > 10
    assert service["Restart"] == "on-failure"


def test_environment_example_has_every_required_setting():
    lines = text("deploy/systemd/imbalance.env.example").splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    needed = {line.split()[0] for line in settings.Settings().missing_to_run(http=False)}

    assert needed <= names <= set(settings.names())
