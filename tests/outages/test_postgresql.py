"""PostgreSQL goes away under load: people are told, nothing confirmed is lost, all resumes."""

from pathlib import Path

import pytest

from tests.outages.crowd import SAVED
from tests.outages.outage import Kind, outage
from tests.postgres import OwnServer

SLACK_WAITS = 3.0


@pytest.mark.parametrize("kind", list(Kind))
async def test_an_outage_misleads_nobody(cluster: OwnServer, tmp_path: Path, kind: Kind) -> None:
    seen = await outage(cluster, tmp_path, kind, seconds=4)

    print(seen.line())
    assert seen.misled == ()
    assert seen.silent == 0
    assert seen.slowest < SLACK_WAITS
    assert seen.told[SAVED] > 0
    assert len(seen.told) > 1  # somebody did notice
    assert (seen.lost, seen.twice) == (0, 0)
    assert seen.alive
    assert seen.log_lines < 30
