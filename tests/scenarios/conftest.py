"""Scenarios run on SQLite, and with `make test ALL=1`, as in CI, on PostgreSQL too.

What they ask of the database, the tests of each package ask of both engines.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import migrated_database
from tests.harness import ALL_VARIANTS, BotHarness
from tests.scenarios.lead import Lead

ENGINES = ["sqlite", "postgresql"] if ALL_VARIANTS else ["sqlite"]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty migrated database."""
    with migrated_database(request, tmp_path / "imbalance.db") as url:
        yield url


@pytest.fixture
def ana(harness: BotHarness) -> Lead:
    return Lead(harness)
