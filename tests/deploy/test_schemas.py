"""Configuration files for GitHub and Docker Compose follow their published schemas."""

import subprocess
import sys

import pytest

from tests.docs.reading import ROOT

SCHEMAS = {
    ".github/workflows/ci.yaml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    "compose.yaml": "vendor.compose-spec",
}


@pytest.mark.parametrize("file", SCHEMAS)
def test_it_is_valid(file: str):
    told = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[file], file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr


def test_every_workflow_is_checked():
    workflows = (ROOT / ".github" / "workflows").iterdir()

    assert {str(path.relative_to(ROOT)) for path in workflows} <= SCHEMAS.keys()
