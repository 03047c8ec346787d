"""The lead who starts the phase in most scenarios."""

import pytest

from tests.harness import BotHarness
from tests.scenarios.lead import Lead


@pytest.fixture
def ana(harness: BotHarness) -> Lead:
    return Lead(harness)
