"""A durable PostgreSQL of our own that tests may stop, and a patient fake Slack."""

from collections.abc import Iterator

import pytest

from bot.playground.fake_slack import dispatch
from tests import postgres
from tests.outages.outage import ACK_SECONDS_UNDER_LOAD


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.OwnServer]:
    with postgres.own_server(postgres.binaries(), durable=True) as started:
        yield started


@pytest.fixture(autouse=True)
def generous_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow for a loaded machine: the bot keeps its deadlines, the fake Slack waits longer.

    `make chaos` holds an outage of a minute to Slack's three seconds.
    """
    monkeypatch.setattr(dispatch, "ACK_SECONDS", ACK_SECONDS_UNDER_LOAD)
