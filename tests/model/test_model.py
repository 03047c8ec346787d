"""The whole bot against a reference model, with random steps, on both engines.

`make test` runs a few fixed examples; `make fuzz` runs many, from a seed.
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import copy_of
from tests.model.machine import Machine

STORIES = int(os.environ.get("MODEL_STORIES", "6"))
STEPS = int(os.environ.get("MODEL_STEPS", "25"))
#: Empty: the same examples every time.
SEED = os.environ.get("MODEL_SEED", "")
#: 0 disables shrinking, to report a failure sooner.
SHRINK = os.environ.get("MODEL_SHRINK", "1") != "0"


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A function that creates an empty migrated database on each call."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        template = server.migrated_template()
        return lambda: server.create(template)
    template_file = request.getfixturevalue("sqlite_template")
    numbers = count()
    return lambda: copy_of(template_file, tmp_path / f"{next(numbers)}.db")


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_bot_matches_the_reference_model(
    new_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bot.agenda.ticker.FIRST_RETRY", timedelta(milliseconds=20))
    # After a kill, the next bot waits until these leases expire.
    monkeypatch.setattr("bot.outbox.sender_leases.LEASE_DURATION", timedelta(seconds=1))
    monkeypatch.setattr("bot.agenda.claims.CLAIM_DURATION", timedelta(seconds=1))
    # A slow machine must not cause timeouts.
    monkeypatch.setattr("bot.slack.deadline_app.RESPONSE_DEADLINE_SECONDS", 60.0)
    monkeypatch.setattr("bot.playground.fake_slack.dispatch.ACK_SECONDS", 90.0)
    monkeypatch.setattr("bot.playground.fake_slack.triggers.TRIGGER_LIFETIME_SECONDS", 90.0)
    monkeypatch.setattr(Machine, "new_database", staticmethod(new_database), raising=False)
    monkeypatch.setattr(Machine, "tally", Counter(), raising=False)
    profile = settings(
        max_examples=STORIES,
        stateful_step_count=STEPS,
        derandomize=not SEED,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
    )
    run_state_machine_as_test(seed(int(SEED))(Machine) if SEED else Machine, settings=profile)
    with capsys.disabled():
        totals = ", ".join(f"{number} {what}" for what, number in Machine.tally.items())
        print(f" [model: {totals}]", end="")
