"""A PostgreSQL of our own, durable, that tests may stop; people wait as long as in Slack."""

from collections.abc import Iterator

import pytest

from bot.playground.fake_slack import dispatch
from tests import postgres
from tests.outages.outage import SHORT_FORM_WAITS


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.OwnServer]:
    with postgres.own_server(postgres.binaries(), durable=True) as started:
        yield started


@pytest.fixture(autouse=True)
def generous_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot has its usual patience; what the loaded machine adds is not held against it.

    `make chaos` holds an outage of a minute to Slack's three seconds.
    """
    monkeypatch.setattr(dispatch, "ACK_SECONDS", SHORT_FORM_WAITS)
