"""What the bot writes can be read by its own user alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.__main__ import main


@pytest.fixture
def usual_umask() -> Iterator[int]:
    usual = 0o022
    before = os.umask(usual)
    yield usual
    os.umask(before)


def test_database_and_its_folder_are_for_their_owner_alone(
    tmp_path: Path, usual_umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/imbalance.db")

    assert main(["migrate"]) == 0

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes["imbalance.db"] == 0o600
    assert {mode & (stat.S_IRWXG | stat.S_IRWXO) for mode in modes.values()} == {0}
    assert os.umask(usual_umask) == usual_umask
