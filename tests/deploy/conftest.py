"""Command-line tools that validate files in deploy/."""

import os
import shutil

import pytest

PACKAGES = {"promtool": "prometheus", "systemd-analyze": "systemd"}


def installed(tool: str) -> str:
    """Path of a tool. Without it the test is skipped; with REQUIRE_TOOLS=1 it fails."""
    path = shutil.which(tool)
    if path:
        return path
    message = f"no {tool} on this machine (Debian and Ubuntu: apt install {PACKAGES[tool]})"
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def promtool() -> str:
    return installed("promtool")


@pytest.fixture
def systemd_analyze() -> str:
    return installed("systemd-analyze")
