"""The one who starts the phase in most stories."""

import pytest

from tests.scenarios.lead import Lead
from tests.vocabulary import House


@pytest.fixture
def ana(house: House) -> Lead:
    return Lead(house)
