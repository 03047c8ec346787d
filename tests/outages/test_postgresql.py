"""PostgreSQL goes away under load: people are told, nothing confirmed is lost, all resumes."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.playground.server import StandIn
from tests.conftest import MANIFEST
from tests.outages.crowd import SAVED, Crowd, Member
from tests.outages.outage import Kind, outage
from tests.outages.running import environment, open_round, running
from tests.outages.wire import wire
from tests.postgres import PORT, OwnServer
from tests.vocabulary import MEMBERS

#: `OUTAGE_SECONDS=60 make test ARGS=tests/outages/test_postgresql.py` is the long form.
SECONDS = float(os.environ.get("OUTAGE_SECONDS", "4"))
SLACK_WAITS = 3.0
#: Docker and systemd kill after 10 and 90 s, Kubernetes after 30.
LINES = 20
STOPS_WITHIN = 15.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
async def test_an_outage_misleads_nobody(cluster: OwnServer, tmp_path: Path, kind: Kind) -> None:
    seen = await outage(cluster, tmp_path, kind, seconds=SECONDS)

    print(seen.line())
    assert seen.misled == ()
    assert seen.silent == 0
    assert seen.slowest < SLACK_WAITS
    assert seen.told[SAVED] > 0
    assert len(seen.told) > 1  # somebody did notice
    assert (seen.lost, seen.twice) == (0, 0)
    assert seen.alive
    assert seen.log_lines < LINES + SECONDS


async def test_told_to_stop_while_people_answer_and_the_network_is_cut_it_stops(
    cluster: OwnServer, tmp_path: Path
) -> None:
    url = cluster.create()
    await migrate(url)
    slack = StandIn(clock=Clock().now, manifest=MANIFEST)
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
