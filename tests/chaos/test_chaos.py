"""A small `make chaos`: a kill at each step with each engine, and every mutation is detected."""

import os
import signal
import subprocess
import sys

import pytest

from tests.chaos import plan, whole_bot_process
from tests.chaos.__main__ import WHOLE_BOT_SETUPS
from tests.chaos.mutations import MUTATIONS
from tests.chaos.steps import STEPS
from tests.harness import ALL_VARIANTS

PART_SECONDS = 300
#: A part that takes too long is killed and its output shown before pytest stops everything.
TIMEOUT_SECONDS = PART_SECONDS + 60
#: One sender on PostgreSQL does nothing that three do not.
SETUPS = [one for one in plan.SETUPS if ALL_VARIANTS or one != "postgresql 1"]

pytestmark = pytest.mark.slow


def chaos(*arguments: str) -> tuple[int, str]:
    """Exit code and output, from a separate process because forking needs one without threads."""
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=PART_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its children, too
            output, _ = process.communicate()
            output += f"\nended after {PART_SECONDS} s"
    return process.returncode, output


@pytest.mark.timeout(TIMEOUT_SECONDS)
@pytest.mark.parametrize("part", SETUPS)
def test_no_message_is_lost_or_duplicated_when_processes_are_killed(part: str) -> None:
    exit_code, output = chaos("--quick", "--part", part)

    assert exit_code == 0, output
    for step in STEPS:
        assert step in output


@pytest.mark.timeout(TIMEOUT_SECONDS)
@pytest.mark.parametrize("part", WHOLE_BOT_SETUPS)
def test_whole_bot_loses_and_duplicates_nothing_when_killed(part: str) -> None:
    exit_code, output = chaos("--quick", "--part", part)

    assert exit_code == 0, output


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_every_mutation_of_the_protocol_is_detected() -> None:
    exit_code, output = chaos("--part", "mutations")

    assert exit_code == 0, output
    assert output.count("caught") == len(MUTATIONS)


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_every_mutation_of_the_whole_bot_is_detected() -> None:
    exit_code, output = chaos("--part", "whole mutations")

    assert exit_code == 0, output
    assert output.count("caught") == len(whole_bot_process.MUTATIONS)
