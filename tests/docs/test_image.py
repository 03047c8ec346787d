"""The container image: the bot without its playground."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.reading import ROOT


def run_image_bot(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bot from a copy of what the Dockerfile copies."""
    excluded = {
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("bot/")
    }
    shutil.copytree(
        ROOT / "bot",
        folder / "bot",
        ignore=lambda place, names: [
            name
            for name in names
            if str((Path(place) / name).relative_to(ROOT)) in excluded or name == "__pycache__"
        ],
    )
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    for file in ("manifest.json", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={"DATABASE_URL": "sqlite:///imbalance.db", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_image_leaves_the_playground_out(tmp_path: Path) -> None:
    result = run_image_bot(tmp_path, "playground")

    assert not (tmp_path / "bot" / "playground").exists()
    assert (result.returncode, "invalid choice: 'playground'" in result.stderr) == (2, True)


def test_image_creates_its_database(tmp_path: Path) -> None:
    result = run_image_bot(tmp_path, "migrate")

    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "imbalance.db").exists()
