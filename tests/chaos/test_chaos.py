"""The small form of `make chaos`: each step hit twice, each mutation noticed."""

import os
import signal
import subprocess
import sys

import pytest

from tests.chaos import plan, whole_bot_process
from tests.chaos.__main__ import WHOLE
from tests.chaos.mutations import MUTATIONS
from tests.chaos.steps import STEPS

PART_SECONDS = 300
#: A part that takes too long is ended, and what it said is shown, before pytest ends everything.
LONGEST_SECONDS = PART_SECONDS + 60


def chaos(*arguments: str) -> tuple[int, str]:
    """Exit code and output. In a process of its own: what forks must know no thread."""
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=PART_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its children, too
            told, _ = process.communicate()
            told += f"\nended after {PART_SECONDS} s"
    return process.returncode, told


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("part", plan.SETUPS)
def test_nothing_is_lost_and_nothing_said_twice(part: str) -> None:
    code, told = chaos("--quick", "--part", part)

    assert code == 0, told
    for step in STEPS:
        assert step in told


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("part", WHOLE)
def test_the_whole_bot_keeps_its_word_to_its_people(part: str) -> None:
    code, told = chaos("--quick", "--part", part)

    assert code == 0, told


@pytest.mark.timeout(LONGEST_SECONDS)
def test_a_protocol_without_one_of_its_pieces_is_noticed() -> None:
    code, told = chaos("--part", "mutations")

    assert code == 0, told
    assert told.count("caught") == len(MUTATIONS)


@pytest.mark.timeout(LONGEST_SECONDS)
def test_a_bot_that_breaks_its_word_is_noticed() -> None:
    code, told = chaos("--part", "whole mutations")

    assert code == 0, told
    assert told.count("caught") == len(whole_bot_process.MUTATIONS)
