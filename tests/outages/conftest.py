"""A PostgreSQL of our own, durable, that tests may stop."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.OwnServer]:
    with postgres.own_server(postgres.binaries(), durable=True) as started:
        yield started
