"""The one who starts the phase in most stories."""

import pytest

from tests.harness import House
from tests.scenarios.lead import Lead


@pytest.fixture
def ana(house: House) -> Lead:
    return Lead(house)
