"""The clock that is moved, and ids that sort or cannot be guessed."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import MovedClock, new_id, new_sortable_id, shuffled

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_moved_clock_stands_still():
    clock = MovedClock(NOON)

    assert clock.now() == clock.now() == NOON


def test_it_moves_by_hand():
    assert MovedClock(NOON).advance(timedelta(days=1)) == NOON + timedelta(days=1)


def test_a_running_one_goes_on_from_there():
    clock = MovedClock(NOON, running=True)

    assert NOON <= clock.now() < NOON + timedelta(minutes=1)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        MovedClock(NOON.replace(tzinfo=None))


def test_sortable_ids_sort_as_they_were_made():
    ids = [new_sortable_id() for _ in range(5_000)]

    assert ids == sorted(set(ids))


def test_ids_have_one_form():
    assert len(new_id()) == len(new_sortable_id()) == 32


def test_shuffling_loses_nothing():
    assert sorted(shuffled(range(100))) == list(range(100))
