"""PostgreSQL goes away under load: people are told, nothing confirmed is lost, all resumes."""

import asyncio
import os
from math import isnan
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bot.clock import Clock, monotonic
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.operations.readiness import DATABASE, LOOK_SECONDS, not_ready
from bot.playground.server import FakeSlack
from tests.conftest import MANIFEST
from tests.harness import MEMBERS
from tests.outages.bot_process import environment, open_round, running
from tests.outages.load import SAVED, Crowd, Member
from tests.outages.outage import SHORT_FORM_WAITS, Kind, outage
from tests.outages.tcp_proxy import wire
from tests.postgres import PORT, OwnServer

#: `OUTAGE_SECONDS=60 make test ARGS=tests/outages/test_postgresql.py` is the long form.
SECONDS = float(os.environ.get("OUTAGE_SECONDS", "4"))
#: Docker and systemd kill after 10 and 90 s, Kubernetes after 30.
LINES = 20
STOPS_WITHIN = 25.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
async def test_an_outage_misleads_nobody(cluster: OwnServer, tmp_path: Path, kind: Kind) -> None:
    seen = await outage(cluster, tmp_path, kind, seconds=SECONDS)

    print(seen.line())
    assert seen.misled == ()
    assert seen.silent == 0
    assert seen.slowest < SHORT_FORM_WAITS
    assert seen.told[SAVED] > 0
    assert len(seen.told) > 1  # somebody did notice
    assert (seen.lost, seen.twice) == (0, 0)
    assert seen.alive
    assert seen.log_lines < LINES + SECONDS


async def test_who_asks_whether_it_is_ready_is_told_soon(cluster: OwnServer) -> None:
    """Giving up a connection that was cut takes psycopg another 10 s; a probe waits for less."""
    url = cluster.create()
    await migrate(url)

    async def connected() -> bool:
        return True

    async with wire(cluster.home / f".s.PGSQL.{PORT}") as line:
        db = Database(line.url(url))
        assert await not_ready(db, Clock(), connected) == {}
        line.cut()
        began = monotonic()
        assert await not_ready(db, Clock(), connected) == {"database": DATABASE}
        assert monotonic() - began < LOOK_SECONDS + 5
        assert isnan(REGISTRY.get_sample_value("imbalance_ready", {"check": "outbox"}) or 0)
        line.mend(forgotten=True)
        await db.close()


async def test_told_to_stop_while_people_answer_and_the_network_is_cut_it_stops(
    cluster: OwnServer, tmp_path: Path
) -> None:
    url = cluster.create()
    await migrate(url)
    slack = FakeSlack(clock=Clock().now, manifest=MANIFEST)
    await slack.start()
    db = Database(url)
    await open_round(db, MEMBERS)
    await db.close()
    crowd = Crowd(slack=slack, members=[Member(user_id=one) for one in MEMBERS])
    async with (
        wire(cluster.home / f".s.PGSQL.{PORT}") as line,
        running(tmp_path, environment(line.url(url), slack)) as bot,
    ):
        answering = asyncio.create_task(crowd.answer_until_stopped())
        await asyncio.sleep(0.5)
        line.cut()
        await asyncio.sleep(1)
        crowd.stop()
        bot.process.terminate()
        await asyncio.wait_for(bot.process.wait(), STOPS_WITHIN)
        await answering
    await slack.stop()
    assert bot.process.returncode == 0
