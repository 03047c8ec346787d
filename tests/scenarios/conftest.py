"""Scenarios run on SQLite, and on PostgreSQL too where `BOTH_ENGINES` is set, as in CI.

What they ask of the database, the tests of each package ask of both engines.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import migrated_database
from tests.harness import BotHarness
from tests.scenarios.lead import Lead

ENGINES = ["sqlite", "postgresql"] if os.environ.get("BOTH_ENGINES") else ["sqlite"]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty migrated database."""
    with migrated_database(request, tmp_path / "imbalance.db") as url:
        yield url


@pytest.fixture
def ana(harness: BotHarness) -> Lead:
    return Lead(harness)
