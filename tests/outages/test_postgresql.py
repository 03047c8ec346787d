"""PostgreSQL outages under load: people get true responses, saved answers survive."""

import asyncio
import os
from math import isnan
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bot.clock import Clock, monotonic
from bot.db.engine import Database
from bot.operations.readiness import (
    DATABASE_TIMEOUT_SECONDS,
    DATABASE_UNREACHABLE,
    readiness_problems,
)
from tests.conftest import running_fake_slack
from tests.harness import KEY_RING, MEMBERS
from tests.outages.bot_process import environment, open_round, started_bot
from tests.outages.load import SAVED, Crowd, Member
from tests.outages.outage import ACK_SECONDS_UNDER_LOAD, OutageKind, outage
from tests.outages.tcp_proxy import tcp_proxy
from tests.postgres import PORT, OwnServer

#: For a longer outage: `OUTAGE_SECONDS=60 make test ARGS=tests/outages/test_postgresql.py`.
SECONDS = float(os.environ.get("OUTAGE_SECONDS", "4"))
MAX_LOG_LINES = 20
#: Docker kills after 10 s, Kubernetes after 30 s, systemd after 90 s.
STOP_TIMEOUT_SECONDS = 25.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(OutageKind))
async def test_outage_misleads_nobody_and_loses_nothing(
    cluster: OwnServer, tmp_path: Path, kind: OutageKind
) -> None:
    result = await outage(cluster, tmp_path, kind, seconds=SECONDS)

    print(result.summary())
    assert result.misled == ()
    assert result.unanswered == 0
    assert result.slowest < ACK_SECONDS_UNDER_LOAD
    assert result.outcomes[SAVED] > 0
    assert len(result.outcomes) > 1  # somebody noticed the outage
    assert (result.lost, result.duplicates) == (0, 0)
    assert result.alive
    assert result.log_lines < MAX_LOG_LINES + SECONDS


async def test_readiness_check_answers_soon_when_the_network_is_cut(cluster: OwnServer) -> None:
    """A probe does not wait the 10 s that psycopg takes to give up a cut connection."""
    url = cluster.create(await asyncio.to_thread(cluster.migrated_template))

    async def connected() -> bool:
        return True

    async with tcp_proxy(cluster.home / f".s.PGSQL.{PORT}") as proxy:
        db = Database(proxy.url(url), KEY_RING)
        assert await readiness_problems(db, Clock(), connected) == {}
        proxy.cut()
        began = monotonic()
        assert await readiness_problems(db, Clock(), connected) == {
            "database": DATABASE_UNREACHABLE
        }
        assert monotonic() - began < DATABASE_TIMEOUT_SECONDS + 5
        assert isnan(REGISTRY.get_sample_value("imbalance_ready", {"check": "outbox"}) or 0)
        proxy.restore(reset=True)
        await db.close()


async def test_sigterm_stops_the_bot_while_the_network_is_cut(
    cluster: OwnServer, tmp_path: Path
) -> None:
    url = cluster.create(await asyncio.to_thread(cluster.migrated_template))
    db = Database(url, KEY_RING)
    await open_round(db, MEMBERS)
    await db.close()
    async with (
        running_fake_slack(Clock()) as slack,
        tcp_proxy(cluster.home / f".s.PGSQL.{PORT}") as proxy,
        started_bot(tmp_path, environment(proxy.url(url), slack)) as bot,
    ):
        crowd = Crowd(slack=slack, members=[Member(user_id=one) for one in MEMBERS])
        answering = asyncio.create_task(crowd.answer_until_stopped())
        await asyncio.sleep(0.5)
        proxy.cut()
        await asyncio.sleep(1)
        crowd.stop()
        bot.process.terminate()
        await asyncio.wait_for(bot.process.wait(), STOP_TIMEOUT_SECONDS)
        await answering
    assert bot.process.returncode == 0
