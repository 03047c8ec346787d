"""The one who starts the phase in most stories."""

import pytest

from tests.harness import BotHarness
from tests.scenarios.lead import Lead


@pytest.fixture
def ana(harness: BotHarness) -> Lead:
    return Lead(harness)
