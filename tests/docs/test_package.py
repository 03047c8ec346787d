"""The wheel: built, installed outside the checkout, and used from another folder."""

import os
import re
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import socket

import pytest

from bot import __version__
from tests.docs.reading import ROOT, text

START_SECONDS = 60


@pytest.fixture(scope="module")
def imbalance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment with the wheel, and of the checkout only dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    _run(_bin(folder, "pip"), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return Path(_bin(folder, "imbalance"))


def _bin(folder: Path, name: str) -> str:
    return str(folder / "env" / "bin" / name)


def _run(*arguments: str, cwd: Path | None = None) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd or Path.cwd())}
    done = subprocess.run(
        arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_declares_every_dependency(imbalance: Path, tmp_path: Path):
    assert "No broken requirements" in _run(str(imbalance.parent / "pip"), "check", cwd=tmp_path)
    declared = _run(
        str(imbalance.parent / "python"),
        "-c",
        "from importlib.metadata import requires; print(*requires('imbalance'), sep='\\n')",
        cwd=tmp_path,
    )

    listed = text("pyproject.toml").split("dependencies = [")[1].split("]\n")[0]
    names = re.findall(r'"([A-Za-z0-9-]+)(?:\[\w+\])?==', listed)
    assert sorted(re.findall(r"^[\w-]+", declared.lower(), re.M)) == sorted(
        name.lower() for name in names
    )


def test_installed_command_prints_its_version(imbalance: Path, tmp_path: Path):
    assert _run(str(imbalance), "--version", cwd=tmp_path) == f"imbalance {__version__}\n"


def test_installed_command_migrates_a_database(imbalance: Path, tmp_path: Path):
    assert _run(str(imbalance), "migrate", cwd=tmp_path).startswith("The database is at")
    assert list(tmp_path.rglob("imbalance.db"))


def test_installed_package_holds_no_tests_and_no_caches(imbalance: Path):
    (site,) = (imbalance.parents[1] / "lib").glob("python*/site-packages")
    files = (site / f"imbalance-{__version__}.dist-info" / "RECORD").read_text()

    assert "tests/" not in files
    assert "bot/migrations/env.py" in files
    assert "LICENSE" in files


@pytest.fixture
def port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def playground(imbalance: Path, tmp_path: Path, port: int) -> Iterator[str]:
    process = subprocess.Popen(
        [str(imbalance), "playground", "--no-open", "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(timeout=START_SECONDS)


def test_installed_command_serves_the_playground(playground: str):
    for _ in range(START_SECONDS * 5):
        with suppress(OSError), urllib.request.urlopen(playground, timeout=5) as page:
            assert b"playground" in page.read()
            return
        time.sleep(0.2)
    pytest.fail("The playground did not answer.")


def test_image_and_changelog_name_this_version():
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
