"""The whole bot against a model of it, at random, on both engines."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.db.migrate import migrate
from tests.model.machine import Machine

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "8"))
STEPS = int(os.environ.get("MODEL_STEPS", "25"))
PHASES = [Phase.explicit, Phase.generate]
if os.environ.get("MODEL_SHRINK") != "0":
    PHASES.append(Phase.shrink)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes an empty migrated database, as often as it is called."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        template = server.template("migrated", lambda url: asyncio.run(migrate(url)))
        return lambda: server.create(template)
    template_file = request.getfixturevalue("sqlite_template")
    numbers = count()

    def copied() -> str:
        file = tmp_path / f"{next(numbers)}.db"
        shutil.copy(template_file, file)
        return f"sqlite:///{file}"

    return copied


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_it_does_what_the_model_says(
    new_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bot.agenda.ticker.FIRST_RETRY", timedelta(milliseconds=20))
    monkeypatch.setattr(Machine, "new_database", staticmethod(new_database), raising=False)
    monkeypatch.setattr(Machine, "tally", Counter(), raising=False)
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
    )
    run_state_machine_as_test(Machine, settings=profile)
    with capsys.disabled():
        told = ", ".join(f"{number} {what}" for what, number in Machine.tally.items())
        print(f" [model: {told}]", end="")
