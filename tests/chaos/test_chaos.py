"""The small form of `make chaos`: each step hit twice, each mutation noticed."""

import subprocess
import sys

import pytest

from tests.chaos import plan, whole_child
from tests.chaos.__main__ import WHOLE
from tests.chaos.mutations import MUTATIONS
from tests.chaos.steps import STEPS

LONGEST_SECONDS = 300


def chaos(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own: what forks must know no thread."""
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("part", plan.SETUPS)
def test_nothing_is_lost_and_nothing_said_twice(part: str) -> None:
    ended = chaos("--quick", "--part", part)

    assert ended.returncode == 0, ended.stdout
    for step in STEPS:
        assert step in ended.stdout


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("part", WHOLE)
def test_the_whole_bot_keeps_its_word_to_its_people(part: str) -> None:
    ended = chaos("--quick", "--part", part)

    assert ended.returncode == 0, ended.stdout


@pytest.mark.timeout(LONGEST_SECONDS)
def test_a_protocol_without_one_of_its_pieces_is_noticed() -> None:
    ended = chaos("--part", "mutations")

    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("caught") == len(MUTATIONS)


@pytest.mark.timeout(LONGEST_SECONDS)
def test_a_bot_that_breaks_its_word_is_noticed() -> None:
    ended = chaos("--part", "whole mutations")

    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("caught") == len(whole_child.MUTATIONS)
